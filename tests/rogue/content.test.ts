// What a rogue writes into its logs: lies about who, when and what. None of it is used, what is signed convicts it, and
// what an honest member publishes meanwhile arrives, is armed and matches.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ENTRY_HEADER_BYTES, ENTRY_KIND } from '#log'
import {
  alarmed,
  alarms,
  ask,
  audience,
  blamesNobodyElse,
  connection,
  convicts,
  honestSignalArrives,
  indicator,
  mirrored,
  openRogueWorld,
  PATIENCE_MS,
  publish,
  rogueIndicator,
  type RogueWorld,
  telemetry,
  until,
} from './rogue-world.ts'

const AMBER = { tlp: 'amber', to: ['alliance:pacific'] }

/** Somebody who stands in no charter. */
const THIRD_PARTY = 'identity--11111111-1111-4111-8111-111111111111'

interface Shown {
  slug: string
  creator?: string
  revoked: boolean
}

/** Versions of an object that the operator of a node is shown. */
const versionsOf = async (world: RogueWorld, slug: string, id: string): Promise<Shown[]> => {
  const { objects } = (await (await ask(world, slug, `/api/v1/objects?id=${id}`)).json()) as { objects: Shown[] }
  return objects
}

/** Bytes of an entry that nothing has checked. */
function entryOf(payload: string, kind: number = ENTRY_KIND.object): Uint8Array {
  const bytes = Buffer.alloc(ENTRY_HEADER_BYTES + Buffer.byteLength(payload))
  bytes.set([1, kind])
  bytes.writeBigUInt64BE(BigInt(Date.now()), 34)
  bytes.writeUInt32BE(Buffer.byteLength(payload), 42)
  bytes.write(payload, ENTRY_HEADER_BYTES)
  return new Uint8Array(bytes)
}

const hitsOf = async (world: RogueWorld, slug: string, address: string) =>
  (await telemetry(world, slug, [connection(address)])).hits.map(({ indicator: id }) => id)

test('equivocation: two contents under one version are both refused, and the two entries convict', async () => {
  await using world = await openRogueWorld()
  const log = world.rogue.log(audience)
  const one = rogueIndicator(world, "[ipv4-addr:value = '192.0.2.11']")
  log.publish(one)
  log.publish({ ...one, pattern: "[ipv4-addr:value = '192.0.2.12']" })
  world.rogue.push()
  await alarmed(world, 'jp', 'equivocation')
  await honestSignalArrives(world)
  await convicts(world, 'jp', 'equivocation', /two contents of indicator--/)
  for (const address of ['192.0.2.11', '192.0.2.12']) assert.deepEqual(await hitsOf(world, 'jp', address), [])
  await blamesNobodyElse(world)
})

test('forged author: what a rogue publishes in the name of an honest member is not its word, and convicts the rogue', async () => {
  await using world = await openRogueWorld()
  const ph = world.node('ph').config.member
  const log = world.rogue.log(audience)
  const forged = { ...rogueIndicator(world, "[ipv4-addr:value = '192.0.2.21']"), created_by_ref: ph }
  log.publish(forged)
  world.rogue.push()
  await alarmed(world, 'jp', 'forged-author')
  await honestSignalArrives(world)
  await convicts(world, 'jp', 'forged-author', /in the name of ph/)
  assert.deepEqual(await hitsOf(world, 'jp', '192.0.2.21'), [])
  assert.deepEqual(await versionsOf(world, 'jp', forged.id), [])
  await blamesNobodyElse(world)
})

