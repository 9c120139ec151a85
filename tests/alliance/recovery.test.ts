// What docs/recovery.md tells of each loss, walked by its commands on running nodes: nothing of it may be learned on the day.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { openRootSigner } from '#node'
import { noroshi, type Ran } from '../cli/command-line.ts'
import { ask, holds, indicator, journal, openWorld, publish, until, type World } from './world.ts'

const MEMBERS = ['jp', 'us', 'ph'] as const
const AMBER = { tlp: 'amber', to: ['alliance:pacific'] }
const OLD = 'noroshi demo'
const NEW = 'eleven other words that only the next administrator knows'

const run = (args: readonly string[], passphrase = OLD): Promise<Ran> =>
  noroshi(args, { env: { NOROSHI_PASSPHRASE: passphrase } })
const done = async <T>(args: readonly string[], passphrase = OLD): Promise<T> => {
  const ran = await run([...args, '--json'], passphrase)
  assert.equal(ran.code, 0, `${args.join(' ')}: ${ran.stderr}`)
  return ran.json()[0] as T
}

interface RootChanged {
  root: string
  words: string
  inUse: boolean
  charters: { alliance: string; version: number; votes: number; needed: number; inForce: boolean }[]
}

/** Publishes at a member and waits until all others hold it. */
async function shared(world: World, from: string, address: string): Promise<string> {
  const object = indicator(address)
  await publish(world, from, [object], AMBER)
  for (const slug of MEMBERS) await until(`${slug} holds ${address}`, () => holds(world, slug, object.id))
  return object.id
}

const rowOf = (world: World, at: string, slug: string) =>
  world
    .node(at)
    .directory.charter('pacific')
    ?.charter.members.find((row) => row.slug === slug)
const versionAt = (world: World, slug: string) => world.node(slug).directory.charter('pacific')?.charter.version
const waits = async (world: World, slug: string, version: number) =>
  (await world.node(slug).federation.alliances.proposals('pacific')).some((one) => one.version === version)
const logsOf = async (world: World, slug: string) =>
  (await world.node(slug).store.logs({ own: true })).map(({ log, superseded }) => ({ log, superseded }))

/** A member votes for a version, and all see it in force. */
async function voted(world: World, slug: string, version: number, more: readonly string[] = []): Promise<void> {
  await until('the proposal is there', () => waits(world, slug, version))
  await done(['alliance', 'approve', 'pacific', '--version', String(version), ...more, '--dir', world.dir(slug)])
}

/** The member can do what needs its root key: it changes its name, and another votes for that. */
async function canVote(world: World, slug: string, passphrase: string, more: readonly string[] = []): Promise<void> {
  const name = ['alliance', 'change', 'pacific', '--member', slug, '--name', `${slug} after ${Date.now()}`, ...more]
  const { version } = await done<{ version: number }>([...name, '--dir', world.dir(slug)], passphrase)
  await voted(world, slug === 'us' ? 'ph' : 'us', version)
  for (const member of MEMBERS) await until(`${member} knows it`, () => versionAt(world, member) === version)
}

test('disk lost: a restore from the last backup brings back what the allies hold, and the member goes on', async () => {
  await using world = await openWorld({ alliances: { pacific: MEMBERS } })
  const before = await shared(world, 'jp', '198.51.100.1')
  const file = join(world.path, 'jp.backup')
  await done(['backup', '--out', file, '--with-keys', '--dir', world.dir('jp')])
  const after = await shared(world, 'jp', '198.51.100.2')
  await world.stop('jp')
  await rm(world.dir('jp'), { recursive: true })
  await done(['restore', file, '--dir', world.dir('jp')])
  await world.restart('jp')
  await until('it is ready', async () => (await ask(world, 'jp', '/readyz')).status === 200, 60_000)
  for (const id of [before, after]) assert.ok(await holds(world, 'jp', id), 'what was published after the backup too')
  await shared(world, 'jp', '198.51.100.3')
  const early = await run(['alliance', 'change', 'pacific', '--member', 'jp', '--name', 'J', '--dir', world.dir('jp')])
  assert.equal(early.code, 2)
  assert.match(early.stderr, /may have voted in pacific since that backup.*--after-restore/)
  await canVote(world, 'jp', OLD, ['--after-restore'])
})

