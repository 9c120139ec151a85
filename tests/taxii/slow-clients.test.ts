// Clients that ask and do not read.
import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { indicator } from '../cli/command-line.ts'
import { openTaxiiWorld, residentBytes } from './taxii-world.ts'

const CLIENTS = 1_000

test('a thousand clients that do not read cost bounded memory, and others are answered meanwhile', async () => {
  await using world = await openTaxiiWorld()
  const objects = Array.from({ length: 1_000 }, (_, i) =>
    indicator(`10.0.${i >> 8}.${i & 255}`, { description: 'x'.repeat(2_000) }),
  )
  const sent = await world.node.ask('/api/v1/publish?tlp=green', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(objects),
  })
  assert.equal(sent.status, 200)
  const slow = await world.caller('slow', 'read')
  const before = await residentBytes(world.node.pid)
  const { hostname, port } = new URL(world.node.url)
  const sockets: Socket[] = []
  for (let i = 0; i < CLIENTS; i++) {
    const socket = connect(Number(port), hostname).pause()
    socket.on('error', () => undefined)
    socket.write(
      `GET /taxii2/_node/collections/everything/objects/ HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${slow.text}\r\n\r\n`,
    )
    sockets.push(socket)
  }
  await sleep(1_000)
  const answer = await world.operator.ask('/_node/collections/everything/objects/?limit=10')
  assert.equal(answer.status, 200)
  assert.equal(((await answer.json()) as { objects: unknown[] }).objects.length, 10)
  const grown = (await residentBytes(world.node.pid)) - before
  assert.ok(grown < 500_000_000, `${Math.round(grown / 1e6)} MB more`)
  for (const socket of sockets) socket.destroy()
  await sleep(200)
  assert.equal((await slow.ask('/_node/collections/everything/objects/?limit=10')).status, 200, 'room is given back')
})
