import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Hash, sha256Hex, utf8 } from '#base'
import {
  type Envelope,
  type LogRow,
  memberIdOf,
  nextList,
  openSnapshot,
  signSnapshot,
  signStatement,
  SNAPSHOT_FRESH_MS,
  type Snapshot,
  type SnapshotContext,
  type SnapshotInput,
  toSigner,
} from '#log'

const signer = toSigner(new Uint8Array(32).fill(9))
const author = memberIdOf(signer.publicKey)
const reader = memberIdOf(toSigner(new Uint8Array(32).fill(8)).publicKey)
const row = (n: number, size = 1): LogRow => ({
  log: sha256Hex(utf8(`log ${n}`)),
  size,
  root: sha256Hex(utf8(`root ${n} ${size}`)),
})
const time = 1_767_225_600_000

const sign = (change: Partial<SnapshotInput> = {}) =>
  signSnapshot({ author, reader, previousSequence: 0, time, charters: {}, logs: [row(1), row(2)], ...change }, signer)
const open = (envelope: unknown, change: Partial<SnapshotContext> = {}) =>
  openSnapshot(envelope, { author, reader, publicKeys: [signer.publicKey], now: time, ...change })

const lists = fc
  .uniqueArray(fc.tuple(fc.nat(12), fc.integer({ min: 1, max: 4 })), { selector: ([n]) => n })
  .map((pairs) => pairs.map(([n, size]) => row(n, size)))
const byLog = (rows: readonly LogRow[]) => [...rows].sort((a, b) => (a.log < b.log ? -1 : 1))

test('a chain of deltas gives the same list as the full snapshot', () => {
  fc.assert(
    fc.property(fc.array(lists, { minLength: 1, maxLength: 5 }), (steps) => {
      let last: SnapshotContext['last']
      for (const [i, logs] of steps.entries()) {
        const previousSequence = last?.sequence ?? 0
        const since = last && { since: { sequence: last.sequence, logs: last.logs ?? [] } }
        const envelope = sign({ logs, previousSequence, time: time + i, ...since })
        const opened = open(JSON.stringify(envelope), { now: time + i, ...(last && { last }) })
        assert.deepEqual(opened.logs, byLog(logs))
        const before = new Map((last?.logs ?? []).map((known) => [known.log, known.root]))
        assert.deepEqual(
          opened.changed.map(({ log }) => log),
          byLog(logs)
            .filter((now) => before.get(now.log) !== now.root)
            .map(({ log }) => log),
        )
        assert.deepEqual(
          opened.removed,
          byLog(last?.logs ?? [])
            .map(({ log }) => log)
            .filter((log) => !logs.some((now) => now.log === log)),
        )
        last = { sequence: opened.snapshot.sequence, logs: opened.logs }
      }
    }),
    { numRuns: 40 },
  )
})

test('a delta against another list, another sequence or none asks for the full one', () => {
  const given = [row(1), row(2)]
  const delta = sign({
    logs: [row(1, 2)],
    previousSequence: time,
    time: time + 1,
    since: { sequence: time, logs: given },
  })
  const now = { now: time + 1 }
  assert.deepEqual(open(delta, { ...now, last: { sequence: time, logs: given } }).logs, [row(1, 2)])
  for (const last of [
    { sequence: time, logs: [row(1), row(2), row(3)] },
    { sequence: time - 1, logs: given },
    { sequence: time },
    undefined,
  ])
    assert.throws(() => open(delta, { ...now, ...(last && { last }) }), { code: 'SNAPSHOT_BASE' })
})

test('nothing new is an answer of less than a kilobyte', () => {
  const logs = Array.from({ length: 2_000 }, (_, i) => row(i))
  const delta = sign({ logs, previousSequence: time, time: time + 1, since: { sequence: time, logs } })
  assert.ok(JSON.stringify(delta).length < 1_024, String(JSON.stringify(delta).length))
})

test('sequences rise with the clock, and by one where the clock stands still or went back', () => {
  assert.equal(sign().statement.sequence, time)
  assert.equal(sign({ previousSequence: time }).statement.sequence, time + 1)
  assert.equal(sign({ previousSequence: time + 5_000 }).statement.sequence, time + 5_001)
})

