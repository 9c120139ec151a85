// A member that is admitted to an alliance later, reading an ally's node over TAXII all the while.
import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { folder, indicator, init, noroshi, type Served, serve } from '../cli/command-line.ts'
import { TYPE } from './taxii-world.ts'

const OBJECTS = 5

const run = async <T>(args: readonly string[]): Promise<T> => {
  const ran = await noroshi([...args, '--json'])
  assert.equal(ran.code, 0, `${args.join(' ')}: ${ran.stderr}`)
  return ran.json()[0] as T
}

async function freePort(): Promise<string> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return String(port)
}

async function publish(node: Served, alliance: string): Promise<string[]> {
  const objects = Array.from({ length: OBJECTS }, (_, i) => indicator(`198.51.100.${i}`))
  const answer = await node.ask(`/api/v1/publish?tlp=amber&to=alliance:${alliance}`, {
    method: 'POST',
    body: JSON.stringify(objects),
    headers: { 'content-type': 'application/json' },
  })
  assert.equal(answer.status, 200, await answer.text())
  return objects.map(({ id }) => id)
}

test('who is admitted to an alliance gets what stood in it with later dates, also over a restart, and nothing twice', async () => {
  await using home = await folder()
  const [jpDir, usDir, jpPort, usPort] = [home.in('jp'), home.in('us'), await freePort(), await freePort()]
  await init(jpDir, 'jp-nco', ['--port', jpPort, '--public-url', `http://127.0.0.1:${jpPort}`])
  await init(usDir, 'us-cisa', ['--port', usPort, '--public-url', `http://127.0.0.1:${usPort}`])
  let jp = await serve(jpDir, ['--port', jpPort])
  await using us = await serve(usDir, ['--port', usPort])
  const join = async (alliance: string) => {
    const { text } = await run<{ text: string }>(['alliance', 'invite', alliance, '--dir', jpDir])
    const { words } = await run<{ words: string }>(['alliance', 'join', text, '--dir', us.dir])
    const approve = ['alliance', 'approve', alliance, '--dir', jpDir, '--member', 'us-cisa', '--words', words]
    assert.equal((await run<{ inForce: boolean }>(approve)).inForce, true)
  }
  try {
    for (const alliance of ['bilateral', 'trilateral']) await run(['alliance', 'create', alliance, '--dir', jpDir])
    await join('bilateral')
    const { text } = await run<{ text: string }>([
      'token', 'create', 'us', '--scope', 'read', '--org', 'us-cisa', '--dir', jpDir,
    ]) // prettier-ignore
    const read = async (root: string, query: string) => {
      const answer = await jp.ask(`/taxii2/${root}/collections/everything/objects/?${query}`, {
        headers: { authorization: `Bearer ${text}`, accept: TYPE },
      })
      const { objects = [] } = (await answer.json()) as { objects?: { id: string }[] }
      const last = answer.headers.get('x-taxii-date-added-last')
      return { status: answer.status, ids: objects.map(({ id }) => id), last: last ?? '' }
    }
    const secret = await publish(jp, 'trilateral')
    const shared = await publish(jp, 'bilateral')
    const before = await read('_node', '')
    assert.deepEqual(before.ids, shared)
    assert.equal((await read('trilateral', '')).status, 404)
    assert.deepEqual((await read('_node', `added_after=${before.last}`)).ids, [])

    await join('trilateral')
    const gained = await read('_node', `added_after=${before.last}`)
    assert.deepEqual(gained.ids, secret, 'what stood there comes after all that was read')
    assert.deepEqual((await read('_node', `added_after=${before.last}&limit=2`)).ids, secret.slice(0, 2))
    assert.deepEqual((await read('trilateral', '')).ids, secret)
    assert.deepEqual((await read('_node', `match[id]=${secret[1]}&added_after=${before.last}`)).ids, [secret[1]])

    await jp.stop()
    jp = await serve(jpDir, ['--port', jpPort])
    const again = await read('_node', '')
    assert.deepEqual(again, { status: 200, ids: [...shared, ...secret], last: gained.last }, 'the same after a restart')
    const later = [...(await publish(jp, 'trilateral')), ...(await publish(jp, 'bilateral'))]
    assert.deepEqual((await read('_node', `added_after=${gained.last}`)).ids, later)
  } finally {
    await jp.stop()
  }
})