test('node key lost: the root key gives the node another, its peers learn of it, and its logs go on', async () => {
  await using world = await openWorld({ alliances: { pacific: MEMBERS } })
  await shared(world, 'jp', '198.51.100.1')
  const logs = await logsOf(world, 'jp')
  await world.stop('jp')
  await rm(join(world.dir('jp'), 'keys', 'node.seed'))
  await assert.rejects(world.restart('jp'), { code: 'KEY_UNREADABLE' })
  const stolen = await run(['alliance', 'compromised', '--since', '2026-01-01T00:00:00Z', '--dir', world.dir('jp')])
  assert.match(stolen.stderr, /rekey ends it as lost/)
  const ran = await run(['alliance', 'rekey', '--dir', world.dir('jp')])
  assert.equal(ran.code, 0, ran.stderr)
  const from = world.log('jp').length
  await world.restart('jp')
  await shared(world, 'jp', '198.51.100.2')
  await shared(world, 'us', '198.51.100.3')
  assert.doesNotMatch(world.log('jp').slice(from), /did not say which heads/, 'asked for heads under the new key')
  assert.deepEqual(await logsOf(world, 'jp'), logs, 'no log was left')
  const ends = (await journal<{ kind: string }>(world, 'us', 'alarms')).filter(({ kind }) => kind !== 'stale')
  assert.deepEqual(ends, [], 'a lost key is no theft')
})

test('a node whose key was replaced while it was stopped asks for heads at its start, before it signs', async () => {
  await using world = await openWorld({ alliances: { pacific: MEMBERS } })
  await shared(world, 'jp', '198.51.100.1')
  await world.stop('jp')
  const ran = await run(['alliance', 'rekey', '--dir', world.dir('jp')])
  assert.equal(ran.code, 0, ran.stderr)
  const from = world.log('jp').length
  await world.restart('jp')
  await until('it signs', async () => (await ask(world, 'jp', '/readyz')).status === 200)
  assert.doesNotMatch(world.log('jp').slice(from), /did not say which heads/)
  assert.doesNotMatch(world.log('jp').slice(from), /answered 401 to GET \/link\/v1\/heads/)
  await shared(world, 'jp', '198.51.100.2')
})

