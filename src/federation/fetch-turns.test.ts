// Whose turn it is, with many logs: nobody is forgotten, what is counted along is what a count gives, and ten thousand logs cost what ten do.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { LogId, MemberId } from '#base'
import { hasWaiting, isBehind, lagOf } from './fetch-turns.ts'
import type { Effect, Head, LinkEvent, MachineState } from './machine-state.ts'
import { initialState, linkStateOf, step } from './machine.ts'
import { NO_USE } from './quota.ts'
import { QUOTAS } from './quota-limits.ts'

const A: MemberId = 'identity--a'
/** Spread as hashes are. */
const log = (n: number): LogId => ((n * 89) % 256).toString(16).padStart(2, '0') + n.toString(16).padStart(62, '0')
const head = (size: number): Head => ({ size, root: `${size}` })
const settings = { pollMs: 60_000, backoff: { firstMs: 250, maxMs: 30_000 }, fetches: 4, sendMost: 10 }

class Run {
  state: MachineState = initialState(settings)
  sequence = 0
  now = 0

  constructor(logs = Infinity) {
    const quota = { limits: { ...QUOTAS, entriesPerSecond: Infinity, bytesPerSecond: Infinity, logs }, use: NO_USE }
    const held = new Map<LogId, Head>()
    this.send({
      type: 'peer-added',
      peer: A,
      slug: 'a',
      address: 'http://x',
      held,
      quota: { ...quota, backlog: 0 },
      now: 0,
    })
  }

  get peer() {
    return this.state.peers.get(A)!
  }

  send(event: LinkEvent): Extract<Effect, { type: 'fetch' }>[] {
    const { state, effects } = step(this.state, event)
    this.state = state
    return effects.filter((effect) => effect.type === 'fetch')
  }

  offer(sizes: Iterable<readonly [number, number]>) {
    const offered = new Map([...sizes].map(([n, size]) => [log(n), head(size)]))
    const times = { time: this.now, expires: this.now + 600_000, sent: this.now, now: this.now }
    return this.send({ type: 'snapshot', peer: A, sequence: ++this.sequence, offered, unknownCharters: [], ...times })
  }

  mirrored(id: LogId, size: number) {
    return this.send({
      type: 'mirrored',
      peer: A,
      log: id,
      head: head(size),
      use: this.peer.account.use,
      now: this.now,
    })
  }
}

const happening = fc.oneof(
  fc.record({
    what: fc.constant('offer' as const),
    sizes: fc.dictionary(fc.constantFrom('0', '1', '2', '3', '4', '5', '6', '7', '8', '9'), fc.nat(9)),
  }),
  fc.record({ what: fc.constantFrom('part', 'whole', 'failed'), which: fc.nat(3) }),
  fc.record({ what: fc.constant('brought' as const), n: fc.nat(9), size: fc.nat(9) }),
  fc.record({ what: fc.constant('pass' as const), ms: fc.nat(40_000) }),
)

test('whatever happens, the counts kept along are those that counting gives, and in the end nothing is left behind', () => {
  fc.assert(
    fc.property(fc.array(happening, { maxLength: 60 }), (list) => {
      const run = new Run()
      for (const one of list) {
        const { now } = run
        const id = 'which' in one ? [...run.peer.fetching][one.which] : undefined
        if (one.what === 'offer') run.offer(Object.entries(one.sizes).map(([n, size]) => [Number(n), size]))
        else if (one.what === 'pass') run.send({ type: 'tick', now: (run.now += one.ms) })
        else if (one.what === 'brought')
          run.mirrored(log(one.n), Math.max(one.size, run.peer.held.get(log(one.n))?.size ?? 0))
        else if (id && one.what === 'failed')
          run.send({ type: 'fetch-failed', peer: A, log: id, reason: '', jitter: 1, now })
        else if (id) {
          const { size } = run.peer.offered.get(id) ?? head(1)
          const held = run.peer.held.get(id)?.size ?? 0
          run.mirrored(id, one.what === 'part' ? Math.max(held, Math.min(held + 1, size)) : Math.max(held, size))
        }
        assert.deepEqual(run.peer.lag, lagOf(run.peer.offered, run.peer.held))
        const isIdle = run.peer.fetching.size < settings.fetches && run.now >= run.peer.fetchAt
        if (isIdle) assert.ok(!hasWaiting(run.peer), 'who has waited is taken as long as there is room')
      }
      for (let i = 0; run.peer.lag.logs > 0; i++) {
        assert.ok(i < 200, `${run.peer.lag.logs} logs are forgotten`)
        for (const id of run.peer.fetching) run.mirrored(id, Math.max(1, run.peer.offered.get(id)?.size ?? 1))
        run.send({ type: 'tick', now: (run.now += 31_000) })
      }
    }),
    { numRuns: 500 },
  )
})

test('logs that can not be opened keep none waiting that are held', () => {
  const run = new Run(2)
  const sizes = new Map([
    [0, 5],
    [1, 5],
    [2, 5],
    [3, 5],
  ])
  run.offer(sizes)
  const open = [...run.peer.fetching]
  assert.equal(open.length, 2)
  const use = { ...NO_USE, logs: 2 }
  for (let size = 1; size <= 5; size++)
    for (const id of open) {
      assert.ok(run.peer.fetching.has(id), `entry ${size} of ${id} is asked for`)
      run.send({ type: 'mirrored', peer: A, log: id, head: head(size), use, now: ++run.now })
    }
  assert.equal(run.peer.fetching.size, 0)
  assert.equal(linkStateOf(run.peer, run.now).lagEntries, 10)
})

test('a first sync of twenty thousand logs takes each of them once, and is over within seconds', () => {
  const count = 20_000
  const run = new Run()
  const due = run.offer(Array.from({ length: count }, (_, n) => [n, 3]))
  const begin = performance.now()
  let taken = 0
  for (let next = due.shift(); next; next = due.shift()) {
    taken++
    due.push(...run.mirrored(next.log, 3))
  }
  assert.equal(taken, count)
  assert.ok(!run.peer.offered.keys().some((id) => isBehind(run.peer, id)))
  // Where each looks through all of them this takes minutes.
  assert.ok(performance.now() - begin < 20_000)
})
