// Receipts are for the author, unless a charter opens them to its alliance: then every member that may have the log sees them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromUtf8, parseJson, utf8 } from '#base'
import { type Audience, signStatement, statementHash } from '#log'
import { noroshi } from '../cli/command-line.ts'
import { votedBy } from '../../src/federation/simulation/members.ts'
import { amberFor, indicator as objectOf } from '../../src/federation/testing/objects.ts'
import { openNodes } from '../../src/federation/testing/pair.ts'
import { type RealNode, until as untilNode } from '../../src/federation/testing/real-node.ts'
import { signed } from '../../src/federation/testing/signed-request.ts'
import { holds, indicator, openWorld, publish, until, type World } from './world.ts'

const PATIENCE_MS = 60_000
const limits = { backoffFirstMs: 50, backoffMaxMs: 300 }
const env = { NOROSHI_PASSPHRASE: 'noroshi demo' }
const UNKNOWN = 'f'.repeat(64)

test('who shows at another member what the author got, once the alliance voted for it, and nothing before', async () => {
  await using world = await openWorld({ alliances: { pacific: ['jp', 'us', 'ph'], quiet: ['jp', 'us', 'de'] } })
  const [open, quiet] = [indicator('198.51.100.1'), indicator('198.51.100.2')]
  await publish(world, 'jp', [open], { tlp: 'amber', to: ['alliance:pacific'] })
  await publish(world, 'jp', [quiet], { tlp: 'amber', to: ['alliance:quiet'] })
  for (const slug of ['us', 'ph']) await until(`${slug} holds it`, () => holds(world, slug, open.id))
  await until('de holds the other', () => holds(world, 'de', quiet.id))
  await until('the author has all receipts', async () => {
    const { stdout } = await who(world, 'jp', open.id)
    return /us .*armed, /.test(stdout) && /ph .*armed, /.test(stdout)
  })

  const closed = await who(world, 'us', open.id)
  assert.equal(closed.code, 1)
  assert.match(closed.stdout, /of jp, published .*\n  its receipts are for its author alone\n$/)

  const change = ['alliance', 'change', 'pacific', '--receipts', 'alliance', '--dir', world.dir('jp')]
  assert.equal((await noroshi(change, { env })).code, 0)
  const approve = ['alliance', 'approve', 'pacific', '--version', '2', '--dir', world.dir('us')]
  await until('the vote', async () => (await noroshi(approve, { env })).code === 0, PATIENCE_MS)
  await until(
    'us sees them',
    async () => {
      const { code, stdout } = await who(world, 'us', open.id)
      return code === 0 && /\n  ph +holds it, proved after \d+ ms +armed, claimed after \d+ ms/.test(stdout)
    },
    PATIENCE_MS,
  )
  const asked = await who(world, 'us', open.id, '--json')
  const { elsewhere } = JSON.parse(asked.stdout) as { elsewhere: { slug: string; receipts: { slug: string }[] }[] }
  assert.deepEqual(
    elsewhere.map(({ slug }) => slug),
    ['jp'],
  )
  assert.deepEqual(new Set(elsewhere[0]?.receipts.map(({ slug }) => slug)), new Set(['us', 'ph']))
  for (const slug of ['us', 'de'])
    assert.match(
      (await who(world, slug, quiet.id)).stdout,
      /its receipts are for its author alone/,
      `${slug}: another charter`,
    )

  await world.stop('jp')
  const alone = await who(world, 'us', open.id)
  assert.equal(alone.code, 1)
  assert.match(alone.stdout, /its author could not be asked/)
})

