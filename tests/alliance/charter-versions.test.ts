// Every member shows the same version of a charter or who differs; who knows a newer one is caught up with before it is served.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { statementHash } from '#log'
import type { LinkResponse } from '../../src/federation/api.ts'
import { type MadeMember, makeCharter, makeMember, votedBy } from '../../src/federation/simulation/members.ts'
import { amberFor, indicator } from '../../src/federation/testing/objects.ts'
import { openNodes } from '../../src/federation/testing/pair.ts'
import { openRealNode, type RealNode, reserve, until } from '../../src/federation/testing/real-node.ts'
import { signed } from '../../src/federation/testing/signed-request.ts'
import { noroshi } from '../cli/command-line.ts'
import { ask, openWorld, until as untilWorld } from './world.ts'

const PATIENCE_MS = 30_000
const limits = { backoffFirstMs: 50, backoffMaxMs: 300 }

async function statusOf(node: RealNode, asker: RealNode, path: string): Promise<number> {
  const answer: LinkResponse = await node.federation.handle(signed(asker, node, path))
  return answer.status
}

test('a removed member that learned of it from a third is not served by a node that knows the older version', async () => {
  const slugs = ['jp-nco', 'us-cisa', 'ph-cert'] as const
  await using opened = await openNodes(slugs, Object.fromEntries(slugs.map((slug) => [slug, { limits }])))
  const [third, stale, removed] = opened.nodes as [RealNode, RealNode, RealNode]
  const { log } = await stale.publish(amberFor('pacific'), [indicator('x', stale.member.self.member, Date.now())])
  const entries = `/link/v1/logs/${log}/entries?from=0&to=2`
  await until('the log', async () => (await statusOf(stale, removed, entries)) === 200)
  // The others vote the member out; the stale node was not there.
  const { charter } = opened.charter
  const members = charter.members.map((row) =>
    row.id === removed.member.self.member ? { ...row, standing: 'suspended' as const } : row,
  )
  const previous = statementHash({ ...charter })
  const next = votedBy({ ...charter, version: 2, previous, members, time: Date.now() }, [third.member, stale.member])
  await third.federation.alliances.bootstrapCharter(next)
  // The answer with the newer version takes its time.
  let give: () => void = () => undefined
  const given = new Promise<void>((resolve) => (give = resolve))
  third.intercept(async (request, answer) => {
    if (request.target.startsWith('/link/v1/charters/')) await given
    return answer()
  })
  third.federation.start()
  stale.federation.start()
  const { self } = stale.member
  await until(
    'the stale node hears of it',
    () => stale.federation.links().some(({ charterDiffers }) => charterDiffers.includes('pacific')),
    PATIENCE_MS,
  )
  assert.equal(await statusOf(stale, removed, entries), 503, 'the removed member waits')
  assert.equal(await statusOf(stale, removed, '/link/v1/logs'), 503)
  assert.equal(await statusOf(stale, third, '/link/v1/logs'), 503, 'and so does who knows the newer version')
  const seen = () => stale.federation.charterStandings()[0]?.members.find((one) => one.slug === 'jp-nco')
  assert.deepEqual([seen()?.state, seen()?.version], ['unknown', null])
  give()
  await until('the newer version', () => stale.federation.charterStandings()[0]?.version === 2, PATIENCE_MS)
  const answers = new Set<number>()
  await until('an answer', async () => {
    answers.add(await statusOf(stale, removed, entries))
    return !answers.has(503) || answers.size > 1
  })
  assert.deepEqual(
    [...answers].filter((status) => status !== 503),
    [404],
    'from then on it is as if there were no such log',
  )
  await until('it serves again', async () => (await statusOf(stale, third, '/link/v1/logs')) === 200, PATIENCE_MS)
  await until('and shows the same', () => seen()?.state === 'same', PATIENCE_MS)
  assert.equal(self.slug, 'us-cisa')
})

