// Lies that aim at detection: indicators that would match everybody's own traffic, and recalls that would blind.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  alarmed,
  alarms,
  ask,
  audience,
  blamesNobodyElse,
  connection,
  convicts,
  honestSignalArrives,
  journal,
  mirrored,
  openRogueWorld,
  PATIENCE_MS,
  rogueIndicator,
  type RogueWorld,
  telemetry,
  until,
} from './rogue-world.ts'

/** What a rogue would like to have blocked, by the code with which detection refuses it. */
const POISON: readonly (readonly [pattern: string, code: string])[] = [
  ["[ipv4-addr:value = '0.0.0.0/0']", 'DETECT_RANGE_TOO_BROAD'],
  ["[ipv6-addr:value = '::/0']", 'DETECT_RANGE_TOO_BROAD'],
  ["[ipv4-addr:value = '198.18.0.0/15']", 'DETECT_RANGE_TOO_BROAD'],
  ["[ipv4-addr:value = '0.0.0.0']", 'DETECT_RESERVED_ADDRESS'],
  ["[ipv4-addr:value = '127.0.0.1']", 'DETECT_RESERVED_ADDRESS'],
  ["[domain-name:value = '.']", 'DETECT_VALUE_INVALID'],
  ["[domain-name:value = 'com']", 'DETECT_PUBLIC_SUFFIX'],
  ["[domain-name:value = 'go.jp']", 'DETECT_PUBLIC_SUFFIX'],
  ["[ipv4-addr:value = '8.8.8.8']", 'DETECT_ALLOWED_VALUE'],
  ["[ipv4-addr:value = '1.1.1.0/24']", 'DETECT_ALLOWED_VALUE'],
  ["[ipv6-addr:value = '2620:fe::fe']", 'DETECT_ALLOWED_VALUE'],
  ["[domain-name:value = 'update.microsoft.com']", 'DETECT_ALLOWED_VALUE'],
  ["[ipv4-addr:value = '203.0.113.7']", 'DETECT_OWN_RANGE'],
  ["[ipv4-addr:value = '203.0.0.0/16']", 'DETECT_OWN_RANGE'],
  ["[domain-name:value = 'mail.ministry.example.jp']", 'DETECT_OWN_RANGE'],
  ["[domain-name:value = 'example.jp']", 'DETECT_OWN_RANGE'],
  ["[ipv4-addr:value = '192.0.2.200']", 'DETECT_OWN_RANGE'],
  ["[domain-name:value = 'cert.example.ph']", 'DETECT_OWN_RANGE'],
  ["[ipv4-addr:value = '198.51.100.250']", 'DETECT_ALLOWED_VALUE'],
  [
    "[file:hashes.'SHA-256' = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855']",
    'DETECT_ALLOWED_VALUE',
  ],
  // The harmless value beside the harmful one does not get it in.
  ["[ipv4-addr:value = '192.0.2.9' OR ipv4-addr:value = '0.0.0.0/0']", 'DETECT_RANGE_TOO_BROAD'],
  ["[ipv4-addr:value = '8.8.8.8'] FOLLOWEDBY [ipv4-addr:value = '203.0.113.7']", 'DETECT_ALLOWED_VALUE'],
  // Nor does another way of saying everything.
  ["[ipv4-addr:value LIKE '%']", 'DETECT_ORDINARY'],
  ["[ipv4-addr:value != '192.0.2.9']", 'DETECT_ORDINARY'],
  ["[ipv4-addr:value LIKE '203.0.113.%']", 'DETECT_ORDINARY'],
  ["[domain-name:value MATCHES '.*']", 'DETECT_ORDINARY'],
  ["[domain-name:value LIKE '%.ministry.example.jp']", 'DETECT_ORDINARY'],
  ['[EXISTS url:value]', 'DETECT_ORDINARY'],
  ['[network-traffic:dst_port = 443]', 'DETECT_ORDINARY'],
  ['[network-traffic:dst_port > 0] FOLLOWEDBY [network-traffic:dst_port > 0]', 'DETECT_ORDINARY'],
]

/** The members' own networks: jp's in its configuration, ph's in its row of the charter. */
const OWN = {
  config: (slug: string) =>
    slug === 'jp' ? { networks: ['203.0.113.0/24', 'ministry.example.jp'], neverArm: ['198.51.100.250'] } : {},
  row: (slug: string) => (slug === 'ph' ? { networks: ['192.0.2.128/25', 'cert.example.ph'] } : {}),
}

interface Armed {
  index: number
  refused?: string
}

