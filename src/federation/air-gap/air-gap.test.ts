// Air-gap files of whoever knows a reader's public key: everything inside is checked as on a link, and large logs stream.
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { bech32 } from '@scure/base'
import { toBase64 } from '#base'
import { type AirGapFile, decodeAirGap, encodeAirGap, type Envelope, signSnapshot, signStatement } from '#log'
import { makeCharter, type MadeMember, makeMember } from '../simulation/members.ts'
import { amberFor, indicator } from '../testing/objects.ts'
import { openRealNode, type RealNode, reserve } from '../testing/real-node.ts'
import { decryptWith, encryptTo } from './age.ts'

const audience = amberFor('pacific')
const drills = { ...audience, kinds: ['agency', 'national-csirt'] }

/** A member with a recipient key, and the key's secret as age writes it. */
function withRecipient(slug: string): { made: MadeMember; identity: string; publicKey: Uint8Array } {
  const time = Date.now()
  const { privateKey } = generateKeyPairSync('x25519')
  const { d = '', x = '' } = privateKey.export({ format: 'jwk' })
  const publicKey = new Uint8Array(Buffer.from(x, 'base64url'))
  const plain = makeMember(slug, time)
  const { member } = plain.self
  const fields = {
    member,
    key: toBase64(publicKey),
    purpose: 'recipient',
    from: time - 1_000,
    until: time + 86_400_000,
  }
  const delegations = [...plain.self.profile.delegations, signStatement('delegation', fields, [plain.root])]
  const identity = bech32.encodeFromBytes('age-secret-key-', new Uint8Array(Buffer.from(d, 'base64url'))).toUpperCase()
  return { made: makeMember(slug, time, { delegations }), identity, publicKey }
}

async function openWorld() {
  const [jp, us, ph] = [withRecipient('jp-nco'), withRecipient('us-cisa'), withRecipient('ph-cert')]
  const all = [jp, us, ph]
  const charter = makeCharter(
    'pacific',
    all.map(({ made }) => made),
    Date.now(),
  )
  const nodes: RealNode[] = []
  for (const { made } of all) {
    const node = await openRealNode(made, await reserve())
    await node.federation.alliances.bootstrapCharter(charter)
    nodes.push(node)
  }
  const close = async () => {
    for (const node of nodes) await node[Symbol.asyncDispose]()
  }
  return { jp, us, ph, nodes: nodes as [RealNode, RealNode, RealNode], [Symbol.asyncDispose]: close }
}

async function* once(bytes: Uint8Array) {
  yield bytes
}

async function gathered(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = []
  for await (const chunk of chunks) all.push(chunk)
  return new Uint8Array(Buffer.concat(all))
}

const objects = (node: RealNode, names: readonly string[], more: Record<string, string> = {}) =>
  names.map((name) => indicator(name, node.member.self.member, Date.now(), more))