test('root key replaced: the alliance votes, the member keeps its id, and links, streams and receipts go on', async () => {
  await using world = await openWorld({ alliances: { pacific: MEMBERS } })
  await shared(world, 'jp', '198.51.100.1')
  const before = rowOf(world, 'us', 'jp')!
  const streams: string[] = []
  for (const slug of MEMBERS) {
    const { federation } = world.node(slug)
    streams.push(...federation.links().map(({ state }) => state))
  }
  assert.ok(streams.every((state) => state === 'up'))
  const changed = await done<RootChanged>(['alliance', 'rekey', '--root', '--dir', world.dir('jp')])
  assert.deepEqual(changed.charters, [{ alliance: 'pacific', version: 2, votes: 1, needed: 2, inForce: false }])
  assert.equal(changed.inUse, false)
  await shared(world, 'jp', '198.51.100.2')
  const again = await done<RootChanged>(['alliance', 'rekey', '--root', '--dir', world.dir('jp')])
  assert.deepEqual(
    [again.root, again.charters],
    [changed.root, changed.charters],
    'said again, it is the same proposal',
  )
  // The node key is replaced meanwhile: both root keys answer for it.
  await done(['alliance', 'rekey', '--dir', world.dir('jp')])
  const read = await run(['alliance', 'requests', 'pacific', '--dir', world.dir('us')])
  assert.match(read.stdout, new RegExp(`root key of jp becomes ${changed.root}\\s+its root key before voted for that`))
  const links = MEMBERS.map((slug) =>
    world
      .node(slug)
      .federation.links()
      .map(({ failures }) => failures),
  )
  await voted(world, 'us', 2)
  for (const slug of MEMBERS) await until(`${slug} knows it`, () => versionAt(world, slug) === 2)
  const after = rowOf(world, 'us', 'jp')!
  assert.deepEqual([after.id, after.slug, after.firstRoot], [before.id, 'jp', before.root])
  assert.notEqual(after.root, before.root)
  await until('the node took it up', () => !existsSync(join(world.dir('jp'), 'keys', 'root.next.json')))
  const last = await shared(world, 'jp', '198.51.100.3')
  await shared(world, 'us', '198.51.100.4')
  await until('receipts under the next root key', async () => {
    const receipts = await world.node('jp').federation.receipts()
    return MEMBERS.slice(1).every((slug) =>
      receipts.some(({ member, verified, size }) => member === world.node(slug).config.member && verified && size >= 4),
    )
  })
  assert.deepEqual(
    MEMBERS.map((slug) =>
      world
        .node(slug)
        .federation.links()
        .map(({ failures }) => failures),
    ),
    links,
    'no link was interrupted',
  )
  for (const slug of MEMBERS) {
    const alarms = await journal<{ kind: string }>(world, slug, 'alarms')
    assert.deepEqual(alarms, [], `${slug} was alarmed`)
  }
  await canVote(world, 'jp', OLD)
  await assert.rejects(openRootSigner(world.dir('jp'), OLD, 'f'.repeat(64)), { code: 'KEY_UNREADABLE' })
  await world.restart('jp')
  assert.ok(await holds(world, 'jp', last))
  await shared(world, 'jp', '198.51.100.5')
  assert.equal((await run(['fsck', '--dir', world.dir('jp')])).code !== null, true)
})

test('root key lost: the others compare its words, vote it in, and the member goes on under its id', async () => {
  await using world = await openWorld({ alliances: { pacific: MEMBERS } })
  await shared(world, 'jp', '198.51.100.1')
  const { member } = world.node('jp').config
  const first = rowOf(world, 'us', 'jp')!.root
  await rm(join(world.dir('jp'), 'keys', 'root.json'))
  const lost = ['alliance', 'rekey', '--root', '--lost', '--dir', world.dir('jp')]
  const changed = await done<RootChanged>(lost, NEW)
  assert.deepEqual(changed.charters, [{ alliance: 'pacific', version: 2, votes: 0, needed: 2, inForce: false }])
  assert.equal(changed.words.split(' ').length, 12)
  await until('us is asked', () => waits(world, 'us', 2))
  const vote = ['alliance', 'approve', 'pacific', '--version', '2', '--dir', world.dir('us')]
  const blind = await run(vote)
  assert.notEqual(blind.code, 0, 'nobody votes without the words')
  assert.match(blind.stderr, /root key of jp becomes/)
  assert.match(blind.stderr, /did not sign/)
  const wrong = await run([...vote, '--words', changed.words.replace(/^\S+/, 'zebra')])
  assert.notEqual(wrong.code, 0)
  assert.match(wrong.stderr, /words differ/)
  await voted(world, 'us', 2, ['--words', changed.words])
  assert.equal(versionAt(world, 'us'), 1, 'one vote of three is no quorum')
  await voted(world, 'ph', 2, ['--words', changed.words.toUpperCase()])
  for (const slug of MEMBERS) await until(`${slug} knows it`, () => versionAt(world, slug) === 2)
  await until('the node took it up', () => existsSync(join(world.dir('jp'), 'keys', 'root.json')))
  const row = rowOf(world, 'us', 'jp')!
  assert.deepEqual([row.id, row.firstRoot], [member, first])
  const alarms = await journal<{ kind: string; message: string }>(world, 'ph', 'alarms')
  assert.match(alarms.find(({ kind }) => kind === 'key')?.message ?? '', /by the votes of the others alone/)
  await shared(world, 'jp', '198.51.100.2')
  await shared(world, 'us', '198.51.100.3')
  await canVote(world, 'jp', NEW)
  await done(['alliance', 'rekey', '--dir', world.dir('jp')], NEW)
  await shared(world, 'jp', '198.51.100.4')
})

