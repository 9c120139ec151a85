// Quotas in the link machine: rates slow an author, totals stop it, its logs take turns, and nobody else notices.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { LogId, MemberId } from '#base'
import type { Effect, Head, LinkEvent, MachineState } from './machine-state.ts'
import { initialState, linkStateOf, nextWake, step } from './machine.ts'
import { NO_USE, openAccount, type QuotaUse, spent, turnOf, withLimits } from './quota.ts'
import { type QuotaLimits, QUOTAS } from './quota-limits.ts'

const A: MemberId = 'identity--a'
const B: MemberId = 'identity--b'
const log = (n: number): LogId => n.toString(16).padStart(64, '0')
const head = (size: number): Head => ({ size, root: `${size}` })
const settings = { pollMs: 60_000, backoff: { firstMs: 250, maxMs: 30_000 }, fetches: 4, sendMost: 10 }
const PLENTY: QuotaLimits = { ...QUOTAS, entries: 1_000_000, bytes: 10 ** 9, entriesPerSecond: 10_000 }

class Run {
  state: MachineState = initialState(settings)
  effects: Effect[] = []
  all: Effect[] = []

  send(event: LinkEvent): Effect[] {
    const { state, effects } = step(this.state, event)
    this.state = state
    this.effects = effects
    this.all.push(...effects)
    return effects
  }

  /** A peer with something held already, so that nothing of it is a first sync. */
  add(peer: MemberId, limits: QuotaLimits, use: Partial<QuotaUse> = {}, now = 0) {
    const held = new Map([[log(0), head(1)]])
    const quota = { limits, use: { ...NO_USE, entries: 1, bytes: 100, logs: 1, ...use }, backlog: 0 }
    this.send({ type: 'peer-added', peer, slug: peer, address: 'http://x', held, quota, now })
  }

  offer(peer: MemberId, sequence: number, sizes: Record<LogId, number>, now: number) {
    const offered = new Map(Object.entries(sizes).map(([id, size]) => [id, head(size)]))
    const times = { time: now, expires: now + 600_000, sent: now, now }
    return this.send({ type: 'snapshot', peer, sequence, offered, unknownCharters: [], ...times })
  }

  mirrored(peer: MemberId, id: LogId, size: number, use: Partial<QuotaUse>, now: number, bytes = 0) {
    const whole = { ...this.peer(peer).account.use, ...use }
    return this.send({ type: 'mirrored', peer, log: id, head: head(size), bytes, use: whole, now })
  }

  peer(peer: MemberId) {
    return this.state.peers.get(peer)!
  }

  quota(peer: MemberId, now: number) {
    return linkStateOf(this.peer(peer), now).quota
  }
}

const fetches = (effects: readonly Effect[]) => effects.filter((effect) => effect.type === 'fetch')
const alarms = (effects: readonly Effect[]) => effects.filter((effect) => effect.type === 'alarm')

/** Takes batches of `batch` entries of one endless log until the time is over; answers how many entries came. */
function flood(run: Run, limits: QuotaLimits, batch: number, untilMs: number, jump = 1): number {
  run.add(A, limits)
  let [now, held, use] = [0, 1, 1]
  run.offer(A, 1, { [log(0)]: 10 ** 9 }, now)
  while (now < untilMs) {
    const [fetch] = fetches(run.effects)
    if (fetch) {
      held += batch
      use += batch
      run.mirrored(A, log(0), held, { entries: use }, (now += jump))
      continue
    }
    const wake = Math.max(nextWake(run.state) ?? now, now + jump)
    now = wake
    run.send({ type: 'tick', now })
  }
  return held - 1
}

test('a flood is taken at the rate of its quota, after a minute’s worth at once, whatever the size of its batches', () => {
  for (const batch of [1, 100, 2_048]) {
    const limits = { ...QUOTAS, entriesPerSecond: 100 }
    const taken = flood(new Run(), limits, batch, 600_000)
    const most = 100 * (60 + 600)
    assert.ok(taken <= most + batch, `${taken} entries in ten minutes`)
    assert.ok(taken >= most * 0.95, `${taken} entries: no slower than it must be`)
  }
})

test('who is slowed shows it, is told of once, and nothing is forgotten: what waits comes when time has paid for it', () => {
  const run = new Run()
  const limits = { ...QUOTAS, entriesPerSecond: 10 }
  run.add(A, limits)
  run.offer(A, 1, { [log(0)]: 5_001 }, 0)
  assert.equal(run.quota(A, 0), undefined)
  run.mirrored(A, log(0), 1_601, { entries: 1_601 }, 1_000)
  assert.deepEqual(run.quota(A, 1_000), { state: 'slowed', what: 'entriesPerSecond', since: 1_000 })
  assert.deepEqual(
    alarms(run.all).map((effect) => effect.type === 'alarm' && effect.kind),
    ['quota'],
  )
  const wake = run.peer(A).paceAt!
  // 600 at once, and 10 each second: a debt of 1,000.
  assert.ok(wake > 100_000 && wake < 101_500, `wakes at ${wake}`)
  run.send({ type: 'tick', now: wake - 50 })
  assert.equal(fetches(run.effects).length, 0)
  run.send({ type: 'tick', now: wake })
  assert.equal(fetches(run.effects).length, 1)
  run.mirrored(A, log(0), 5_001, { entries: 5_001 }, wake + 100)
  assert.equal(run.quota(A, wake + 100), undefined, 'nothing waits any more')
  const told = alarms(run.all).filter((effect) => effect.type === 'alarm' && effect.kind === 'quota').length
  assert.equal(told, 1)
})

