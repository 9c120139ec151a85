// A member that floods: it is slowed or stopped, its operator and everybody's is told, and nobody else notices.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ask, holds, indicator, journal, openWorld, publish, until, type World } from './world.ts'

const THREE = { alliances: { trilateral: ['jp-nco', 'us-cisa', 'ph-ncert'] } }
const TO = { tlp: 'green', to: ['alliance:trilateral'] } as const

interface Quota {
  slug: string
  limits: Record<string, number>
  setBy: Record<string, string>
  held: { entries: number; bytes: number; logs: number }
  quota: { state: string; what?: string }
}

async function quotaOf(world: World, at: string, author: string): Promise<Quota> {
  const { quotas } = (await (await ask(world, at, '/api/v1/quotas')).json()) as { quotas: Quota[] }
  const found = quotas.find(({ slug }) => slug === author)
  assert.ok(found)
  return found
}

async function setQuota(world: World, at: string, author: string, change: object): Promise<Quota> {
  const response = await ask(world, at, `/api/v1/quotas/${author}`, {
    method: 'PATCH',
    body: JSON.stringify(change),
    headers: { 'content-type': 'application/json' },
  })
  assert.equal(response.status, 200, await response.clone().text())
  return ((await response.json()) as { quota: Quota }).quota
}

const alarmed = async (world: World, at: string) =>
  (await journal<{ kind: string; message: string }>(world, at, 'alarms')).filter(({ kind }) => kind === 'quota')

/** Publishes so many indicators, a thousand at a time. */
async function flood(world: World, at: string, count: number, more: object = {}): Promise<string[]> {
  const ids: string[] = []
  for (let left = count; left > 0; left -= 1_000) {
    const objects = Array.from({ length: Math.min(1_000, left) }, () => indicator('203.0.113.77', { ...more }))
    ids.push(...objects.map(({ id }) => id))
    await publish(world, at, objects, TO)
  }
  return ids
}

/** How long a publication of one member takes until it is durable at another. */
async function timeTo(world: World, from: string, to: string): Promise<number> {
  const signal = indicator('198.51.100.9')
  const begin = performance.now()
  await publish(world, from, [signal], TO)
  await until('the signal', () => holds(world, to, signal.id))
  return performance.now() - begin
}

async function slowest(world: World, from: string, to: string, times: number): Promise<number> {
  let most = 0
  for (let i = 0; i < times; i++) most = Math.max(most, await timeTo(world, from, to))
  return most
}

test('a flood of entries is slowed and reported, in order and complete; another member’s signals come as they always do', async () => {
  await using world = await openWorld({ ...THREE, logLevel: 'info' })
  await until('links', () =>
    world
      .node('us-cisa')
      .federation.links()
      .every(({ state }) => state === 'up'),
  )
  await publish(world, 'ph-ncert', [indicator('203.0.113.1')], TO)
  await until('a first log', async () => (await quotaOf(world, 'us-cisa', 'ph-ncert')).held.logs === 1)
  const usual = await slowest(world, 'jp-nco', 'us-cisa', 5)
  const before = await quotaOf(world, 'us-cisa', 'ph-ncert')
  assert.deepEqual([before.quota.state, before.setBy['entriesPerSecond']], ['ok', 'node'])
  await setQuota(world, 'us-cisa', 'ph-ncert', { entriesPerSecond: 50 })
  const flooding = flood(world, 'ph-ncert', 12_000)
  await until('slowed', async () => (await quotaOf(world, 'us-cisa', 'ph-ncert')).quota.state === 'slowed')
  const during = await slowest(world, 'jp-nco', 'us-cisa', 10)
  await flooding
  assert.ok(during < usual + 2_000, `${during} ms during the flood, ${usual} ms before it`)
  const { held } = await quotaOf(world, 'us-cisa', 'ph-ncert')
  assert.ok(held.entries < 8_000, `${held.entries} entries: 3,000 at once, a batch, and 50 a second`)

  const [alarm, ...more] = await alarmed(world, 'us-cisa')
  assert.match(alarm?.message ?? '', /^ph-ncert brings more than its quota of 50 entries per second/)
  assert.equal(more.length, 0, 'said once')
  const status = (await (await ask(world, 'us-cisa', '/api/v1/status')).json()) as {
    links: { peer: string; quota?: { state: string } }[]
  }
  assert.equal(status.links.find(({ peer }) => peer === 'ph-ncert')?.quota?.state, 'slowed')
  assert.equal(status.links.find(({ peer }) => peer === 'jp-nco')?.quota, undefined)
  const metrics = await (await ask(world, 'us-cisa', '/metrics')).text()
  assert.match(metrics, /noroshi_authors_held_back\{state="slowed"\} 1/)
  assert.match(metrics, /noroshi_alarms_total\{kind="quota"\} 1/)
  assert.doesNotMatch(metrics, /[0-9a-f]{64}/, 'no log id in the metrics')
  const situation = (await (await ask(world, 'us-cisa', '/api/v1/situation')).json()) as {
    members: { slug: string; link: { quota: string | null } }[]
  }
  assert.equal(situation.members.find(({ slug }) => slug === 'ph-ncert')?.link.quota, 'slowed')
  assert.match(world.log('us-cisa'), /"quota":"slowed"/)

  // Raised: the rest comes at once, nothing is missing, receipts prove it.
  await setQuota(world, 'us-cisa', 'ph-ncert', { entriesPerSecond: null })
  await until('all of it', async () => (await quotaOf(world, 'us-cisa', 'ph-ncert')).held.entries === 12_002, 60_000)
  await until('ok', async () => (await quotaOf(world, 'us-cisa', 'ph-ncert')).quota.state === 'ok')
  await until('the last receipt', async () => {
    const { receipts } = (await (await ask(world, 'ph-ncert', '/api/v1/receipts')).json()) as {
      receipts: { member: string; kind: string; size: number; verified: boolean }[]
    }
    const us = world.node('us-cisa').config.member
    return receipts.some((one) => one.member === us && one.kind === 'received' && one.size === 12_002 && one.verified)
  })
})

