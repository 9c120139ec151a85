import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { LinkRequest, LinkResponse, Transport } from '../api.ts'

/** HTTP over loopback as a node does it, for tests and benchmarks of links. */
export async function listen(handle: (request: LinkRequest) => Promise<LinkResponse>): Promise<Listening> {
  const server = createServer((request, response) => {
    void answer(handle, request, response).catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { address: `http://127.0.0.1:${port}`, server, close: () => close(server) }
}

/** A listening server. */
export interface Listening {
  address: string
  server: Server
  close(): Promise<void>
}

/** Requests by `fetch`. */
export const fetchTransport: Transport = async (address, request) => {
  const { method, target, headers, body, signal } = request
  const answer = await fetch(address + target, {
    method,
    headers,
    signal,
    redirect: 'error',
    ...(method === 'POST' ? { body: body as Uint8Array<ArrayBuffer> } : {}),
  })
  // `fetch` has undone the coding, and still names it.
  const { 'content-encoding': _coding, ...kept } = Object.fromEntries(answer.headers)
  return { status: answer.status, headers: kept, body: answer.body ?? new Uint8Array() }
}

async function answer(
  handle: (request: LinkRequest) => Promise<LinkResponse>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const headers = request.headers as Record<string, string | undefined>
  const { method = 'GET', url: target = '/' } = request
  const done = await handle({ method, target, headers, body: Buffer.concat(chunks) })
  response.writeHead(done.status, done.headers)
  if ('body' in done) {
    response.end(done.body)
    return
  }
  const chunksOut = done.stream[Symbol.asyncIterator]()
  response.on('close', () => void chunksOut.return?.())
  response.flushHeaders()
  for (let next = await chunksOut.next(); !next.done; next = await chunksOut.next()) {
    if (!response.write(next.value)) await new Promise((resolve) => response.once('drain', resolve))
  }
  response.end()
}

function close(server: Server): Promise<void> {
  server.closeAllConnections()
  return new Promise((resolve) => server.close(() => resolve()))
}