test('whoever changes what is inside and encrypts it again is found out at each place; what was verified before stays', async () => {
  await using world = await openWorld()
  const [jp, us, ph] = world.nodes
  const logs = [
    (await jp.publish(audience, objects(jp, ['one', 'two']))).log,
    (await jp.publish(drills, objects(jp, ['three', 'four']))).log,
  ].sort()
  const written = await jp.federation.airGap.open('us-cisa')
  const whole = await gathered(written.chunks)
  const plain = decodeAirGap(await gathered(await decryptWith([world.us.identity], once(whole))))
  assert.deepEqual(
    plain.parts.map(({ log }) => log),
    logs,
  )
  const held = async () => Promise.all(logs.map(async (log) => (await us.store.log(log as never))?.size))
  const read = async (file: AirGapFile | Uint8Array, to = world.us.publicKey) => {
    const bytes = file instanceof Uint8Array ? file : encodeAirGap(file)
    return us.federation.airGap.read([world.us.identity], once(await gathered(await encryptTo(to, once(bytes)))))
  }
  const changed = (change: (file: AirGapFile) => void): AirGapFile => {
    const copy = structuredClone(plain)
    change(copy)
    return copy
  }
  const [author, reader] = [jp.member.self.member, us.member.self.member]
  const rows = (plain.snapshot.statement as { logs?: unknown })['logs'] as { log: string; size: number; root: string }[]
  const snapshot = (more: object, by = jp.member.self.nodeKey): Envelope =>
    signSnapshot(
      { author, reader, previousSequence: 0, time: Date.now(), charters: {}, logs: rows as never, ...more },
      by,
    )
  const flip = (file: AirGapFile, part: number) => {
    const frame = file.parts[part]!.frames[1]!
    if ('bytes' in frame) frame.bytes[60]! ^= 1
  }
  const cases: [string, AirGapFile | Uint8Array, string | RegExp, boolean?][] = [
    ['another reader', changed((f) => (f.snapshot = snapshot({ reader: ph.member.self.member }))), 'AIR_GAP_READER'],
    [
      'an author that nobody knows',
      changed((f) => (f.snapshot = snapshot({ author: makeMember('xx', Date.now()).self.member }))),
      'AIR_GAP_AUTHOR',
    ],
    ['the reader as author', changed((f) => (f.snapshot = snapshot({ author: reader }))), 'AIR_GAP_AUTHOR'],
    [
      'a snapshot by another key',
      changed((f) => (f.snapshot = snapshot({}, ph.member.self.nodeKey))),
      'SIGNATURE_INVALID',
    ],
    [
      'a snapshot of tomorrow',
      changed((f) => (f.snapshot = snapshot({ time: Date.now() + 86_400_000 }))),
      'SNAPSHOT_AHEAD',
    ],
    [
      'an unknown charter',
      changed((f) => (f.snapshot = snapshot({ charters: { pacific: 'ab'.repeat(32) } }))),
      'AIR_GAP_CHARTER',
    ],
    ['a log that is not offered', changed((f) => (f.snapshot = snapshot({ logs: rows.slice(1) }))), 'AIR_GAP_REFUSED'],
    [
      'a checkpoint by another key',
      changed((f) => (f.parts[0]!.checkpoint = f.parts[1]!.checkpoint)),
      'AIR_GAP_REFUSED',
    ],
    ['an entry', changed((f) => flip(f, 0)), 'AIR_GAP_REFUSED'],
    ['an entry of the second part', changed((f) => flip(f, 1)), 'AIR_GAP_REFUSED', true],
    [
      'a part that begins too late',
      changed((f) => ((f.parts[0]!.from = 1), f.parts[0]!.frames.shift())),
      'AIR_GAP_REFUSED',
    ],
    ['half a part', encodeAirGap(plain).subarray(0, -20), /ends in the middle/, true],
    [
      'garbage for a line',
      Buffer.concat([encodeAirGap({ ...plain, parts: [] }), Buffer.from('{"log":1}\n')]),
      /part that is not/,
    ],
    ['no magic', Buffer.from('something else entirely, and long enough to be read'), /no air-gap file/],
    [
      'a line without an end',
      Buffer.concat([Buffer.from('noroshi/air-gap/v1\n'), Buffer.alloc(70_000_000, 32)]),
      /line of more than/,
    ],
  ]
  // What changes the second part leaves the first one verified, so these come last.
  for (const late of [false, true])
    for (const [what, file, code, isLate = false] of cases) {
      if (isLate !== late) continue
      const expected = typeof code === 'string' ? { code } : code
      await assert.rejects(read(file), expected, what)
      if (!late) assert.deepEqual(await held(), [undefined, undefined], what)
      else assert.equal((await held())[1], undefined, `${what}: nothing of the broken part`)
    }
  assert.deepEqual(
    us.alarms.filter(({ kind }) => kind !== 'bad-signature' && kind !== 'bad-answer'),
    [],
  )
  await assert.rejects(read(changed((file) => file.parts.reverse())), /ascend/)
  assert.deepEqual(await held(), [3, 3], 'parts that were verified are kept')
  const result = await read(plain)
  assert.deepEqual([await held(), result.behind], [[3, 3], []])
  await assert.rejects(read(plain), { code: 'AIR_GAP_REPLAYED' })
  await assert.rejects(read(changed((f) => (f.snapshot = snapshot({ time: written.sequence - 10_000 })))), {
    code: 'AIR_GAP_REPLAYED',
  })
  await assert.rejects(read(plain, world.ph.publicKey), { code: 'AIR_GAP_FOREIGN' })
})