test('bytes are a rate of their own', () => {
  const run = new Run()
  run.add(A, { ...QUOTAS, bytesPerSecond: 1_000 })
  run.offer(A, 1, { [log(0)]: 10 }, 0)
  run.mirrored(A, log(0), 5, { entries: 5, bytes: 90_000 }, 0, 90_000)
  assert.deepEqual(run.quota(A, 0), { state: 'slowed', what: 'bytesPerSecond', since: 0 })
  assert.equal(fetches(run.effects).length, 0)
  run.send({ type: 'tick', now: 31_000 })
  assert.equal(fetches(run.effects).length, 1)
})

test('a total stops the author there; who raises it has the rest at once', () => {
  for (const [what, limits, use] of [
    ['entries', { ...PLENTY, entries: 50 }, { entries: 50 }],
    ['bytes', { ...PLENTY, bytes: 5_000 }, { bytes: 5_000 }],
  ] as const) {
    const run = new Run()
    run.add(A, limits)
    run.offer(A, 1, { [log(0)]: 100, [log(1)]: 10 }, 0)
    assert.deepEqual(
      fetches(run.effects).map((effect) => effect.type === 'fetch' && effect.only),
      [undefined],
      'so close to a total one batch comes at a time',
    )
    run.mirrored(A, log(0), 50, use, 10)
    assert.deepEqual(run.quota(A, 10), { state: 'over', what, since: 10 })
    assert.ok(fetches(run.effects).every((effect) => effect.type === 'fetch' && effect.only === 'recalls'))
    const [alarm] = alarms(run.effects)
    assert.match(alarm?.type === 'alarm' ? alarm.message : '', /noroshi quota set/)
    run.send({ type: 'passed', peer: A, log: log(0), size: 100, bytes: 0, use: run.peer(A).account.use, now: 20 })
    assert.equal(fetches(run.effects).length, 0, 'what was read for its recalls is not read again')
    run.send({ type: 'tick', now: 3_000_000 })
    assert.equal(fetches(run.effects).length, 0, 'time changes nothing of a total')
    run.send({ type: 'quota', peer: A, limits: PLENTY, use: run.peer(A).account.use, now: 3_000_001 })
    assert.deepEqual(
      fetches(run.effects).map((effect) => effect.type === 'fetch' && [effect.log, effect.held?.size, effect.only]),
      [
        [log(1), undefined, undefined],
        [log(0), 50, undefined],
      ],
    )
    assert.equal(run.quota(A, 3_000_001), undefined)
  }
})

test('no more logs are opened than the quota lets; those that are open go on', () => {
  const run = new Run()
  run.add(A, { ...PLENTY, logs: 3 })
  const sizes = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [log(i), 2]))
  run.offer(A, 1, sizes, 0)
  const asked = fetches(run.effects).map((effect) => effect.type === 'fetch' && effect.log)
  assert.equal(asked.length, 3, 'one that is held, two new ones')
  assert.ok(asked.includes(log(0)))
  run.mirrored(A, log(0), 2, { entries: 2 }, 1)
  run.mirrored(A, log(1), 2, { logs: 2, entries: 4 }, 2)
  run.mirrored(A, log(2), 2, { logs: 3, entries: 6 }, 3)
  assert.deepEqual(run.quota(A, 3), { state: 'over', what: 'logs', since: 3 })
  assert.equal(run.peer(A).fetching.size, 0)
  run.offer(A, 2, { ...sizes, [log(1)]: 9 }, 4)
  assert.deepEqual(
    fetches(run.effects).map((effect) => effect.type === 'fetch' && effect.log),
    [log(1)],
  )
  run.mirrored(A, log(1), 9, {}, 5)
  run.send({
    type: 'quota',
    peer: A,
    limits: { ...PLENTY, logs: 4 },
    use: { ...run.peer(A).account.use, logs: 3 },
    now: 6,
  })
  assert.equal(fetches(run.effects).length, 1)
})

test('logs of an author take turns: one that always grows keeps none of the others waiting', () => {
  const run = new Run()
  run.add(A, PLENTY)
  const endless = Array.from({ length: 6 }, (_, i) => log(i))
  const sizes = Object.fromEntries([...endless.map((id) => [id, 10 ** 6]), [log(99), 2]])
  run.offer(A, 1, sizes, 0)
  let [now, turns] = [0, 0]
  const sizeOf = new Map<LogId, number>()
  while (!run.peer(A).held.has(log(99))) {
    const [id] = run.peer(A).fetching
    assert.ok(id && turns++ < 10, 'the small log came within the first ten batches')
    const size = id === log(99) ? 2 : (sizeOf.get(id) ?? 1) + 100
    sizeOf.set(id, size)
    run.mirrored(A, id, size, {}, ++now)
  }
})

