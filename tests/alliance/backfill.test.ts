// What a new member gets of what was published before it joined: everything, or nothing, as the alliance's charter says.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { signLinkRequest } from '#log'
import { noroshi } from '../cli/command-line.ts'
import { holds, indicator, journal, openWorld, publish, until, type World } from './world.ts'

const FOUNDER = 'jp'
const ENV = { NOROSHI_PASSPHRASE: 'noroshi demo' }
/** Nodes that stand in an alliance of their own, so that they run; the one under test is founded by command. */
const ALONE = { jp: ['jp'], us: ['us'], ph: ['ph'] }

const done = async <T>(args: readonly string[]): Promise<T> => {
  const ran = await noroshi([...args, '--json'], { env: ENV })
  assert.equal(ran.code, 0, `${args.join(' ')}: ${ran.stderr}`)
  return ran.json()[0] as T
}
const at = (world: World, slug: string) => ['--dir', world.dir(slug)]
const versionAt = (world: World, slug: string) => world.node(slug).directory.charter('pacific')?.charter.version

/** Invitation, words, admission, and the vote of the others; then everybody knows the version. */
async function joins(world: World, slug: string, members: readonly string[], more: readonly string[] = []) {
  const { text } = await done<{ text: string }>(['alliance', 'invite', 'pacific', ...at(world, FOUNDER)])
  const { words } = await done<{ words: string }>(['alliance', 'join', text, ...at(world, slug)])
  const admit = ['alliance', 'approve', 'pacific', '--member', slug, '--words', words, ...more, ...at(world, FOUNDER)]
  const { version, inForce } = await done<{ version: number; inForce: boolean }>(admit)
  const [other] = members.filter((member) => member !== FOUNDER)
  if (!inForce) {
    assert.ok(other !== undefined)
    await until('the proposal arrived', async () =>
      (await world.node(other).federation.alliances.proposals('pacific')).some((one) => one.version === version),
    )
    await done(['alliance', 'approve', 'pacific', '--version', String(version), ...at(world, other)])
  }
  for (const member of [...members, slug])
    await until(`${member} knows it`, async () => {
      if (member === slug)
        await world
          .node(slug)
          .federation.alliances.joined('pacific')
          .catch(() => false)
      return versionAt(world, member) === version
    })
  const all = [...members, slug]
  for (const from of all)
    for (const to of all) if (from !== to) await world.node(from).federation.addLink(to, world.node(to).url())
}

const GREEN = { tlp: 'green', to: ['alliance:pacific'] }
const AMBER = { tlp: 'amber', to: ['alliance:pacific'] }

async function shared(world: World, from: string, address: string, marking: object, readers: readonly string[]) {
  const object = indicator(address)
  await publish(world, from, [object], marking)
  for (const slug of readers) await until(`${slug} holds ${address}`, () => holds(world, slug, object.id))
  return object.id
}

const logsAt = async (world: World, slug: string, author: string) =>
  (await world.node(slug).store.logs()).filter((head) => head.author === world.node(author).config.member)

