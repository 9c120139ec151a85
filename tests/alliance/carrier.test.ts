// Three processes as operators run them: two without a link to each other, and the third that their charter names as carrier.
import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { folder, indicator, init, noroshi, serve, type Served } from '../cli/command-line.ts'

/** Machines may be busy; nothing here is about speed. */
const PATIENCE_MS = 60_000

const run = async <T>(args: readonly string[]): Promise<T> => {
  const ran = await noroshi([...args, '--json'])
  assert.equal(ran.code, 0, `${args.join(' ')}: ${ran.stderr}`)
  return ran.json()[0] as T
}

async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not within ${PATIENCE_MS} ms: ${what}`)
    await sleep(100)
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

interface Link {
  slug: string
  state: string
  way?: string
}

const linkTo = async (node: Served, slug: string): Promise<Link | undefined> => {
  const { links } = (await (await node.ask('/api/v1/links')).json()) as { links: Link[] }
  return links.find((link) => link.slug === slug)
}

const holds = async (node: Served, id: string) => (await node.ask(`/api/v1/objects/${id}`)).status === 200

async function publish(node: Served, address: string, query: string): Promise<string> {
  const object = indicator(address)
  const answer = await node.ask(`/api/v1/publish?${query}`, {
    method: 'POST',
    body: JSON.stringify([object]),
    headers: { 'content-type': 'application/json' },
  })
  assert.equal(answer.status, 200, await answer.clone().text())
  return String(object['id'])
}

const alarms = async (node: Served) => {
  const { rows } = (await (await node.ask('/api/v1/journal?stream=alarms&limit=100')).json()) as { rows: unknown[] }
  return rows
}

test('two members without a link to each other share through the carrier that they voted for: durable, receipted, recalled', async () => {
  await using home = await folder()
  const start = async (slug: string) => {
    const port = String(await freePort())
    await init(home.in(slug), slug, ['--port', port, '--public-url', `http://127.0.0.1:${port}`])
    return serve(home.in(slug), ['--port', port])
  }
  await using us = await start('us')
  await using jp = await start('jp')
  await using ph = await start('ph')
  const alliance = (node: Served, ...args: string[]) =>
    run<Record<string, unknown>>(['alliance', args[0]!, 'trilateral', '--dir', node.dir, ...args.slice(1)])

  await alliance(us, 'create')
  for (const [slug, node] of [
    ['jp', jp],
    ['ph', ph],
  ] as const) {
    const { text } = await alliance(us, 'invite')
    const { words } = await run<{ words: string }>(['alliance', 'join', String(text), '--dir', node.dir])
    const { inForce, version } = await alliance(us, 'approve', '--member', slug, '--words', words)
    if (inForce === true) continue
    await until('the proposal at jp', async () => {
      const { proposals } = await alliance(jp, 'requests')
      return (proposals as unknown[]).length > 0
    })
    await alliance(jp, 'approve', '--version', String(version))
  }
  const { version } = await alliance(us, 'change', '--carrier', 'us')
  await until('the proposal at jp', async () => ((await alliance(jp, 'requests'))['proposals'] as unknown[]).length > 0)
  await alliance(jp, 'approve', '--version', String(version))
  for (const [node, other] of [
    [jp, 'ph'],
    [ph, 'jp'],
  ] as const) {
    await until(`${other} is known`, async () => (await linkTo(node, other)) !== undefined)
    assert.equal((await node.ask(`/api/v1/links/${other}`, { method: 'DELETE' })).status, 204)
  }

  const id = await publish(jp, '198.51.100.1', 'tlp=amber&to=alliance:trilateral')
  await until('it at ph', () => holds(ph, id))
  const link = await linkTo(ph, 'jp')
  assert.deepEqual([link?.state, link?.way], ['up', 'carrier'])
  assert.match((await noroshi(['link', 'list', '--dir', ph.dir])).stdout, /jp .*through us/)
  const who = async () => (await noroshi(['who', id, '--dir', jp.dir])).stdout
  await until('both receipts at jp', async () => /ph +holds it.*via us.*armed/.test(await who()))
  assert.doesNotMatch(await who(), /us +holds it.*via/)

  // RED for both of them goes to the carrier alone, and what it may not hold goes nowhere.
  const red = await publish(jp, '198.51.100.2', 'tlp=red&to=org:us&to=org:ph')
  const aside = await publish(jp, '198.51.100.3', 'tlp=amber&to=org:ph')
  const after = await publish(jp, '198.51.100.4', 'tlp=amber&to=alliance:trilateral')
  await until('what followed, at ph', () => holds(ph, after))
  await until('RED at us', () => holds(us, red))
  assert.deepEqual([await holds(ph, red), await holds(ph, aside), await holds(us, aside)], [false, false, false])

  const recalled = await noroshi(['recall', id, '--dir', jp.dir, '--reason', 'error', '--wait', '60'])
  assert.equal(recalled.code, 0, recalled.stderr + recalled.stdout)
  assert.equal(await holds(ph, id), false)
  assert.match(await who(), /ph +acknowledged.*via us/)
  for (const node of [jp, us, ph]) assert.deepEqual(await alarms(node), [])
})
