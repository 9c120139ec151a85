import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { LogId, MemberId } from '#base'
import { backoff } from './backoff.ts'
import type { Effect, Head, LinkEvent, MachineState } from './machine-state.ts'
import { initialState, linkStateOf, nextWake, step } from './machine.ts'

const A: MemberId = 'identity--a'
const B: MemberId = 'identity--b'
const LOG: LogId = 'aa'.repeat(32)
const head = (size: number, root = `${size}`): Head => ({ size, root })
const settings = { pollMs: 60_000, backoff: { firstMs: 250, maxMs: 30_000 }, fetches: 2, sendMost: 10 }

class Run {
  state: MachineState = initialState(settings)
  effects: Effect[] = []

  send(event: LinkEvent): string[] {
    const { state, effects } = step(this.state, event)
    this.state = state
    this.effects = effects
    return effects.map(({ type, peer }) => `${type} ${peer.at(-1)}`)
  }

  add(peer: MemberId, now = 0, held = new Map<LogId, Head>()) {
    return this.send({ type: 'peer-added', peer, slug: peer, address: 'http://x', held, now })
  }

  snapshot(peer: MemberId, sequence: number, rows: Record<LogId, Head>, now = 10, unknownCharters: string[] = []) {
    const offered = new Map(Object.entries(rows))
    const times = { time: now, expires: now + 600_000, sent: now - 10, now }
    return this.send({ type: 'snapshot', peer, sequence, offered, unknownCharters, ...times })
  }

  link(peer: MemberId, now: number) {
    return linkStateOf(this.state.peers.get(peer)!, now)
  }
}

test('a new peer is asked; its snapshot starts a stream and a fetch of what is behind', () => {
  const run = new Run()
  assert.deepEqual(run.add(A), ['ask a', 'link-changed a'])
  assert.equal(run.link(A, 0).state, 'connecting')
  assert.deepEqual(run.snapshot(A, 1, { [LOG]: head(3) }), ['open-stream a', 'fetch a', 'link-changed a'])
  assert.equal(run.link(A, 20).state, 'up')
  assert.equal(run.link(A, 20).lagEntries, 3)
  run.send({ type: 'mirrored', peer: A, log: LOG, head: head(2), now: 30 })
  assert.ok(
    run.effects.some((effect) => effect.type === 'fetch'),
    'what is still missing is fetched on',
  )
  run.send({ type: 'mirrored', peer: A, log: LOG, head: head(3), now: 40 })
  assert.equal(run.link(A, 40).lagEntries, 0)
  assert.ok(!run.effects.some((effect) => effect.type === 'fetch'))
})

test('nothing new costs nothing but the ask', () => {
  const run = new Run()
  run.add(A, 0, new Map([[LOG, head(3)]]))
  run.snapshot(A, 1, { [LOG]: head(3) })
  run.send({ type: 'stream-opened', peer: A, now: 11 })
  assert.deepEqual(run.snapshot(A, 2, { [LOG]: head(3) }, 20), ['link-changed a'])
  assert.equal(nextWake(run.state), 20 + settings.pollMs)
})

test('a dead peer is retried ever later and delays no other', () => {
  const run = new Run()
  run.add(A)
  run.add(B)
  const waits: number[] = []
  let now = 0
  for (let i = 0; i < 24; i++) {
    run.send({ type: 'ask-failed', peer: A, reason: 'gone', jitter: 1, now })
    const at = run.state.peers.get(A)!.askAt
    waits.push(at - now)
    now = at
    assert.ok(run.send({ type: 'tick', now }).includes('ask a'))
  }
  assert.deepEqual(waits.slice(0, 4), [250, 500, 1_000, 2_000])
  const young = waits.filter((wait) => wait <= 2_000)
  assert.deepEqual([young.length, ...waits.slice(young.length, young.length + 3)], [16, 4_000, 8_000, 16_000])
  assert.equal(waits.at(-1), settings.backoff.maxMs)
  assert.equal(run.link(A, now).state, 'down')
  assert.ok(run.snapshot(B, 1, { [LOG]: head(1) }, now).includes('fetch b'))
})