test('administrator lost: with a new passphrase, node key and token nothing is left that only they knew', async () => {
  await using world = await openWorld({ alliances: { pacific: MEMBERS } })
  await shared(world, 'jp', '198.51.100.1')
  const file = join(world.dir('jp'), 'operator.token')
  const token = (await readFile(file, 'utf8')).trim()
  const changed = await done<RootChanged>(['alliance', 'rekey', '--root', '--lost', '--dir', world.dir('jp')], NEW)
  for (const slug of ['us', 'ph']) await voted(world, slug, 2, ['--words', changed.words])
  await until('the node took it up', () => !existsSync(join(world.dir('jp'), 'keys', 'root.next.json')))
  await done(['alliance', 'rekey', '--dir', world.dir('jp')], NEW)
  await voted(world, 'us', 3)
  await world.stop('jp')
  await rm(file)
  await world.restart('jp')
  assert.equal((await ask(world, 'jp', '/api/v1/status', { token })).status, 401)
  assert.equal((await ask(world, 'jp', '/api/v1/status')).status, 200)
  const old = await run(['alliance', 'rekey', '--dir', world.dir('jp')])
  assert.match(old.stderr, /The passphrase does not open keys\/root\.json/)
  await shared(world, 'jp', '198.51.100.2')
  await canVote(world, 'jp', NEW)
})

test('seal key and recipient key replaced: those before end, peers know it, and the charter lists it', async () => {
  await using world = await openWorld({ alliances: { pacific: MEMBERS } })
  await shared(world, 'jp', '198.51.100.1')
  const { member } = world.node('jp').config
  const keysAt = (slug: string) => world.node(slug).directory.recipientKeys(member, Date.now()).map(String)
  const [old] = keysAt('us')
  await done(['alliance', 'rekey', '--recipient', '--dir', world.dir('jp')])
  await until('us encrypts to the next one', () => keysAt('us').length === 1 && keysAt('us')[0] !== old)
  await voted(world, 'us', 2)
  const sealed = await done<{ key: string }>(['alliance', 'rekey', '--seal', '--dir', world.dir('jp')])
  await voted(world, 'us', 3)
  for (const slug of MEMBERS) await until(`${slug} knows it`, () => versionAt(world, slug) === 3)
  const statements = rowOf(world, 'ph', 'jp')!.delegations.map(({ statement }) => statement)
  const seals = statements.filter(({ type, purpose }) => type === 'delegation' && purpose === 'seal')
  const ended = statements.filter(({ type }) => type === 'delegation-end').map(({ key }) => key)
  assert.equal(seals.length, 2)
  assert.deepEqual(
    seals.map(({ key }) => ended.includes(key!)),
    [true, false],
  )
  const file = JSON.parse(await readFile(join(world.dir('jp'), 'keys', 'seal.json'), 'utf8')) as { publicKey: string }
  assert.equal(seals[1]?.['key'], file.publicKey)
  assert.match(sealed.key, /^[0-9a-f]{64}$/)
})

test('of two members one cannot replace a lost root key: it is told so, and that another alliance is the way', async () => {
  await using world = await openWorld({ alliances: { pair: ['jp', 'us'] } })
  const ran = await run(['alliance', 'rekey', '--root', '--lost', '--dir', world.dir('jp')], NEW)
  assert.equal(ran.code, 1, ran.stderr)
  assert.match(ran.stdout + ran.stderr, /pair: version 2 needs 2 votes, and only 1 other member/)
})
