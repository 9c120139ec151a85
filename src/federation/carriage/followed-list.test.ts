import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Json, sha256Hex, utf8 } from '#base'
import { type LogRow, memberIdOf, nextList, signSnapshot, toSigner } from '#log'
import { FollowedList, offeredBy } from './followed-list.ts'

const signer = toSigner(new Uint8Array(32).fill(9))
const memberOf = (fill: number) => memberIdOf(toSigner(new Uint8Array(32).fill(fill)).publicKey)
const [author, reader, via] = [memberIdOf(signer.publicKey), memberOf(8), memberOf(7)]
const now = 1_767_225_600_000
const expected = { author, reader, via, publicKeys: [signer.publicKey], now }
const row = (n: number, size: number): LogRow => ({
  log: sha256Hex(utf8(`log ${n}`)),
  size,
  root: sha256Hex(utf8(`root ${n} ${size}`)),
})
const byLog = (rows: LogRow[]) => rows.sort((a, b) => (a.log < b.log ? -1 : 1))

/** An author that hands its list to a carrier, and the carrier that keeps the whole list and the newest change. */
class Shown {
  readonly sizes = new Map<number, number>()
  sequence = 0
  whole: { sequence: number; envelope: Json; logs: readonly LogRow[] }[] = []
  change: { sequence: number; envelope: Json } | undefined

  list(): LogRow[] {
    return byLog([...this.sizes].map(([n, size]) => row(n, size)))
  }

  sign(logs: readonly LogRow[], more: boolean, since?: { sequence: number; logs: readonly LogRow[] }) {
    const fields = { author, reader, via, previousSequence: this.sequence, time: now, charters: {}, logs, more }
    const envelope = signSnapshot({ ...fields, ...(since ? { since } : {}) }, signer)
    this.sequence = envelope.statement.sequence
    return { sequence: this.sequence, envelope: envelope as unknown as Json, logs }
  }

  /** Signs what is new, whole or as a change; answers what is pushed. */
  grow(n: number, isWhole: boolean): Json[] {
    this.sizes.set(n, (this.sizes.get(n) ?? 0) + 1)
    const base = this.whole.at(-1)
    if (base && !isWhole) {
      this.change = this.sign(this.list(), false, base)
      return [this.change.envelope]
    }
    this.whole = []
    this.change = undefined
    for (let more = true; more;) {
      const before = this.whole.at(-1)
      const next = nextList(before?.logs ?? [], this.list(), 2)
      more = next.more
      this.whole.push(this.sign(next.logs, more, before))
    }
    return this.whole.map(({ envelope }) => envelope)
  }

  answer(since: number | undefined): Json {
    const place = this.whole.findIndex(({ sequence }) => sequence === since)
    return (this.whole[place + 1] ?? this.change ?? this.whole[place])!.envelope
  }
}

/** Asks until the newest is there, as links do; pushes may come between. */
function ask(list: FollowedList, shown: Shown, between: () => void = () => undefined) {
  const least = list.newest
  for (let i = 0; i < 50; i++) {
    const about = list.since
    const answer = shown.answer(about)
    if (i === 0) between()
    const taken = list.answered(answer, expected, least)
    assert.ok(taken !== 'unknown' || list.since !== about, 'an honest carrier answers what was asked')
    if (typeof taken !== 'string') return taken.logs
  }
  return assert.fail('it does not end')
}

test('whatever an honest carrier shows, and in whatever order answers and pushes cross, nothing is refused', () => {
  const event = fc.record({ log: fc.nat(6), whole: fc.boolean(), how: fc.constantFrom('push', 'lost', 'cross') })
  fc.assert(
    fc.property(fc.array(event, { minLength: 1, maxLength: 12 }), (events) => {
      const [shown, list] = [new Shown(), new FollowedList(() => undefined)]
      for (const { log, whole, how } of events) {
        if (how === 'cross' && shown.whole.length > 0)
          ask(list, shown, () => {
            for (const pushed of shown.grow(log, whole)) list.pushed(pushed, expected)
          })
        const pushed = shown.grow(log, whole)
        if (how === 'push') for (const one of pushed) list.pushed(one, expected)
      }
      assert.deepEqual(ask(list, shown), shown.list())
    }),
  )
})

test('an older list than was shown before is refused, asked for or pushed; one for another carrier at any time', () => {
  const [shown, list] = [new Shown(), new FollowedList(() => undefined)]
  const [first] = shown.grow(1, true)
  const [second] = shown.grow(1, false)
  const [third] = shown.grow(1, false)
  ask(list, shown)
  assert.throws(() => list.answered(second!, expected, list.newest), { code: 'SNAPSHOT_REPLAYED' })
  assert.throws(() => list.answered(first!, expected, list.newest), { code: 'SNAPSHOT_REPLAYED' })
  list.pushed(third!, expected)
  assert.throws(() => list.pushed(second!, expected), { code: 'SNAPSHOT_REPLAYED' })
  const elsewhere = new Shown()
  elsewhere.sequence = now + 50
  const [other] = elsewhere.grow(1, true)
  assert.throws(() => list.answered(other!, { ...expected, via: memberOf(6) }, 0), { code: 'SNAPSHOT_FOREIGN' })
})

test('a change that does not give the list that its author signed is refused, and the whole is asked for', () => {
  const [shown, list] = [new Shown(), new FollowedList(() => undefined)]
  shown.grow(1, true)
  ask(list, shown)
  const wrong = shown.sign(byLog([row(1, 9), row(2, 1)]), false, { sequence: list.since!, logs: [row(2, 1)] })
  assert.throws(() => list.pushed(wrong.envelope, expected), { code: 'SNAPSHOT_BASE' })
  list.forget()
  assert.deepEqual(ask(list, shown), shown.list())
})

test('a row behind what is held counts only where it was signed a minute after that', () => {
  const [shown, list] = [new Shown(), new FollowedList(() => undefined)]
  shown.grow(1, true)
  const logs = ask(list, shown)
  const { log } = row(1, 1)
  const rows = (time: number) =>
    offeredBy(
      { snapshot: { time } as never, logs },
      () => ({ size: 5, root: sha256Hex(utf8('x')), time: now }) as never,
    )
  assert.equal(rows(now + 60_000).get(log)?.size, 5)
  assert.equal(rows(now + 60_001).get(log)?.size, 1)
})