const armedAt = async (world: RogueWorld, log: string): Promise<Map<number, string | undefined>> =>
  new Map(
    (await journal<Armed & { log: string }>(world, 'jp', 'armed'))
      .filter((row) => row.log === log)
      .map(({ index, refused }) => [index, refused]),
  )

test('poisoned indicators: everybody’s traffic, public resolvers and members’ own networks never arm; each is told of, and convicts', async () => {
  await using world = await openRogueWorld(OWN)
  const log = world.rogue.log(audience)
  for (const [pattern] of POISON) log.publish(rogueIndicator(world, pattern))
  const good = rogueIndicator(world, "[ipv4-addr:value = '192.0.2.9']")
  log.publish(good)
  world.rogue.push()
  await until('all are judged', async () => (await armedAt(world, log.id)).size > POISON.length, PATIENCE_MS)
  const refused = await armedAt(world, log.id)
  assert.deepEqual(
    POISON.map(([pattern], at) => [pattern, refused.get(at + 1)]),
    POISON.map(([pattern, code]) => [pattern, code]),
  )
  assert.equal(refused.get(POISON.length + 1), undefined, 'what is harmless of the same author is armed')
  await alarmed(world, 'jp', 'poison', /0\.0\.0\.0\/0/)
  await honestSignalArrives(world)
  await convicts(world, 'jp', 'poison', /pattern "\[ipv4-addr:value = '0\.0\.0\.0\/0'\]"/)
  const ordinary = ['8.8.8.8', '203.0.113.7', '192.0.2.200', '198.51.100.250', '127.0.0.1']
  const { hits } = await telemetry(
    world,
    'jp',
    ordinary.map((address) => connection(address)),
  )
  assert.deepEqual(hits, [])
  await until(
    'its author is told which of them were refused',
    () => world.rogue.requests.some(({ body }) => body.includes('DETECT_OWN_RANGE')),
    PATIENCE_MS,
  )
  await blamesNobodyElse(world)
})

test('a member cannot keep half the world out of detection by calling it its own', async () => {
  const row = (slug: string) => (slug === 'ph' ? { networks: ['0.0.0.0/1', '2000::/3', 'com.ph'] } : {})
  await using world = await openRogueWorld({ row })
  await honestSignalArrives(world)
  await honestSignalArrives(world, 'jp', 'ph')
})

test('networks that a later charter declares go out of detection when it comes into force', async () => {
  await using world = await openRogueWorld()
  const log = world.rogue.log(audience)
  const object = rogueIndicator(world, "[ipv4-addr:value = '192.0.2.201']")
  log.publish(object)
  world.rogue.push()
  const hits = async () => (await telemetry(world, 'jp', [connection('192.0.2.201')])).hits.length
  await until('armed while nobody calls it its own', async () => (await hits()) > 0, PATIENCE_MS)
  const { alliances } = world.node('ph').federation
  const set = { networks: ['192.0.2.128/25'] }
  const { hash, version } = await alliances.amend(
    'pacific',
    { change: 'row', member: 'ph', set },
    world.roots.get('ph')!,
  )
  await until(
    'jp has the proposal',
    async () => (await world.node('jp').federation.alliances.proposals('pacific')).length > 0,
    PATIENCE_MS,
  )
  await world.node('jp').federation.alliances.approve('pacific', world.roots.get('jp')!, version, hash)
  await until('it is out of detection', async () => (await hits()) === 0, PATIENCE_MS)
  await honestSignalArrives(world)
})

test('mass recall: a rogue that takes everything back at once blinds nobody until a person agrees, and its recalls convict', async () => {
  await using world = await openRogueWorld()
  const log = world.rogue.log(audience)
  const values = Array.from({ length: 40 }, (_, i) => `192.0.2.${100 + i}`)
  for (const value of values) log.publish(rogueIndicator(world, `[ipv4-addr:value = '${value}']`))
  world.rogue.push()
  const hits = async () =>
    (
      await telemetry(
        world,
        'jp',
        values.map((value) => connection(value)),
      )
    ).hits.length
  await until('all are armed', async () => (await hits()) === values.length, PATIENCE_MS)
  for (const at of values.keys()) log.recall(at + 1)
  world.rogue.push()
  await mirrored(world, 'jp', log.id, 1 + 2 * values.length)
  await alarmed(world, 'jp', 'mass-recall')
  await honestSignalArrives(world)
  assert.equal(await hits(), values.length, 'detection goes on')
  await convicts(world, 'jp', 'mass-recall', /a recall of entry 40/)
  assert.deepEqual(
    (await alarms(world, 'jp')).map(({ kind }) => kind),
    ['mass-recall'],
  )
  await blamesNobodyElse(world)
  assert.equal((await ask(world, 'jp', '/api/v1/status')).status, 200)
})
