// SIGKILL of whoever takes or sends, again and again at random places: in the end everything is there, and nothing twice.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { folder, HOME, indicator, init, noroshi, serve } from '../cli/command-line.ts'
import { openTaxiiWorld, type TaxiiWorld } from './taxii-world.ts'

const GREEN = 'marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb'
const KILLS = 5
const SEED = 11

/** Numbers from 0 to 1, the same for the same seed. */
let state = SEED
const random = () => {
  state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
  return state / 2_147_483_648
}

const some = (count: number) =>
  Array.from({ length: count }, (_, i) => indicator(`10.1.${i >> 8}.${i & 255}`, { object_marking_refs: [GREEN] }))
const idsOf = (objects: { id: string }[]) => objects.map(({ id }) => id)

async function publish(world: TaxiiWorld, objects: object[]): Promise<void> {
  const body = JSON.stringify(objects)
  const headers = { 'content-type': 'application/json' }
  assert.equal((await world.node.ask('/api/v1/publish', { method: 'POST', headers, body })).status, 200)
}

/** All ids of a collection, page by page. */
async function idsIn({ operator }: Pick<TaxiiWorld, 'operator'>, path: string): Promise<string[]> {
  const ids: string[] = []
  for (let next: string | undefined = ''; next !== undefined;) {
    const query: string = next === '' ? '' : `&next=${encodeURIComponent(next)}`
    const page = (await (await operator.ask(`${path}objects/?limit=1000${query}`)).json()) as {
      objects?: { id: string }[]
      next?: string
    }
    ids.push(...idsOf(page.objects ?? []))
    next = page.next
  }
  return ids
}

/** Runs a command and kills it a little after a file of it changed for a random time. */
async function killed(args: string[], env: Record<string, string>, file: string): Promise<boolean> {
  const main = join(HOME, 'src', 'cli', 'main.ts')
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main, ...args], {
    env: { ...process.env, NODE_TEST_CONTEXT: undefined, ...env },
    stdio: 'ignore',
  })
  const closed = once(child, 'close')
  const changed = async () => (await stat(file).catch(() => undefined))?.mtimeMs ?? 0
  let changes = 1 + Math.floor(random() * 3)
  for (let before = await changed(); changes > 0 && child.exitCode === null;) {
    await pause(1)
    const now = await changed()
    if (now !== before) changes--
    before = now
  }
  await pause(random() * 20)
  child.kill('SIGKILL')
  await closed
  return child.signalCode === 'SIGKILL'
}

test(`pull into a file, killed ${KILLS} times`, { timeout: 300_000 }, async () => {
  await using home = await folder()
  await using source = await openTaxiiWorld()
  const objects = some(2_000)
  await publish(source, objects)
  const out = home.in('out.ndjson')
  const env = { NOROSHI_TAXII_USER: 'operator', NOROSHI_TAXII_PASSWORD: source.node.token }
  const address = `${source.node.url}/taxii2/_node/`
  const args = ['taxii', 'pull', address, '--collection', 'everything', '--out', out, '--limit', '50', '--json']
  let kills = 0
  for (let round = 0; round < KILLS; round++) if (await killed(args, env, out)) kills++
  assert.ok(kills > 0)
  const ran = await noroshi(args, { env })
  assert.equal(ran.code, 0, ran.stderr)
  const lines = (await readFile(out, 'utf8')).trim().split('\n')
  const got = lines.map((line) => (JSON.parse(line) as { id: string }).id)
  assert.deepEqual(
    got.filter((id) => id.startsWith('indicator')),
    idsOf(objects),
  )
})

test(`push, killed ${KILLS} times`, { timeout: 300_000 }, async () => {
  await using home = await folder()
  await using target = await openTaxiiWorld()
  const created = await target.run('taxii', 'collection', 'create', 'inbox')
  const objects = some(8_000)
  const file = home.in('iocs.json')
  await writeFile(file, JSON.stringify(objects))
  const env = { NOROSHI_TAXII_USER: 'operator', NOROSHI_TAXII_PASSWORD: target.node.token }
  const address = `${target.node.url}/taxii2/_node/collections/${String(created['id'])}/`
  const args = ['taxii', 'push', file, address, '--json']
  let kills = 0
  for (let round = 0; round < KILLS; round++) if (await killed(args, env, `${file}.push-state`)) kills++
  assert.ok(kills > 0)
  const ran = await noroshi(args, { env })
  assert.equal(ran.code, 0, ran.stderr)
  const report = ran.json()[0] as { sent: number; before: number; failures: unknown[] }
  assert.deepEqual([report.sent + report.before, report.failures], [8_000, []])
  assert.deepEqual(await idsIn(target, '/_node/collections/inbox/'), idsOf(objects))
  const counts = (await (await target.node.ask('/api/v1/counts')).json()) as { total: number }
  assert.equal(counts.total, 8_000)
})

test(`a node that takes from a source, killed ${KILLS} times`, { timeout: 300_000 }, async () => {
  await using home = await folder()
  await using source = await openTaxiiWorld()
  const marked = some(2_000)
  const unmarked = Array.from({ length: 20 }, (_, i) => indicator(`10.2.0.${i}`))
  await publish(source, marked.slice(0, 1_000))
  // What its own publisher gave a level carries none for others: at the taker it waits.
  await source.node.ask('/api/v1/publish?tlp=green', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(unmarked),
  })
  await publish(source, marked.slice(1_000))
  const dir = home.in('taker')
  await init(dir, 'us-cisa')
  let node = await serve(dir)
  const stateOf = async () => {
    const { state: found } = (await (await node.ask('/api/v1/taxii/sources/ally')).json()) as {
      state: { total: { taken: number; quarantined: number; lost: number }; run?: { result: string; taken: number } }
    }
    return found
  }
  try {
    const added = await node.ask('/api/v1/taxii/sources', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        name: 'ally',
        address: `${source.node.url}/taxii2/_node/`,
        collection: 'everything',
        everyMs: 5_000,
        limit: 40,
        allowPrivate: true,
        account: { user: 'operator', password: source.node.token },
      }),
    })
    assert.equal(added.status, 201)
    let inside = 0
    for (let round = 0; round < KILLS; round++) {
      const { taken } = (await stateOf()).total
      for (const deadline = Date.now() + 30_000; Date.now() < deadline; await pause(5)) {
        const now = await stateOf()
        if (now.total.taken > taken || now.total.taken >= 2_000) break
      }
      await pause(random() * 40)
      if ((await stateOf()).run?.result === 'running') inside++
      await node.kill()
      node = await serve(dir)
    }
    assert.ok(inside > 0, 'no kill came while it was taking')
    for (const deadline = Date.now() + 120_000; Date.now() < deadline; await pause(200)) {
      const { total, run } = await stateOf()
      if (total.taken >= 2_000 && run?.result === 'done') break
    }
    const { total } = await stateOf()
    assert.deepEqual([total.taken, total.quarantined, total.lost], [2_000, 20, 0])
    const operator = {
      id: '',
      text: '',
      ask: (path: string) => node.ask(`/taxii2${path}`),
    }
    const taken = await idsIn({ operator }, '/_node/collections/everything/')
    assert.deepEqual(taken, idsOf(marked))
    const waits = (await (await node.ask('/api/v1/taxii/quarantine')).json()) as { quarantined: { id: string }[] }
    assert.deepEqual(new Set(idsOf(waits.quarantined)), new Set(idsOf(unmarked)))
    assert.equal(waits.quarantined.length, unmarked.length)
  } finally {
    await node.stop()
  }
})