test('an author that floods, slowed or stopped, changes nothing for another', () => {
  for (const limits of [
    { ...QUOTAS, entriesPerSecond: 1 },
    { ...QUOTAS, entries: 10 },
  ]) {
    const run = new Run()
    run.add(A, limits)
    run.add(B, PLENTY)
    run.offer(A, 1, { [log(0)]: 10 ** 6 }, 0)
    run.mirrored(A, log(0), 2_000, { entries: 2_000 }, 1)
    assert.notEqual(run.quota(A, 1), undefined)
    run.offer(B, 1, { [log(7)]: 2 }, 2)
    assert.ok(fetches(run.effects).some((effect) => effect.peer === B && effect.type === 'fetch' && !effect.only))
    assert.equal(run.quota(B, 2), undefined)
  }
})

test('a first sync is no flood: what was offered when nothing was held counts against no rate, what comes later does', () => {
  const run = new Run()
  const quota = { limits: { ...PLENTY, entriesPerSecond: 1 }, use: NO_USE, backlog: 0 }
  run.send({ type: 'peer-added', peer: A, slug: A, address: 'http://x', held: new Map(), quota, now: 0 })
  run.offer(A, 1, { [log(0)]: 50_000 }, 0)
  assert.deepEqual(
    run.effects.flatMap((effect) => (effect.type === 'backlog' ? [effect.entries] : [])),
    [50_000],
  )
  for (let size = 2_000; size <= 50_000; size += 2_000) {
    assert.equal(run.peer(A).fetching.size, 1)
    run.mirrored(A, log(0), size, { entries: size, logs: 1 }, size / 2_000)
  }
  assert.equal(run.quota(A, 100), undefined)
  run.offer(A, 2, { [log(0)]: 60_000 }, 100)
  run.mirrored(A, log(0), 52_000, { entries: 52_000 }, 101)
  assert.equal(run.quota(A, 101)?.state, 'slowed')
})

test('who brings its logs itself is told of in the same way, and is not fetched from', () => {
  const run = new Run()
  run.add(A, { ...PLENTY, entries: 2 }, { entries: 2 })
  const offered = new Map([[log(0), head(9)]])
  const times = { time: 1, expires: 600_001, now: 1 }
  run.send({ type: 'snapshot', peer: A, sequence: 1, offered, unknownCharters: [], isOffer: true, ...times })
  assert.equal(run.quota(A, 1)?.state, 'over')
  assert.equal(alarms(run.effects).length, 1)
  assert.equal(fetches(run.effects).length, 0)
})

test('who comes and goes over its quota is told of once in ten minutes', () => {
  const run = new Run()
  run.add(A, { ...PLENTY, entries: 10 }, { entries: 10 })
  run.offer(A, 1, { [log(0)]: 9 }, 0)
  for (let i = 1; i <= 20; i++) {
    const use = { ...NO_USE, entries: i % 2 === 0 ? 10 : 9 }
    run.send({ type: 'quota', peer: A, limits: { ...PLENTY, entries: 10 }, use, now: i * 60_000 })
  }
  const times = alarms(run.all).filter((effect) => effect.type === 'alarm' && effect.kind === 'quota').length
  assert.equal(times, 3, 'in the first, the tenth and the twentieth minute')
})

test('an account never lends more than a batch: whatever happens, what is taken stays within rate and bucket', () => {
  const happening = fc.record({ pass: fc.nat(5_000), entries: fc.nat(3_000), back: fc.boolean() })
  fc.assert(
    fc.property(fc.array(happening, { maxLength: 200 }), fc.integer({ min: 1, max: 5_000 }), (list, rate) => {
      const limits = { ...QUOTAS, entries: Infinity, bytes: Infinity, entriesPerSecond: rate }
      let account = openAccount(limits, NO_USE, 0)
      let [now, latest, taken] = [0, 0, 0]
      for (const { pass, entries, back } of list) {
        now = back && now > pass ? now - pass : now + pass
        const stepForward = Math.max(0, now - latest)
        latest = Math.max(latest, now)
        if (turnOf(account, { isNew: false, opening: 0 }, now).take === 'later') continue
        account = spent(account, entries, 0, now)
        taken += entries
        assert.ok(stepForward >= 0)
      }
      // A clock that is set back may be counted twice, never more than it ran forward in all.
      const forward = list.reduce((sum, { pass, back }) => sum + (back ? 0 : pass), 0)
      assert.ok(taken <= rate * 60 + (rate * forward) / 1_000 + 3_000 + rate * 0.001, `${taken} at ${rate}/s`)
      assert.ok(withLimits(account, limits, now).left.entries <= rate * 60)
    }),
  )
})