test('rollback and fork in a snapshot raise alarms and fetch nothing', () => {
  const run = new Run()
  run.add(A, 0, new Map([[LOG, head(5)]]))
  run.snapshot(A, 1, { [LOG]: head(4) })
  assert.ok(run.effects.some((effect) => effect.type === 'alarm' && effect.kind === 'rollback'))
  run.snapshot(A, 2, { [LOG]: head(5, 'other') }, 20)
  assert.ok(run.effects.some((effect) => effect.type === 'alarm' && effect.kind === 'fork'))
  assert.ok(!run.effects.some((effect) => effect.type === 'fetch'))
})

test('a snapshot that expires shows as stale and alarms once', () => {
  const run = new Run()
  run.add(A)
  run.snapshot(A, 1, {})
  const late = 10 + 600_000
  assert.equal(run.link(A, late - 1).state, 'up')
  run.send({ type: 'tick', now: late })
  assert.ok(run.effects.some((effect) => effect.type === 'alarm' && effect.kind === 'stale'))
  assert.equal(run.link(A, late).state, 'stale')
  run.send({ type: 'tick', now: late + 1 })
  assert.ok(!run.effects.some((effect) => effect.type === 'alarm'))
})

test('receipts wait for the link, go out once at a time, and are offered again after a failure', () => {
  const run = new Run()
  run.add(A)
  assert.deepEqual(run.send({ type: 'due', peer: A, id: 1, now: 1 }), [])
  assert.ok(run.snapshot(A, 1, {}).includes('send a'))
  assert.deepEqual(run.send({ type: 'due', peer: A, id: 2, now: 12 }), [])
  run.send({ type: 'send-failed', peer: A, reason: 'no', jitter: 0, now: 20 })
  const wake = run.state.peers.get(A)!.sendAt
  assert.deepEqual(run.send({ type: 'tick', now: wake }), ['send a'])
  assert.deepEqual(run.effects[0], { type: 'send', peer: A, ids: [1, 2] })
  run.send({ type: 'sent', peer: A, ids: [1, 2], now: wake + 1 })
  assert.deepEqual(run.state.peers.get(A)!.outbox, [])
})

test('receipts of a backlog of logs go out together, those of news at once', () => {
  const run = new Run()
  run.add(A)
  const rows = Array.from({ length: 5 }, (_, n) => [n.toString(16).padStart(64, '0'), head(1)] as const)
  run.snapshot(A, 1, Object.fromEntries(rows))
  const due = (id: number, now: number) => run.send({ type: 'due', peer: A, id, now }).includes('send a')
  assert.ok(due(1, 20))
  run.send({ type: 'sent', peer: A, ids: [1], now: 30 })
  assert.ok(!due(2, 40) && !due(3, 50))
  const wake = nextWake(run.state)!
  assert.ok(wake > 50 && wake <= 1_030, `they wait until ${wake}`)
  run.send({ type: 'tick', now: wake })
  assert.deepEqual(
    run.effects.flatMap((effect) => (effect.type === 'send' ? [effect.ids] : [])),
    [[2, 3]],
  )
  for (const [log] of rows) run.send({ type: 'mirrored', peer: A, log, head: head(1), now: wake + 1 })
  run.send({ type: 'sent', peer: A, ids: [2, 3], now: wake + 2 })
  assert.ok(due(4, wake + 3))
})

test('an older snapshot that crosses a newer one changes nothing', () => {
  const run = new Run()
  run.add(A)
  run.snapshot(A, 5, { [LOG]: head(3) })
  run.snapshot(A, 4, { [LOG]: head(2) }, 20)
  assert.equal(run.state.peers.get(A)!.offered.get(LOG)!.size, 3)
})

test('a charter that is not known is caught up with', () => {
  const run = new Run()
  run.add(A)
  assert.ok(run.snapshot(A, 1, {}, 10, ['pacific']).includes('catch-up a'))
  assert.deepEqual(run.link(A, 10).charterDiffers, ['pacific'])
  run.send({ type: 'caught-up', peer: A, alliance: 'pacific', now: 11 })
  assert.deepEqual(run.link(A, 11).charterDiffers, [])
})

