// Two nodes set up by hand, as the operator's guide says: after the approval their links are up by themselves.
import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { folder, indicator, init, noroshi, serve, type Served } from '../cli/command-line.ts'

/** How soon after the approval both links have to be up. */
const LINKED_WITHIN_MS = 5_000

interface Link {
  slug: string
  state: string
  clockOffsetMs: number | null
}

const run = async <T>(args: readonly string[]): Promise<T> => {
  const ran = await noroshi([...args, '--json'])
  assert.equal(ran.code, 0, `${args.join(' ')}: ${ran.stderr}`)
  return ran.json()[0] as T
}

const linksOf = async (node: Served) =>
  ((await (await node.ask('/api/v1/links')).json()) as { links: Link[] }).links.map(({ slug, state }) => [slug, state])

async function until(what: string, withinMs: number, condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + withinMs
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`)
    await sleep(50)
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

async function startNode(dir: string, slug: string): Promise<Served> {
  const port = String(await freePort())
  await init(dir, slug, ['--port', port, '--public-url', `http://127.0.0.1:${port}`])
  return serve(dir, ['--port', port])
}

async function publish(node: Served, address: string): Promise<string> {
  const object = indicator(address)
  const answer = await node.ask('/api/v1/publish?tlp=amber&to=alliance:trilateral', {
    method: 'POST',
    body: JSON.stringify([object]),
    headers: { 'content-type': 'application/json' },
  })
  assert.equal(answer.status, 200, await answer.text())
  return String(object['id'])
}

const holds = async (node: Served, id: string) => (await node.ask(`/api/v1/objects/${id}`)).status === 200

test('right after the approval the links are up both ways, and carry publications', async () => {
  await using home = await folder()
  await using jp = await startNode(home.in('jp'), 'jp-nco')
  await using us = await startNode(home.in('us'), 'us-cisa')
  await run(['alliance', 'create', 'trilateral', '--dir', jp.dir])
  const { text } = await run<{ text: string }>(['alliance', 'invite', 'trilateral', '--dir', jp.dir])
  const { words } = await run<{ words: string }>(['alliance', 'join', text, '--dir', us.dir])
  const approve = ['alliance', 'approve', 'trilateral', '--dir', jp.dir, '--member', 'us-cisa', '--words', words]
  assert.equal((await run<{ inForce: boolean }>(approve)).inForce, true)
  let seen: unknown
  await until(`links that are up`, LINKED_WITHIN_MS, async () => {
    seen = [await linksOf(jp), await linksOf(us)]
    return JSON.stringify(seen) === '[[["us-cisa","up"]],[["jp-nco","up"]]]'
  }).catch((cause: unknown) => assert.fail(`${String(cause)}; they are ${JSON.stringify(seen)}`))
  const [there, back] = [await publish(jp, '198.51.100.1'), await publish(us, '198.51.100.2')]
  await until('both publications have arrived', 5_000, async () => (await holds(us, there)) && (await holds(jp, back)))
})