test('a link answers for receipts that are not shown as for a log that is not there; a reader counts no receipt that its member did not sign', async () => {
  const slugs = ['jp-nco', 'us-cisa', 'ph-cert'] as const
  await using opened = await openNodes(slugs, Object.fromEntries(slugs.map((slug) => [slug, { limits }])))
  const [author, reader, other] = opened.nodes as [RealNode, RealNode, RealNode]
  const publishTo = (audience: Audience) =>
    author.publish(audience, [objectOf('x', author.member.self.member, Date.now())])
  const { log } = await publishTo(amberFor('pacific'))
  const narrow = await publishTo({ v: 1, tlp: 'amber', alliances: ['pacific'], members: [other.member.self.member] })
  const wide = await publishTo({ v: 1, tlp: 'clear' })
  for (const node of opened.nodes) node.federation.start()
  const receiptsOf = (id: string) => author.federation.receipts(id)
  await untilNode(
    'the receipts',
    async () => (await receiptsOf(log)).length >= 2 && (await receiptsOf(wide.log)).length >= 2,
  )
  await untilNode('and that of one', async () => (await receiptsOf(narrow.log)).length >= 1)
  const ask = async (id: string, index = 1, asker = reader) => {
    const answer = await author.federation.handle(signed(asker, author, `/link/v1/logs/${id}/receipts?index=${index}`))
    assert.ok('body' in answer)
    return { status: answer.status, headers: answer.headers, body: fromUtf8(answer.body) }
  }
  const absent = await ask(UNKNOWN)
  assert.equal(absent.status, 404)
  assert.deepEqual(await ask(log), absent, 'the charter says that they are for the author')
  assert.deepEqual(await reader.federation.shownReceipts(log, 1), { state: 'closed', receipts: [] })

  const { charter } = opened.charter
  const rules = { ...charter.rules, receipts: 'alliance' as const }
  const previous = statementHash({ ...charter })
  const voters = opened.nodes.map(({ member }) => member)
  const next = votedBy({ ...charter, version: 2, previous, rules, time: Date.now() }, voters)
  for (const node of opened.nodes) await node.federation.alliances.bootstrapCharter(next)

  const shown = await ask(log)
  assert.equal(shown.status, 200)
  const { receipts } = parseJson(shown.body) as unknown as { receipts: { arrived: number }[] }
  assert.deepEqual(Object.keys(receipts[0] ?? {}).sort(), ['arrived', 'envelope'])
  assert.deepEqual(await ask(narrow.log), absent, 'a log that the reader may not have')
  assert.equal((await ask(narrow.log, 1, other)).status, 200, 'who may have it sees them')
  assert.deepEqual(await ask(wide.log), absent, 'a log that names no alliance')
  assert.deepEqual(await ask(log, 1_000), absent, 'an entry that is not there')
  const membersOf = async () => {
    const { state, receipts: found } = await reader.federation.shownReceipts(log, 1)
    assert.equal(state, 'shown')
    return new Set(found.map(({ member }) => member))
  }
  assert.deepEqual(await membersOf(), new Set([reader.member.self.member, other.member.self.member]))
  assert.deepEqual(await reader.federation.shownReceipts(UNKNOWN as typeof log, 1), { state: 'closed', receipts: [] })

  // A claim that begins behind an entry does not cover it.
  const { self } = other.member
  const armed = (from: number, size: number, id: string = log) => {
    const fields = { member: self.member, log: id, from, size, refused: [], time: Date.now() }
    return signStatement('armed', fields, [self.nodeKey])
  }
  const body = JSON.stringify({ receipts: [armed(1, 2)] })
  const taken = await author.federation.handle(signed(other, author, '/link/v1/receipts', { method: 'POST', body }))
  assert.deepEqual('body' in taken && parseJson(taken.body), { accepted: 1, refused: [] })
  assert.match((await ask(log, 1)).body, /"type":"armed"/)
  assert.doesNotMatch((await ask(log, 0)).body, /"type":"armed"/)

  // The author says that one more holds the entry, by that member's receipt for another log, or under another's name.
  const [foreign] = await receiptsOf(narrow.log)
  const own = (await receiptsOf(log)).find(({ member }) => member === reader.member.self.member)
  const renamed = { ...own?.envelope, statement: { ...own?.envelope.statement, member: other.member.self.member } }
  const theirs = (await receiptsOf(log)).find(({ member, kind }) => member === self.member && kind === 'received')
  const { type: _, ...proof } = theirs?.envelope.statement ?? {}
  const otherRoot = signStatement('received', { ...proof, root: UNKNOWN }, [self.nodeKey])
  const good = own?.envelope
  const lies = [foreign?.envelope, renamed, good, { ...good, signatures: [] }, 'none', otherRoot]
  lies.push(armed(0, 1), armed(2, 3), armed(0, 2, narrow.log))
  author.intercept(async (request, answer) => {
    if (!request.target.includes('/receipts?')) return answer()
    const body = utf8(JSON.stringify({ receipts: [...lies.map((envelope) => ({ envelope, arrived: 1 })), 7] }))
    return { status: 200, headers: { 'content-type': 'application/json' }, body }
  })
  assert.deepEqual(await membersOf(), new Set([reader.member.self.member]))

  // Its receipt is good, but the alliance counts it no more.
  const members = next.charter.members.map((row) =>
    row.id === self.member ? { ...row, standing: 'suspended' as const } : row,
  )
  const last = { ...next.charter, version: 3, previous: statementHash({ ...next.charter }), members, time: Date.now() }
  const without = votedBy(last, voters)
  for (const node of [author, reader]) await node.federation.alliances.bootstrapCharter(without)
  lies.push(theirs?.envelope)
  assert.deepEqual(await membersOf(), new Set([reader.member.self.member]))
})

const who = (world: World, slug: string, id: string, ...more: string[]) =>
  noroshi(['who', id, ...more, '--dir', world.dir(slug)])
