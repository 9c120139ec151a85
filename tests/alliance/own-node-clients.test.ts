// A client that runs a node of its own: enrolled by its provider, linked to it alone, heard by the alliance under its own name.
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { noroshi } from '../cli/command-line.ts'
import { holds, indicator, journal, openWorld, publish, until, type World } from './world.ts'

const PROVIDER = 'ph-ncert'
const MEMBERS = [PROVIDER, 'jp-nco', 'us-cisa']
const CLIENT = 'ph-bank'
const ENV = { NOROSHI_PASSPHRASE: 'noroshi demo' }

const at = (world: World, slug: string) => ['--dir', world.dir(slug)]
const done = async <T>(args: readonly string[]): Promise<T> => {
  const ran = await noroshi([...args, '--json'], { env: ENV })
  assert.equal(ran.code, 0, `${args.join(' ')}: ${ran.stderr}`)
  return ran.json()[0] as T
}
const versionAt = (world: World, slug: string) => world.node(slug).directory.charter('pacific')?.charter.version

/** Another member votes for a version; then every member knows it. */
async function voted(world: World, version: number): Promise<void> {
  await until('the proposal arrived', async () =>
    (await world.node('jp-nco').federation.alliances.proposals('pacific')).some((one) => one.version === version),
  )
  await done(['alliance', 'approve', 'pacific', '--version', String(version), ...at(world, 'jp-nco')])
  for (const slug of MEMBERS) await until(`${slug} knows it`, () => versionAt(world, slug) === version)
}