test('who lost a charter that it had gets it again from a member that it can’t call', async () => {
  const time = Date.now()
  const places = await Promise.all([reserve(), reserve()])
  const members = ['jp-nco', 'us-cisa'].map((slug, i) => makeMember(slug, time, { address: places[i]!.address }))
  const [jp, us] = members as [MadeMember, MadeMember]
  const first = makeCharter('pacific', members, time)
  const { charter } = first
  const second = {
    ...charter,
    version: 2,
    previous: statementHash(charter),
    rules: { ...charter.rules, receipts: 'alliance' as const },
    time,
  }
  const chain = [first, votedBy(second, members)]
  await using caller = await openRealNode(us, places[1]!, { limits: { ...limits, pollMs: 300 } })
  caller.intercept(async () => ({ status: 503, headers: {}, body: new Uint8Array() }))
  await caller.federation.alliances.bootstrapCharter(chain)
  await using before = await openRealNode(jp, places[0]!, { limits })
  await before.federation.alliances.bootstrapCharter(chain)
  caller.federation.start()
  const seen = () => caller.federation.charterStandings()[0]?.members[0]?.version
  await until('it is seen with version 2', () => seen() === 2, PATIENCE_MS)

  await before.federation[Symbol.asyncDispose]()
  await using after = await openRealNode(jp, places[0]!, { limits })
  let isOpen = false
  after.intercept((_request, answer) =>
    isOpen ? answer() : Promise.resolve({ status: 503, headers: {}, body: new Uint8Array() }),
  )
  await after.federation.alliances.bootstrapCharter(first)
  const answerOf = async (answer: Promise<LinkResponse>) => {
    const { status, headers, ...rest } = await answer
    return { status, headers, value: JSON.parse('body' in rest ? Buffer.from(rest.body).toString() : '{}') as object }
  }
  const { value: snapshot } = await answerOf(caller.federation.handle(signed(after, caller, '/link/v1/logs')))
  const body = JSON.stringify({ snapshot, entries: [] })
  const offered = await answerOf(
    after.federation.handle(signed(caller, after, '/link/v1/offer', { method: 'POST', body })),
  )
  assert.deepEqual((offered.value as { unknown: string[] }).unknown, ['pacific'])
  const refused = await answerOf(after.federation.handle(signed(caller, after, '/link/v1/logs')))
  assert.deepEqual([refused.status, refused.headers['noroshi-lacks']], [503, 'pacific'])
  await until('the caller finds it shut', () => caller.federation.links()[0]?.state === 'down', PATIENCE_MS)
  isOpen = true
  const version = () => after.federation.charterStandings()[0]?.version
  await until('it has version 2 again', () => version() === 2, PATIENCE_MS)
  await until('and serves', () => caller.federation.links().every(({ state }) => state === 'up'), PATIENCE_MS)
})

test('each node shows its version and hash, who was seen with another, and since when; it is told by commands and doctor', async () => {
  await using world = await openWorld({
    alliances: { trilateral: ['jp-nco', 'us-cisa', 'ph-ncert'] },
    logLevel: 'info',
  })
  const seenBy = (at: string) =>
    world
      .node(at)
      .federation.charterStandings()[0]
      ?.members.map(({ slug, state }) => `${slug} ${state}`)
  await untilWorld('all seen with the same', () => seenBy('jp-nco')?.every((one) => one.endsWith(' same')) === true)
  const { hash, version } = world.node('jp-nco').federation.charterStandings()[0] ?? {}
  assert.equal(version, 1)
  for (const at of ['us-cisa', 'ph-ncert']) assert.equal(world.node(at).federation.charterStandings()[0]?.hash, hash)

  await world.stop('ph-ncert')
  const dir = world.dir('jp-nco')
  const env = { NOROSHI_PASSPHRASE: 'noroshi demo' }
  const proposed = await noroshi(['alliance', 'change', 'trilateral', '--receipts', 'alliance', '--dir', dir], { env })
  assert.equal(proposed.code, 0, proposed.stderr)
  await untilWorld('the proposal', async () => {
    const waiting = (await (await ask(world, 'us-cisa', '/api/v1/alliances/trilateral/requests')).json()) as {
      proposals: unknown[]
    }
    return waiting.proposals.length > 0
  })
  const voted = await noroshi(['alliance', 'approve', 'trilateral', '--version', '2', '--dir', world.dir('us-cisa')], {
    env,
  })
  assert.equal(voted.code, 0, voted.stderr)
  const stateOf = (at: string, of: string) =>
    world
      .node(at)
      .federation.charterStandings()[0]
      ?.members.find(({ slug }) => slug === of)
  await untilWorld(
    'the two agree',
    () => stateOf('jp-nco', 'us-cisa')?.version === 2 && stateOf('us-cisa', 'jp-nco')?.state === 'same',
  )
  assert.deepEqual([stateOf('jp-nco', 'ph-ncert')?.state, stateOf('jp-nco', 'ph-ncert')?.version], ['older', 1])

  const members = await noroshi(['alliance', 'members', '--dir', dir])
  assert.match(members.stdout, /trilateral: version 2 here \([0-9a-f]{12}\), other versions at ph-ncert/)
  assert.match(members.stdout, /ph-ncert .*DIFFERS: version 1 since \d{4}-/)
  const json = (await noroshi(['alliance', 'members', '--dir', dir, '--json'])).json()[0] as {
    members: { slug: string; charters: { alliance: string; state: string; version: number; since: number }[] }[]
  }
  const row = json.members.find(({ slug }) => slug === 'ph-ncert')?.charters[0]
  assert.deepEqual([row?.alliance, row?.state, row?.version], ['trilateral', 'older', 1])
  const status = await noroshi(['status', '--dir', dir])
  assert.match(status.stdout, /trilateral: ph-ncert DIFFERS: version 1/)
  const { examine } = await import('#node')
  const found = (await examine(dir, Date.now())).find(({ check }) => check === 'charter')
  assert.equal(found?.state, 'warn')
  assert.match(found?.what ?? '', /ph-ncert has version 1 since/)

  // It outlasts a restart, and ends when the third has caught up.
  await world.restart('jp-nco')
  assert.deepEqual([stateOf('jp-nco', 'ph-ncert')?.state, stateOf('jp-nco', 'ph-ncert')?.version], ['older', 1])
  await world.restart('ph-ncert')
  await untilWorld('all the same again', () => stateOf('jp-nco', 'ph-ncert')?.state === 'same')
  const again = (await examine(dir, Date.now())).find(({ check }) => check === 'charter')
  assert.equal(again?.state, 'ok')
})