test('under "joining" a new member gets nothing older and everything newer, and cannot tell that there is older', async () => {
  await using world = await openWorld({ alliances: ALONE })
  await done(['alliance', 'create', 'pacific', '--backfill', 'joining', ...at(world, FOUNDER)])
  await joins(world, 'us', [FOUNDER])
  const older = [
    await shared(world, 'jp', '198.51.100.1', AMBER, ['us']),
    await shared(world, 'jp', '198.51.100.2', GREEN, ['us']),
    await shared(world, 'us', '198.51.100.3', AMBER, ['jp']),
    await shared(world, 'jp', '198.51.100.4', { tlp: 'clear', to: ['alliance:pacific'] }, ['us']),
  ]
  const named = await shared(world, 'jp', '198.51.100.5', { tlp: 'amber', to: ['member:us'] }, ['us'])
  const free = await shared(world, 'jp', '198.51.100.6', { tlp: 'clear' }, ['us'])
  const before = await logsAt(world, 'jp', 'jp')

  await joins(world, 'ph', [FOUNDER, 'us'])
  const newer = [
    await shared(world, 'jp', '198.51.100.11', AMBER, ['us', 'ph']),
    await shared(world, 'us', '198.51.100.12', GREEN, ['jp', 'ph']),
    await shared(world, 'ph', '198.51.100.13', AMBER, ['jp', 'us']),
  ]
  await until('what is for the world', () => holds(world, 'ph', free))
  for (const id of [...older, named]) assert.equal(await holds(world, 'ph', id), false, `${id} is older`)
  for (const id of [...older, ...newer]) assert.ok(await holds(world, 'us', id), 'who was in keeps all')

  // By the link itself: an older log, and one that does not exist, in the same words.
  const amber = before.find(({ audience }) => audience.tlp === 'amber' && audience.epochs !== undefined)!
  assert.deepEqual(amber.audience.epochs, ['pacific:2'])
  const offered = await logsAt(world, 'ph', 'jp')
  assert.ok(!offered.some(({ log }) => log === amber.log))
  for (const path of ['checkpoint', 'entries?from=0&to=1', 'consistency?from=1&to=2']) {
    const hidden = await linkAnswer(world, 'ph', 'jp', `/link/v1/logs/${amber.log}/${path}`)
    assert.equal(hidden.status, 404)
    assert.deepEqual(hidden, await linkAnswer(world, 'ph', 'jp', `/link/v1/logs/${'0'.repeat(64)}/${path}`))
    assert.equal((await linkAnswer(world, 'us', 'jp', `/link/v1/logs/${amber.log}/checkpoint`)).status, 200)
  }
  for (const slug of ['jp', 'us', 'ph']) {
    const alarms = (await journal<{ kind: string }>(world, slug, 'alarms')).filter(({ kind }) => kind !== 'stale')
    assert.deepEqual(alarms, [], `${slug} was alarmed`)
  }

  const members = await noroshi(['alliance', 'members', 'pacific', ...at(world, 'ph')])
  assert.match(members.stdout, /pacific: a new member gets what is published after it joined/)
  const file = join(world.path, 'next.json')
  await writeFile(file, JSON.stringify(indicator('198.51.100.20')))
  const preview = ['publish', file, '--tlp', 'amber', '--to', 'alliance:pacific', '--dry-run', ...at(world, 'us')]
  const { stdout } = await noroshi(preview)
  assert.match(stdout, /us|jp/)
  assert.match(stdout, /whoever joins pacific after version 3 of its charter never gets it/)
})

test('under "everything" a new member gets all that the alliance’s audiences hold', async () => {
  await using world = await openWorld({ alliances: ALONE })
  await done(['alliance', 'create', 'pacific', ...at(world, FOUNDER)])
  await joins(world, 'us', [FOUNDER])
  const older = await shared(world, 'jp', '198.51.100.1', AMBER, ['us'])
  const green = await shared(world, 'us', '198.51.100.2', GREEN, ['jp'])
  const named = await shared(world, 'jp', '198.51.100.3', { tlp: 'amber', to: ['member:us'] }, ['us'])
  await joins(world, 'ph', [FOUNDER, 'us'])
  for (const id of [older, green]) await until('what is older', () => holds(world, 'ph', id))
  await shared(world, 'jp', '198.51.100.4', AMBER, ['us', 'ph'])
  assert.equal(await holds(world, 'ph', named), false)
  const members = await noroshi(['alliance', 'members', 'pacific', ...at(world, 'ph')])
  assert.doesNotMatch(members.stdout, /after it joined/)
})

test('the rule can be changed, and the inviter can give one member everything in spite of it', async () => {
  await using world = await openWorld({ alliances: ALONE })
  await done(['alliance', 'create', 'pacific', ...at(world, FOUNDER)])
  await joins(world, 'us', [FOUNDER])
  const open = await shared(world, 'jp', '198.51.100.1', AMBER, ['us'])
  const change = ['alliance', 'change', 'pacific', '--backfill', 'joining', ...at(world, FOUNDER)]
  const { version } = await done<{ version: number }>(change)
  await until('the proposal arrived', async () =>
    (await world.node('us').federation.alliances.proposals('pacific')).some((one) => one.version === version),
  )
  await done(['alliance', 'approve', 'pacific', '--version', String(version), ...at(world, 'us')])
  for (const slug of ['jp', 'us']) await until('in force', () => versionAt(world, slug) === version)
  const bound = await shared(world, 'jp', '198.51.100.2', AMBER, ['us'])
  await joins(world, 'ph', [FOUNDER, 'us'], ['--backfill', 'everything'])
  for (const id of [open, bound]) await until('all of it', () => holds(world, 'ph', id))
  await shared(world, 'ph', '198.51.100.3', AMBER, ['jp', 'us'])
})

/** Answer to a link request, signed by the node key of the one that asks. */
async function linkAnswer(world: World, from: string, to: string, target: string) {
  const { config, nodeKey } = world.node(from)
  const headers = signLinkRequest(
    { method: 'GET', target, body: new Uint8Array() },
    {
      from: config.member,
      to: world.node(to).config.member,
      created: Math.floor(Date.now() / 1_000),
      nonce: randomBytes(16).toString('hex'),
      signer: nodeKey,
    },
  )
  const answer = await fetch(world.node(to).url() + target, { headers: { ...headers } })
  const told = Object.fromEntries([...answer.headers].filter(([name]) => name !== 'date'))
  return { status: answer.status, headers: told, body: await answer.text() }
}
