// What a peer can see of an author depends on its own list alone: bytes and instants are the same whether or not the
// author publishes something that is withheld from it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sha256, toHex, utf8 } from '#base'
import { type Audience, signLinkRequest } from '#log'
import { openFederation } from '../federation.ts'
import { makeCharter, makeMember } from '../simulation/members.ts'
import { MemoryDisk } from '../simulation/memory-disk.ts'
import { MemoryStore } from '../simulation/memory-store.ts'
import { VirtualTime } from '../simulation/virtual-time.ts'
import { amberFor, indicator } from '../testing/objects.ts'
import { publish } from '../testing/real-node.ts'

const START_MS = Date.parse('2026-03-01T00:00:00Z')
const MINUTE_MS = 60_000
/** Instants of publications that the reader may have. */
const VISIBLE_MS = [1_000, 70_000, 70_500, 200_000]
const WITHHELD_MS = [3_370, 17_370, 17_390, 40_370, 69_370, 90_370, 129_370, 180_370, 199_370]

interface Seen {
  /** Since the start. */
  at: number
  what: string
  text: string
}

/** Everything that an excluded reader gets of one author in five minutes: a stream, and a poll every 25 seconds. */
async function watch(withheld: readonly { at: number; audience: Audience }[]): Promise<Seen[]> {
  const time = new VirtualTime(START_MS)
  const [jp, us, ph] = ['jp-nco', 'us-cisa', 'ph-ncert'].map((slug) => makeMember(slug, START_MS))
  assert.ok(jp && us && ph)
  const timers = time.timers('jp', () => true)
  const now = () => time.now
  const signer = { member: jp.self.member, key: jp.self.nodeKey }
  const store = new MemoryStore({ disk: new MemoryDisk(), signer, now, timers, syncMs: () => 3 })
  const random = (count: number) => new Uint8Array(count)
  const transport = () => Promise.reject(new Error('nobody is called'))
  const federation = await openFederation({ store, self: jp.self, now, random, transport, timers })
  time.after(0, 'charters', () => {
    void federation.alliances
      .bootstrapCharter(makeCharter('pacific', [jp, us, ph], START_MS))
      .then(() => federation.alliances.bootstrapCharter(makeCharter('bilateral', [jp, ph], START_MS)))
      .then(() => federation.start())
  })
  const seen: Seen[] = []
  const note = (what: string, bytes: Uint8Array) =>
    seen.push({ at: time.now - START_MS, what, text: Buffer.from(bytes).toString() })
  let asked = 0
  const ask = (target: string) => {
    const request = { method: 'GET', target, body: new Uint8Array() }
    const nonce = toHex(sha256(utf8(String(asked++)))).slice(0, 32)
    const created = Math.floor(time.now / 1_000)
    const headers = signLinkRequest(request, {
      from: us.self.member,
      to: jp.self.member,
      created,
      nonce,
      signer: us.self.nodeKey,
    })
    return federation.handle({ ...request, headers })
  }
  const follow = async () => {
    const answer = await ask('/link/v1/stream')
    assert.ok('stream' in answer)
    for await (const chunk of answer.stream) note('stream', chunk)
  }
  let since = ''
  const poll = async () => {
    const answer = await ask(`/link/v1/logs${since}`)
    assert.ok('body' in answer)
    note('poll', answer.body)
    const { statement } = JSON.parse(Buffer.from(answer.body).toString()) as { statement: { sequence: number } }
    since = `?since=${statement.sequence}`
    for (const target of ['/link/v1/heads', '/link/v1/charters/pacific']) {
      const more = await ask(target)
      assert.ok('body' in more)
      note(target, more.body)
    }
  }
  const send = (audience: Audience, name: string) => {
    const salts = (count: number) => sha256(utf8(name)).subarray(0, count)
    const object = indicator(name, jp.self.member, time.now)
    void publish(store, federation, jp, audience, [object], now, salts)
  }
  time.after(500, 'stream', () => void follow())
  for (const at of VISIBLE_MS) time.after(at, 'visible', () => send(amberFor('pacific'), `visible ${at}`))
  for (let at = 10_200; at < 5 * MINUTE_MS; at += 25_000) time.after(at, 'poll', () => void poll())
  for (const { at, audience } of withheld) time.after(at, 'withheld', () => send(audience, `withheld ${at}`))
  await time.runUntil(START_MS + 5 * MINUTE_MS, () => undefined)
  return seen
}

const secret = (index: number): Audience =>
  index % 2 === 0
    ? amberFor('bilateral')
    : { v: 1, tlp: 'red', participants: [makeMember('ph-ncert', START_MS).self.member] }

test('an excluded reader gets the same bytes at the same instants, with and without what is withheld from it', async () => {
  const without = await watch([])
  const withAll = await watch(WITHHELD_MS.map((at, i) => ({ at, audience: secret(i) })))
  const streamed = without.filter(({ what }) => what === 'stream')
  const snapshots = streamed.filter(({ text }) => text.startsWith('event: snapshot'))
  assert.ok(snapshots.length > VISIBLE_MS.length, 'it hears of what it may have, and has fresh snapshots between')
  assert.ok(
    streamed.some(({ text }) => text.startsWith(':')),
    'and keepalives',
  )
  assert.deepEqual(
    withAll.map(({ at, what, text }) => [at, what, text.length]),
    without.map(({ at, what, text }) => [at, what, text.length]),
  )
  assert.deepEqual(withAll, without)
})

test('the test itself hears of a publication: one that is not withheld is seen at its instant', async () => {
  const at = 40_370
  const seen = await watch([{ at, audience: amberFor('pacific') }])
  assert.ok(seen.some((one) => one.what === 'stream' && one.at >= at && one.at < at + 10))
})