test('whatever happens, at most one ask and one send are under way for a peer, and no more fetches than allowed', () => {
  const logs = ['11', '22', '33', '44'].map((text) => text.repeat(32))
  const event = fc.record({
    kind: fc.nat(8),
    log: fc.nat(3),
    size: fc.nat(6),
    jitter: fc.double({ min: 0, max: 1, noNaN: true }),
    pass: fc.nat(2_000),
  })
  fc.assert(
    fc.property(fc.array(event, { maxLength: 60 }), (events) => {
      const run = new Run()
      const open = { ask: 0, fetch: new Set<string>(), send: 0, stream: 0 }
      const note = () => {
        for (const effect of run.effects) {
          if (effect.type === 'ask') assert.equal(++open.ask, 1)
          if (effect.type === 'send') assert.equal(++open.send, 1)
          if (effect.type === 'open-stream') assert.equal(++open.stream, 1)
          if (effect.type === 'fetch') {
            assert.ok(!open.fetch.has(effect.log))
            open.fetch.add(effect.log)
            assert.ok(open.fetch.size <= settings.fetches)
          }
        }
      }
      run.add(A)
      note()
      let now = 0
      let sequence = 0
      for (const { kind, log, size, jitter, pass } of events) {
        now += pass
        const at = logs[log]!
        if (kind === 0 && open.ask > 0) {
          open.ask = 0
          run.snapshot(A, ++sequence, Object.fromEntries(logs.map((id, i) => [id, head((size + i) % 6)])), now)
        } else if (kind === 1 && open.ask > 0) {
          open.ask = 0
          run.send({ type: 'ask-failed', peer: A, reason: 'x', jitter, now })
        } else if (kind === 2 && open.fetch.delete(at))
          run.send({ type: 'mirrored', peer: A, log: at, head: head(size), now })
        else if (kind === 3 && open.fetch.delete(at))
          run.send({ type: 'fetch-failed', peer: A, log: at, reason: 'x', jitter, now })
        else if (kind === 4) run.send({ type: 'due', peer: A, id: now, now })
        else if (kind === 5 && open.send > 0) {
          open.send = 0
          run.send({ type: 'send-failed', peer: A, reason: 'x', jitter, now })
        } else if (kind === 6 && open.stream > 0) {
          open.stream = 0
          run.send({ type: 'stream-closed', peer: A, jitter, now })
        } else run.send({ type: 'tick', now })
        note()
      }
    }),
  )
})

test('waits grow, and stay between half of the whole and the whole', () => {
  for (const failures of [1, 2, 5, 50]) {
    const whole = Math.min(30_000, 250 * 2 ** (failures - 1))
    assert.equal(backoff(settings.backoff, failures, 0), whole / 2)
    assert.equal(backoff(settings.backoff, failures, 1), whole)
  }
})

test('a peer that refuses every log is not asked for one after the other; once it gives one it is asked on', () => {
  const run = new Run()
  run.add(A)
  const logs = Array.from({ length: 100 }, (_, i) => String(i).padStart(64, '0'))
  run.snapshot(A, 1, Object.fromEntries(logs.map((log) => [log, head(1)])))
  const asked: LogId[] = []
  const gather = () => {
    for (const effect of run.effects) if (effect.type === 'fetch') asked.push(effect.log)
  }
  gather()
  let now = 10
  for (let failed = 0; failed < asked.length;) {
    for (; failed < asked.length; failed++) {
      run.send({ type: 'fetch-failed', peer: A, log: asked[failed]!, reason: 'no', jitter: 1, now })
      gather()
    }
    now = nextWake(run.state)!
    if (now > 10_000) break
    run.send({ type: 'tick', now })
    gather()
  }
  assert.ok(asked.length <= 16, `${asked.length} logs were asked for in ten seconds`)
  run.send({ type: 'tick', now })
  gather()
  const given = asked.at(-1)!
  run.send({ type: 'mirrored', peer: A, log: given, head: head(1), now })
  assert.equal(run.effects.filter(({ type }) => type === 'fetch').length, 1, 'the next takes its place at once')
})
