import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { test } from 'node:test'
import { openFaultProxy } from './fault-proxy.ts'

async function echoServer() {
  const server = createServer({ allowHalfOpen: true }, (socket) => socket.on('error', () => {}).pipe(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { port: (server.address() as AddressInfo).port, [Symbol.dispose]: () => server.close() }
}

async function roundTrip(port: number, text: string): Promise<{ answer: string; ms: number }> {
  const started = performance.now()
  const socket = connect(port, '127.0.0.1')
  socket.end(text)
  let answer = ''
  for await (const chunk of socket) answer += String(chunk)
  return { answer, ms: performance.now() - started }
}

test('a relay passes bytes on unchanged and in order, also with delay', async () => {
  using echo = await echoServer()
  await using proxy = await openFaultProxy({ host: '127.0.0.1', port: () => echo.port })
  const text = 'x'.repeat(300_000) + 'end'
  assert.ok((await roundTrip(proxy.port, text)).answer === text)
  proxy.delay(60)
  const slow = await roundTrip(proxy.port, text)
  assert.ok(slow.answer === text)
  assert.ok(slow.ms >= 119, `two delays of 60 ms took ${slow.ms} ms`)
})

test('a cut breaks open connections and refuses new ones until it heals', async () => {
  using echo = await echoServer()
  await using proxy = await openFaultProxy({ host: '127.0.0.1', port: () => echo.port })
  const open = connect(proxy.port, '127.0.0.1')
  open.on('error', () => {})
  open.write('a')
  await once(open, 'data')
  proxy.cut()
  await once(open, 'close')
  await assert.rejects(roundTrip(proxy.port, 'b').then(({ answer }) => assert.equal(answer, 'b')))
  proxy.heal()
  assert.equal((await roundTrip(proxy.port, 'c')).answer, 'c')
})
