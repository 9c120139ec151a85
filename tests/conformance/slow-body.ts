// A client that reads nothing before it has written everything, as many do.
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TestNode } from './two-nodes.ts'

/** Writes a body in small pieces, and only then reads; what was answered, or why it never came. */
export async function answerToSlowBody(node: TestNode, path: string, bytes: number): Promise<string> {
  const { hostname, port } = new URL(node.url)
  const token = readFileSync(join(node.dir, 'operator.token'), 'utf8').trim()
  const socket = connect(Number(port), hostname).setTimeout(20_000, () => socket.destroy())
  let failure = ''
  socket.on('error', (error) => (failure = String(error)))
  socket.pause()
  const head = [`POST ${path} HTTP/1.1`, `host: ${hostname}`, `authorization: Bearer ${token}`, 'connection: close']
  socket.write(`${[...head, 'content-type: application/json', `content-length: ${bytes}`].join('\r\n')}\r\n\r\n`)
  for (let sent = 0; sent < bytes && failure === ''; sent += 65_536) {
    socket.write(Buffer.alloc(Math.min(65_536, bytes - sent), ' '))
    await sleep(2)
  }
  if (failure !== '') return failure
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  const closed = once(socket, 'close')
  socket.resume()
  await closed.catch((error: unknown) => (failure = String(error)))
  return Buffer.concat(chunks).toString('utf8') || failure
}