test('receipts of others, and forged ones, are refused one by one', async () => {
  await using world = await openWorld()
  const [jp, us, ph] = world.nodes
  await jp.publish(audience, objects(jp, ['one']))
  const out = await gathered((await jp.federation.airGap.open('us-cisa')).chunks)
  await us.federation.airGap.read([world.us.identity], once(out))
  const back = await us.federation.airGap.open('jp-nco')
  const plain = decodeAirGap(await gathered(await decryptWith([world.jp.identity], once(await gathered(back.chunks)))))
  assert.equal(plain.statements.length, 1)
  const [receipt] = plain.statements
  const { statement } = receipt!
  const forged = signStatement('received', { ...statement, possession: 'ab'.repeat(32) }, [us.member.self.nodeKey])
  const foreign = signStatement('received', { ...statement, member: ph.member.self.member }, [ph.member.self.nodeKey])
  const statements = [forged, foreign, receipt!] as Envelope[]
  const bytes = await gathered(await encryptTo(world.jp.publicKey, once(encodeAirGap({ ...plain, statements }))))
  const result = await jp.federation.airGap.read([world.jp.identity], once(bytes))
  assert.deepEqual(
    [result.statements.accepted, result.statements.refused.map(({ code }) => code)],
    [1, ['POSSESSION', 'MEMBER']],
  )
  assert.equal((await jp.federation.receipts()).length, 1)
})

test('a part that begins before what is held is taken from there on', async () => {
  await using world = await openWorld()
  const [jp, us] = world.nodes
  const { log } = await jp.publish(audience, objects(jp, ['one', 'two']))
  const bring = async () => {
    const { chunks } = await jp.federation.airGap.open('us-cisa', { all: true })
    return us.federation.airGap.read([world.us.identity], once(await gathered(chunks)))
  }
  assert.equal((await bring()).entries, 3)
  await jp.publish(audience, objects(jp, ['three']))
  assert.deepEqual([(await bring()).entries, (await us.store.log(log as never))?.size], [1, 4])
  assert.equal((await bring()).entries, 0)
  assert.deepEqual(us.alarms, [])
})

test('what was not said to be on disk is in the next file again, and --all has everything', async () => {
  await using world = await openWorld()
  const [jp, us] = world.nodes
  await jp.publish(audience, objects(jp, ['one', 'two']))
  const entries = async (all = false) => (await jp.federation.airGap.open('us-cisa', { all })).entries
  assert.deepEqual([await entries(), await entries()], [3, 3])
  const first = await jp.federation.airGap.open('us-cisa')
  await gathered(first.chunks)
  await jp.federation.airGap.written('us-cisa', first.sequence)
  assert.deepEqual([await entries(), await entries(true)], [0, 3])
  await assert.rejects(jp.federation.airGap.written('us-cisa', first.sequence), { code: 'AIR_GAP_STALE' })
  await assert.rejects(jp.federation.airGap.open('jp-nco'), { code: 'LINK_UNKNOWN_MEMBER' })
  assert.equal(await us.store.log((await jp.store.logs())[0]!.log), undefined)
})

test('a log of 50 MB streams: a file is neither written nor read as a whole, and memory stays bounded', async (t) => {
  await using world = await openWorld()
  const [jp, us] = world.nodes
  const text = 'x'.repeat(4_000)
  let log = ''
  for (let i = 0; i < 12; i++) {
    const names = Array.from({ length: 1_000 }, (_, k) => `object ${i}/${k}`)
    log = (await jp.publish(audience, objects(jp, names, { description: text }))).log
  }
  globalThis.gc?.()
  const before = process.memoryUsage().rss
  let most = 0
  const watch = () => (most = Math.max(most, process.memoryUsage().rss - before))
  const file = await jp.federation.airGap.open('us-cisa')
  let bytes = 0
  let early = 0
  let taken = 0
  async function* passing() {
    for await (const chunk of file.chunks) {
      bytes += chunk.length
      if (bytes < 8_000_000) early = file.done()
      if (bytes > 40_000_000 && taken === 0) taken = (await us.store.log(log as never))?.size ?? 0
      watch()
      yield chunk
    }
  }
  const result = await us.federation.airGap.read([world.us.identity], passing(), watch)
  t.diagnostic(`${bytes} bytes, at most ${Math.round(most / 1_048_576)} MB more memory for writer and reader together`)
  assert.ok(bytes > 50_000_000)
  assert.equal(result.entries, 12_001)
  assert.ok(early < 6_000, `${early} entries were read before 8 MB were written`)
  assert.ok(taken > 4_000, `${taken} entries were taken before the file was read to its end`)
  assert.ok(most < 300 * 1_048_576, `${most} bytes`)
  assert.equal((await us.store.log(log as never))?.size, 12_001)
})