test('a flood of bytes is stopped at its total; a recall passes and frees, and raising the total brings the rest', async () => {
  await using world = await openWorld({ ...THREE, logLevel: 'info' })
  const [first] = await flood(world, 'ph-ncert', 1, { description: 'x '.repeat(200_000) })
  assert.ok(first)
  await until('the first', () => holds(world, 'us-cisa', first))
  await setQuota(world, 'us-cisa', 'ph-ncert', { bytes: 1_000_000 })
  const rest: string[] = []
  for (let i = 0; i < 10; i++) rest.push(...(await flood(world, 'ph-ncert', 1, { description: 'y '.repeat(200_000) })))
  await until('over', async () => (await quotaOf(world, 'us-cisa', 'ph-ncert')).quota.state === 'over')
  const { held, quota } = await quotaOf(world, 'us-cisa', 'ph-ncert')
  assert.equal(quota.what, 'bytes')
  assert.ok(held.bytes >= 1_000_000 && held.entries < 11, `${held.entries} entries, ${held.bytes} bytes`)
  assert.equal(await holds(world, 'us-cisa', rest.at(-1) ?? ''), false)
  assert.ok((await timeTo(world, 'jp-nco', 'us-cisa')) < 5_000, 'another author is taken as always')
  assert.match(
    (await alarmed(world, 'us-cisa'))[0]?.message ?? '',
    /has reached its quota of 1000000 bytes.*noroshi quota set ph-ncert/,
  )

  // The recall stands in the log behind everything that is not taken.
  const recall = await ask(world, 'ph-ncert', '/api/v1/recall', {
    method: 'POST',
    body: JSON.stringify({ id: first, reason: 'personal-data' }),
    headers: { 'content-type': 'application/json' },
  })
  assert.equal(recall.status, 200)
  await until('recalled at the other', async () => !(await holds(world, 'us-cisa', first)))
  await until('freed, and filled up again by what was waiting where there is room', async () => {
    const now = (await quotaOf(world, 'us-cisa', 'ph-ncert')).held
    return now.bytes < held.bytes || now.entries > held.entries
  })
  await until('acknowledged to its author', async () => {
    const rows = await journal<{ acknowledged?: boolean; purged?: number | null }>(world, 'ph-ncert', 'recalls')
    return rows.some(({ acknowledged, purged }) => acknowledged === true && typeof purged === 'number')
  })

  await setQuota(world, 'us-cisa', 'ph-ncert', { bytes: 100_000_000 })
  for (const id of rest) await until('the rest', () => holds(world, 'us-cisa', id))
  assert.equal(await holds(world, 'us-cisa', first), false, 'what was recalled does not come back')
  await until('ok', async () => (await quotaOf(world, 'us-cisa', 'ph-ncert')).quota.state === 'ok')
  const { fsckDirectory } = await import('#node')
  await world.stop('us-cisa')
  assert.equal((await fsckDirectory(world.dir('us-cisa'))).ok, true)
})