test('snapshots of others, for others, replayed, expired or ahead of the clock are refused, each by its name', () => {
  const envelope = sign()
  open(envelope, { now: time + SNAPSHOT_FRESH_MS - 1 })
  open(envelope, { now: time - 60_000 })
  const cases: [Partial<SnapshotContext>, string][] = [
    [{ now: time + SNAPSHOT_FRESH_MS }, 'SNAPSHOT_EXPIRED'],
    [{ now: time - 60_001 }, 'SNAPSHOT_AHEAD'],
    [{ author: reader }, 'SNAPSHOT_FOREIGN'],
    [{ reader: author }, 'SNAPSHOT_FOREIGN'],
    [{ last: { sequence: time } }, 'SNAPSHOT_REPLAYED'],
    [{ last: { sequence: time + 1 } }, 'SNAPSHOT_REPLAYED'],
    [{ publicKeys: [toSigner(new Uint8Array(32)).publicKey] }, 'SIGNATURE_INVALID'],
  ]
  for (const [change, code] of cases) assert.throws(() => open(envelope, change), { code })
})

test('lists that are unsorted, hold a log twice, or whose hash is wrong are refused although signed', () => {
  const good = sign().statement
  const signed = (change: Partial<Snapshot> & object) => {
    const { type: _, ...fields } = { ...good, ...change }
    return signStatement('snapshot', fields, [signer]) as unknown as Envelope
  }
  const [first, second] = good.logs as [Snapshot['logs'][0], Snapshot['logs'][0]]
  assert.throws(() => open(signed({ all: '0'.repeat(64) as Hash })), { code: 'SNAPSHOT_BASE' })
  assert.throws(() => open(signed({ logs: [first] })), { code: 'SNAPSHOT_BASE' })
  for (const change of [
    { logs: [second, first] },
    { logs: [first, first] },
    { logs: [{ ...first, size: 0 }, second] },
    { logs: [{ ...first, more: 1 }, second] },
    { expires: good.expires + 1 },
    { since: 1 },
    { removed: [] },
    { since: good.sequence, removed: [] },
    { since: 1, removed: [second.log, first.log] },
    { charters: { Pacific: first.log } },
    { charters: { pacific: 'x' } },
  ])
    assert.throws(() => signed(change as object), { code: 'STATEMENT_INVALID' }, JSON.stringify(change))
})

test('a list too long for one snapshot comes in steps, each a snapshot of its own, and ends at the whole', () => {
  fc.assert(
    fc.property(lists, lists, fc.integer({ min: 1, max: 5 }), (before, after, most) => {
      let last: SnapshotContext['last'] = { sequence: time, logs: byLog(before) }
      let steps = 0
      for (let more = true; more; steps++) {
        assert.ok(steps <= 24, 'it ends')
        const known: readonly LogRow[] = last.logs ?? []
        const next = nextList(known, byLog(after), most)
        more = next.more
        const since = { sequence: last.sequence, logs: known }
        const envelope = sign({ logs: next.logs, since, previousSequence: last.sequence, more })
        const { logs, removed } = envelope.statement as unknown as { logs: unknown[]; removed: unknown[] }
        assert.ok(logs.length + removed.length <= most)
        const opened = open(envelope, { last })
        assert.equal(opened.snapshot['more'], more ? true : undefined)
        last = { sequence: opened.snapshot.sequence, logs: opened.logs }
      }
      assert.deepEqual(last.logs, byLog(after))
    }),
  )
})

test('what was signed for a carrier is no word of the author itself, nor of another carrier', () => {
  const carrier = memberIdOf(toSigner(new Uint8Array(32).fill(7)).publicKey)
  const carried = sign({ via: carrier })
  const foreign = { code: 'SNAPSHOT_FOREIGN' }
  assert.equal(open(carried, { via: carrier }).logs.length, 2)
  assert.throws(() => open(carried), foreign)
  assert.throws(() => open(carried, { via: reader }), foreign)
  assert.throws(() => open(sign(), { via: carrier }), foreign)
  const late = { via: carrier, now: time + SNAPSHOT_FRESH_MS }
  assert.throws(() => open(carried, late), { code: 'SNAPSHOT_EXPIRED' })
  assert.equal(open(carried, { ...late, isOldTaken: true }).snapshot['via'], carrier)
})