test('a client with a node of its own gets what clients may, is heard as itself, and is parted when it is removed', async () => {
  await using world = await openWorld({ alliances: { pacific: MEMBERS }, others: [CLIENT] })
  const bank = world.node(CLIENT).config.member
  const profile = join(world.path, 'bank.json')
  await writeFile(profile, (await noroshi(['alliance', 'client', 'profile', ...at(world, CLIENT)])).stdout)
  const add = ['alliance', 'client', 'add', 'pacific', '--own-node', profile, ...at(world, PROVIDER)]
  const state = await done<{ version: number; inForce: boolean; clients: { id: string; slug: string }[] }>(add)
  assert.deepEqual([state.inForce, state.clients.map(({ id, slug }) => [id, slug])], [false, [[bank, CLIENT]]])

  const hand = ['alliance', 'client', 'enrolment', 'pacific', ...at(world, PROVIDER)]
  const { enrolment } = await done<{ enrolment: string }>(hand)
  const early = await done<{ enrolled: boolean }>(['alliance', 'client', 'enrol', enrolment, ...at(world, CLIENT)])
  assert.equal(early.enrolled, false, 'the others have not voted')
  await voted(world, state.version)
  await until('the client follows the charter', async () => {
    await world
      .node(CLIENT)
      .federation.alliances.joined('pacific')
      .catch(() => false)
    return versionAt(world, CLIENT) === state.version
  })
  await world.node(CLIENT).federation.addLink(PROVIDER, world.node(PROVIDER).url())
  await world.node(PROVIDER).federation.addLink(CLIENT, world.node(CLIENT).url())
  const up = () =>
    world
      .node(CLIENT)
      .federation.links()
      .filter(({ state: link, way }) => link === 'up' && way === undefined)
  await until('linked to its provider', () => up().some(({ slug }) => slug === PROVIDER))
  assert.deepEqual(
    up().map(({ slug }) => slug),
    [PROVIDER],
    'and to nobody else',
  )

  const at198 = (octet: number) => indicator(`198.51.100.${octet}`)
  const own = { clear: at198(1), green: at198(2), amber: at198(3), strict: at198(4), red: at198(5), alliance: at198(6) }
  await publish(world, PROVIDER, [own.clear], { tlp: 'clear' })
  await publish(world, PROVIDER, [own.green], { tlp: 'green', to: ['alliance:pacific'] })
  await publish(world, PROVIDER, [own.strict], { tlp: 'amber+strict' })
  await publish(world, PROVIDER, [own.red], { tlp: 'red', to: ['org:jp-nco'] })
  await publish(world, PROVIDER, [own.alliance], { tlp: 'amber', to: ['alliance:pacific'] })
  await publish(world, PROVIDER, [own.amber], { tlp: 'amber' })
  const foreign = { green: at198(11), amber: at198(12), strict: at198(13) }
  await publish(world, 'jp-nco', [foreign.strict], { tlp: 'amber+strict' })
  await publish(world, 'jp-nco', [foreign.amber], { tlp: 'amber' })
  await publish(world, 'jp-nco', [foreign.green], { tlp: 'green', to: ['alliance:pacific'] })
  for (const what of ['clear', 'green', 'amber'] as const)
    await until(`the client holds ${what}`, () => holds(world, CLIENT, own[what].id))
  await until('GREEN of another member, through the provider', () => holds(world, CLIENT, foreign.green.id))
  for (const id of [own.strict.id, own.red.id, own.alliance.id, foreign.amber.id, foreign.strict.id])
    assert.equal(await holds(world, CLIENT, id), false, id)

  // Its own: signed by itself, its creator named, and to each as it was marked.
  const theirs = { green: at198(21), amber: at198(22), strict: at198(23), named: at198(24), created: at198(25) }
  await publish(world, CLIENT, [{ ...theirs.green, created_by_ref: bank }], { tlp: 'green', to: ['alliance:pacific'] })
  await publish(world, CLIENT, [theirs.amber], { tlp: 'amber' })
  await publish(world, CLIENT, [theirs.strict], { tlp: 'amber+strict' })
  await publish(world, CLIENT, [theirs.named], { tlp: 'amber', to: ['org:us-cisa'] })
  // A member may not speak as the client: what names it as creator is the client's to sign, or its provider's.
  await publish(world, 'us-cisa', [{ ...theirs.created, created_by_ref: bank }], { tlp: 'clear' }).catch(
    () => undefined,
  )
  for (const what of ['green', 'amber', 'strict'] as const)
    await until(`the provider holds ${what}`, () => holds(world, PROVIDER, theirs[what].id))
  for (const slug of ['jp-nco', 'us-cisa']) {
    await until(`${slug} holds GREEN`, () => holds(world, slug, theirs.green.id))
    for (const id of [theirs.amber.id, theirs.strict.id]) assert.equal(await holds(world, slug, id), false)
  }
  await until('whom it named', () => holds(world, 'us-cisa', theirs.named.id))
  assert.equal(await holds(world, 'jp-nco', theirs.named.id), false)
  const heads = await world.node('jp-nco').store.logs()
  assert.ok(
    heads.some(({ author }) => author === bank),
    'under its own name',
  )
  assert.equal(await holds(world, 'jp-nco', theirs.created.id), false)
  for (const slug of [...MEMBERS, CLIENT]) {
    const alarms = await journal<{ kind: string; message: string }>(world, slug, 'alarms')
    assert.deepEqual(
      alarms.filter(({ kind }) => kind !== 'stale' && kind !== 'forged-author'),
      [],
      `${slug} was alarmed`,
    )
  }

  const remove = ['alliance', 'client', 'remove', 'pacific', '--slug', CLIENT, ...at(world, PROVIDER)]
  await voted(world, (await done<{ version: number }>(remove)).version)
  const [late, last] = [at198(31), at198(32)]
  await publish(world, PROVIDER, [late], { tlp: 'clear' })
  await publish(world, CLIENT, [last], { tlp: 'clear' })
  await until('the others have it', () => holds(world, 'us-cisa', late.id))
  await until('the client is refused', () => up().length === 0)
  assert.equal(await holds(world, CLIENT, late.id), false)
  for (const slug of MEMBERS) assert.equal(await holds(world, slug, last.id), false)
  assert.ok(
    !world
      .node(PROVIDER)
      .federation.links()
      .some(({ slug }) => slug === CLIENT),
  )
})