test('a flood of logs is stopped at so many; those that are open go on, and the limit outlasts a restart', async () => {
  await using world = await openWorld({
    ...THREE,
    logLevel: 'info',
    kinds: { 'us-cisa': 'national-csirt' },
  })
  await setQuota(world, 'us-cisa', 'ph-ncert', { logs: 3 })
  const sectors = ['energy', 'finance', 'health', 'transport', 'telecom', 'water']
  const published: string[] = []
  const marked = (level: string, to: readonly string[]) => ({ tlp: level, to: [...to] })
  for (const marking of [
    marked('green', ['alliance:trilateral']),
    marked('amber', ['alliance:trilateral']),
    marked('amber+strict', ['alliance:trilateral']),
    marked('clear', []),
    marked('green', ['alliance:trilateral', 'nation:US']),
    marked('amber', ['alliance:trilateral', 'nation:US']),
  ]) {
    const signal = indicator('203.0.113.50')
    await publish(world, 'ph-ncert', [signal], marking)
    published.push(signal.id)
  }
  assert.equal(sectors.length, published.length)
  await until('over', async () => (await quotaOf(world, 'us-cisa', 'ph-ncert')).quota.what === 'logs')
  const held = async () => {
    const found = await Promise.all(published.map((id) => holds(world, 'us-cisa', id)))
    return found.filter(Boolean).length
  }
  await until('three logs', async () => (await held()) === 3)
  await sleep(300)
  assert.equal(await held(), 3)
  await world.restart('us-cisa')
  assert.equal((await quotaOf(world, 'us-cisa', 'ph-ncert')).limits['logs'], 3)
  await until('over again', async () => (await quotaOf(world, 'us-cisa', 'ph-ncert')).quota.what === 'logs')
  assert.equal(await held(), 3)
  await setQuota(world, 'us-cisa', 'ph-ncert', { logs: null })
  await until('all logs', async () => (await held()) === published.length)
})

test('limits stand in noroshi.json, and the doctor and the commands say who is held back and what to do', async () => {
  await using world = await openWorld({ ...THREE, logLevel: 'info' })
  const path = join(world.dir('us-cisa'), 'noroshi.json')
  const { writeFile } = await import('node:fs/promises')
  const config = JSON.parse(await readFile(path, 'utf8')) as object
  await writeFile(path, JSON.stringify({ ...config, limits: { authorEntries: 5 } }))
  await world.restart('us-cisa')
  await flood(world, 'ph-ncert', 10)
  await until('the first of it', async () => (await quotaOf(world, 'us-cisa', 'ph-ncert')).held.entries >= 5)
  await flood(world, 'ph-ncert', 1)
  await until('over', async () => (await quotaOf(world, 'us-cisa', 'ph-ncert')).quota.state === 'over')
  const { examine } = await import('#node')
  const findings = await examine(world.dir('us-cisa'), Date.now())
  const found = findings.find(({ check }) => check === 'quota')
  assert.equal(found?.state, 'fail')
  assert.match(found?.next ?? '', /noroshi quota set ph-ncert/)
  const { noroshi } = await import('../cli/command-line.ts')
  const dir = world.dir('us-cisa')
  const list = await noroshi(['quota', 'list', '--dir', dir])
  assert.match(list.stdout, /ph-ncert +over quota: entries, since .* of 5 entries/)
  const raised = await noroshi(['quota', 'set', 'ph-ncert', '--entries', '50', '--dir', dir, '--json'])
  assert.equal(raised.code, 0, raised.stderr)
  assert.equal((JSON.parse(raised.stdout) as { quota: Quota }).quota.limits['entries'], 50)
  await until('the rest', async () => (await quotaOf(world, 'us-cisa', 'ph-ncert')).held.entries === 12)
  const nobody = await noroshi(['quota', 'set', 'nobody', '--entries', '50', '--dir', dir])
  assert.equal(nobody.code, 2)
  assert.match(nobody.stderr, /noroshi quota list/)
  const nothing = await noroshi(['quota', 'set', 'ph-ncert', '--entries', '0', '--dir', dir])
  assert.equal(nothing.code, 2)
})