test('foreign objects: a rogue that revokes or replaces what an honest member published takes nothing out of detection', async () => {
  await using world = await openRogueWorld()
  const signal = indicator('198.51.100.201', { created_by_ref: world.node('ph').config.member })
  await publish(world, 'ph', [signal], AMBER)
  await until('armed at jp', async () => (await hitsOf(world, 'jp', '198.51.100.201')).length > 0, PATIENCE_MS)
  const later = { ...signal, modified: '2026-06-01T00:00:00.000Z' }
  const log = world.rogue.log(audience)
  log.publish({ ...later, revoked: true })
  const imported = { ...indicator('198.51.100.203'), created_by_ref: THIRD_PARTY }
  log.publish(imported)
  world.rogue.push()
  await mirrored(world, 'jp', log.id, 3)
  await alarmed(world, 'jp', 'forged-author')
  await honestSignalArrives(world)
  assert.deepEqual(await hitsOf(world, 'jp', '198.51.100.201'), [signal.id])
  await convicts(world, 'jp', 'forged-author', /in the name of ph/)
  const shown = await versionsOf(world, 'jp', signal.id)
  assert.deepEqual(
    shown.map(({ slug, revoked }) => [slug, revoked]),
    [['ph', false]],
  )
  // What a third party is said to have made is the rogue's own version, and no word against the same object of another.
  await publish(world, 'ph', [{ ...imported, pattern: "[ipv4-addr:value = '198.51.100.204']" }], AMBER)
  await until('both are armed', async () => (await hitsOf(world, 'jp', '198.51.100.204')).length > 0, PATIENCE_MS)
  assert.deepEqual(
    (await alarms(world, 'jp')).map(({ kind }) => kind),
    ['forged-author'],
  )
  await blamesNobodyElse(world)
})

test('id squatting: an id that a rogue took first is still the honest member’s own', async () => {
  await using world = await openRogueWorld()
  const signal = indicator('198.51.100.202')
  const log = world.rogue.log(audience)
  const pattern = "[ipv4-addr:value = '192.0.2.41']"
  const squatted = rogueIndicator(world, pattern, { id: signal.id, modified: '2026-09-01T00:00:00.000Z' })
  log.publish(squatted)
  world.rogue.push()
  await mirrored(world, 'jp', log.id, 2)
  await publish(world, 'ph', [signal], AMBER)
  await until('armed at jp', async () => (await hitsOf(world, 'jp', '198.51.100.202')).includes(signal.id), PATIENCE_MS)
  const shown = await versionsOf(world, 'jp', signal.id)
  assert.deepEqual(new Set(shown.map((one) => one.slug)), new Set(['rogue', 'ph']))
  // One that retires the squatted id retires its own version alone.
  log.publish({ ...squatted, modified: '2026-10-01T00:00:00.000Z', revoked: true })
  world.rogue.push()
  await mirrored(world, 'jp', log.id, 3)
  await honestSignalArrives(world)
  assert.deepEqual(await hitsOf(world, 'jp', '198.51.100.202'), [signal.id])
  await blamesNobodyElse(world)
})

test('version rollback: an older version after a newer one in the same log is refused, and the entry convicts', async () => {
  await using world = await openRogueWorld()
  const log = world.rogue.log(audience)
  const newer = rogueIndicator(world, "[ipv4-addr:value = '192.0.2.51']", { modified: '2026-05-01T00:00:00.000Z' })
  log.publish(newer)
  world.rogue.push()
  await mirrored(world, 'jp', log.id, 2)
  log.publish({ ...newer, modified: '2026-04-01T00:00:00.000Z', pattern: "[ipv4-addr:value = '192.0.2.52']" })
  world.rogue.push()
  await alarmed(world, 'jp', 'rollback', /REJECT:ROLLBACK/)
  await honestSignalArrives(world)
  assert.deepEqual(await hitsOf(world, 'jp', '192.0.2.51'), [newer.id])
  assert.deepEqual(await hitsOf(world, 'jp', '192.0.2.52'), [])
  await convicts(world, 'jp', 'rollback', /modified "2026-04-01T00:00:00.000Z"/)
  await blamesNobodyElse(world)
})

test('year 9999: a version from the future is quarantined, convicts, and does not keep the present version out', async () => {
  await using world = await openRogueWorld()
  const log = world.rogue.log(audience)
  const object = rogueIndicator(world, "[ipv4-addr:value = '192.0.2.61']")
  log.publish({ ...object, modified: '9999-12-31T23:59:59.999Z', pattern: "[ipv4-addr:value = '192.0.2.62']" })
  world.rogue.push()
  await alarmed(world, 'jp', 'clock', /MODIFIED_AHEAD/)
  await honestSignalArrives(world)
  await convicts(world, 'jp', 'clock', /modified "9999-12-31T23:59:59.999Z"/)
  log.publish(object)
  world.rogue.push()
  const armed = async () => (await hitsOf(world, 'jp', '192.0.2.61')).length > 0
  await until('the present version is armed', armed, PATIENCE_MS)
  assert.deepEqual(await hitsOf(world, 'jp', '192.0.2.62'), [])
  await blamesNobodyElse(world)
})