test('a client of a node has a share of its own: who asks on and on waits, and nobody else', async () => {
  const bank = (id: string, slug: string) =>
    ({ id, slug, name: slug, kind: 'company', sectors: ['financial'], nation: 'PH' }) as const
  const clients = [
    bank('identity--00000000-0000-5000-8000-000000000001', 'ph-bank'),
    bank('identity--00000000-0000-5000-8000-000000000002', 'ph-trust'),
  ].map((client) => ({ ...client, id: client.id as `identity--${string}`, sectors: [...client.sectors] }))
  await using world = await openWorld({
    alliances: { trilateral: ['ph-ncert', 'jp-nco'] },
    clients: { 'ph-ncert': clients },
    logLevel: 'info',
  })
  const path = join(world.dir('ph-ncert'), 'noroshi.json')
  const { writeFile } = await import('node:fs/promises')
  const config = JSON.parse(await readFile(path, 'utf8')) as object
  await writeFile(path, JSON.stringify({ ...config, limits: { clientRequestsPerMinute: 5 } }))
  await world.restart('ph-ncert')
  const tokenFor = async (org: string) => {
    const { noroshi } = await import('../cli/command-line.ts')
    const args = ['token', 'create', org, '--scope', 'read', '--org', org, '--dir', world.dir('ph-ncert'), '--json']
    const made = await noroshi(args)
    assert.equal(made.code, 0, made.stderr)
    return (made.json()[0] as { text: string }).text
  }
  const [one, other] = [await tokenFor('ph-bank'), await tokenFor('ph-trust')]
  const read = (token?: string) => ask(world, 'ph-ncert', '/api/v1/objects?limit=1', token ? { token } : {})
  const answers = []
  for (let i = 0; i < 7; i++) answers.push(await read(one))
  assert.equal(answers[0]?.status, 200)
  const last = answers.at(-1)
  assert.equal(last?.status, 429)
  assert.ok(Number(last?.headers.get('retry-after')) >= 1)
  assert.equal((await read(other)).status, 200)
  for (let i = 0; i < 10; i++) assert.equal((await read()).status, 200, 'the node’s own people are not counted')
})

test('a charter caps what a member brings; its operator can raise nothing beyond it, and no member declares its own', async () => {
  await using world = await openWorld({ ...THREE, logLevel: 'info' })
  const { noroshi } = await import('../cli/command-line.ts')
  const env = { NOROSHI_PASSPHRASE: 'noroshi demo' }
  const change = ['alliance', 'change', 'trilateral', '--member', 'ph-ncert', '--quota', 'entries=5']
  const proposed = await noroshi([...change, '--dir', world.dir('jp-nco')], { env })
  assert.equal(proposed.code, 0, proposed.stderr)
  assert.equal((await quotaOf(world, 'us-cisa', 'ph-ncert')).setBy['entries'], 'node', 'proposed is not approved')
  await until('the proposal', async () => {
    const waiting = (await (await ask(world, 'us-cisa', '/api/v1/alliances/trilateral/requests')).json()) as {
      proposals: unknown[]
    }
    return waiting.proposals.length > 0
  })
  const vote = ['alliance', 'approve', 'trilateral', '--version', '2', '--dir', world.dir('us-cisa')]
  const voted = await noroshi(vote, { env })
  assert.equal(voted.code, 0, voted.stderr)
  assert.match(voted.stderr, /quota nothing becomes .*entries.*5/)
  for (const at of ['jp-nco', 'us-cisa'])
    await until(
      'in force',
      async () => (await quotaOf(world, at, 'ph-ncert')).setBy['entries'] === 'charter:trilateral',
    )
  await flood(world, 'ph-ncert', 6)
  await flood(world, 'ph-ncert', 1)
  await until('over', async () => (await quotaOf(world, 'us-cisa', 'ph-ncert')).quota.state === 'over')
  const { limits, setBy } = await setQuota(world, 'us-cisa', 'ph-ncert', { entries: 1_000 })
  assert.deepEqual([limits['entries'], setBy['entries']], [5, 'charter:trilateral'])
  const lower = await setQuota(world, 'us-cisa', 'ph-ncert', { entries: 3 })
  assert.deepEqual([lower.limits['entries'], lower.setBy['entries']], [3, 'operator'])
})