test('false drill: what a rogue calls an exercise that nobody has announced is quarantined with an alarm, and convicts', async () => {
  await using world = await openRogueWorld()
  const drill = 'drill--11111111-1111-4111-8111-111111111111'
  const log = world.rogue.log({ ...audience, drill } as never)
  const object = rogueIndicator(world, "[ipv4-addr:value = '192.0.2.71']")
  log.publish(object)
  world.rogue.push()
  await alarmed(world, 'jp', 'drill')
  await honestSignalArrives(world)
  assert.deepEqual(await hitsOf(world, 'jp', '192.0.2.71'), [])
  assert.deepEqual(await versionsOf(world, 'jp', object.id), [])
  await convicts(world, 'jp', 'drill', new RegExp(object.id))
  await blamesNobodyElse(world)
})

test('malformed entries stay inert, convict, and hold up nothing that comes after them', async () => {
  await using world = await openRogueWorld()
  const log = world.rogue.log(audience)
  const good = rogueIndicator(world, "[ipv4-addr:value = '192.0.2.81']")
  log.appendRaw(entryOf('{"type":"indicator","id":'))
  log.appendRaw(new Uint8Array([1, 2, 3]))
  log.appendRaw(new Uint8Array(46))
  log.appendRaw(entryOf('"a text"'))
  log.appendRaw(entryOf('['.repeat(100_000)))
  log.appendRaw(entryOf('{"id":"x","id":"y","type":"indicator"}'))
  log.publish({ type: 'indicator', id: 'indicator--no', spec_version: '2.1' })
  log.publish({ ...rogueIndicator(world, '[ipv4-addr:value = '), modified: 'yesterday' })
  log.publish(rogueIndicator(world, 'x'), 5)
  log.publish(rogueIndicator(world, 'x'), Date.now() + 3_600_000)
  log.publish(good)
  world.rogue.push()
  const armed = async () => (await hitsOf(world, 'jp', '192.0.2.81')).includes(good.id)
  await until('what is well formed is armed', armed, PATIENCE_MS)
  await alarmed(world, 'jp', 'malformed', /10 entries from 1 on are not used/)
  await honestSignalArrives(world)
  await convicts(world, 'jp', 'malformed', /entry 1 .*: bytes that are no entry of the format/)
  assert.equal((await world.node('jp').store.fsck()).ok, true)
  await blamesNobodyElse(world)
})

test('poison entries: an oversized one and a broken genesis are told of once, and stall neither another log nor another member', async () => {
  await using world = await openRogueWorld()
  const [stuck, large, fine] = [world.rogue.log(audience), world.rogue.log(audience), world.rogue.log(audience)]
  const values = ['192.0.2.91', '192.0.2.92', '192.0.2.93']
  const [first, second, third] = values.map((value) => rogueIndicator(world, `[ipv4-addr:value = '${value}']`))
  stuck.entries[0] = entryOf('{"author":"nobody"}', ENTRY_KIND.genesis)
  stuck.publish(first!)
  large.appendRaw(new Uint8Array(3 * 1_048_576))
  large.publish(second!)
  fine.publish(third!)
  world.rogue.push()
  const armed = (at: number) => async () => (await hitsOf(world, 'jp', values[at]!)).length > 0
  await until('the log beside them is armed', armed(2), PATIENCE_MS)
  await honestSignalArrives(world)
  await until('the log goes on behind what is too large', armed(1), PATIENCE_MS)
  assert.deepEqual(await hitsOf(world, 'jp', values[0]!), [])
  await alarmed(world, 'jp', 'malformed', /1 entries from 1 on are not used: no entry of the format/)
  await alarmed(world, 'jp', 'bad-answer', /genesis/)
  // It is asked for again and again, and told of once: a log that stays broken fills neither a day nor a disk.
  const asked = () => world.rogue.requests.filter(({ target }) => target.includes(`${stuck.id}/entries`)).length
  await until('the broken log was asked for again', () => asked() > 2 * 3, PATIENCE_MS)
  const told = (await alarms(world, 'jp')).map(({ kind }) => kind)
  assert.deepEqual(told.toSorted(), ['bad-answer', 'malformed'])
  await blamesNobodyElse(world)
})
