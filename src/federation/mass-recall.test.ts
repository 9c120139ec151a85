import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MemberId } from '#base'
import type { Context } from './context.ts'
import { MassRecallGuard, RECALL_WINDOW_MS, RECALLS_FREE } from './mass-recall.ts'
import { MemoryDisk } from './simulation/memory-disk.ts'
import { MemoryStore } from './simulation/memory-store.ts'
import { makeMember } from './simulation/members.ts'

const AUTHOR: MemberId = 'identity--author'
const { self } = makeMember('us-cisa', 1_790_000_000_000)

function context(): Context {
  const timers = { set: (_: number, run: () => void) => setImmediate(run), clear: () => undefined }
  const signer = { member: self.member, key: self.nodeKey }
  const store = new MemoryStore({ disk: new MemoryDisk(), signer, now: () => 0, timers, syncMs: () => 0 })
  return { store, now: () => 0 } as unknown as Context
}
const times = (count: number, at = 0) => Array.from({ length: count }, () => at)

test('twenty recalls within an hour pass, the next one stops them all', async () => {
  const guard = await MassRecallGuard.open(context(), [])
  assert.equal((await guard.weigh(AUTHOR, times(RECALLS_FREE))).alertOnly, false)
  assert.equal((await guard.weigh(AUTHOR, times(1, RECALL_WINDOW_MS - 1))).alertOnly, true)
  assert.deepEqual(guard.alertOnly(), [AUTHOR])
  await guard.lift(AUTHOR)
  assert.deepEqual(guard.alertOnly(), [])
})

test('recalls an hour apart do not add up', async () => {
  const guard = await MassRecallGuard.open(context(), [])
  await guard.weigh(AUTHOR, times(RECALLS_FREE))
  assert.equal((await guard.weigh(AUTHOR, times(RECALLS_FREE, RECALL_WINDOW_MS))).alertOnly, false)
})

test('of many armed entries, five in a hundred may go, rounded up', async () => {
  const guard = await MassRecallGuard.open(context(), [])
  guard.arm(AUTHOR, 'log', 1_001, 1_001)
  assert.equal((await guard.weigh(AUTHOR, times(51))).alertOnly, false)
  assert.equal((await guard.weigh(AUTHOR, times(1))).alertOnly, true)
})

test('alert-only survives a restart, and so do the times of recalls', async () => {
  const one = context()
  const guard = await MassRecallGuard.open(one, [])
  const { changes } = await guard.weigh(AUTHOR, times(RECALLS_FREE + 1))
  await one.store.commit(changes)
  assert.deepEqual((await MassRecallGuard.open(one, [])).alertOnly(), [AUTHOR])
  const kept = times(RECALLS_FREE).map((entryTime) => ({ author: AUTHOR, reason: 'error', entryTime }))
  const again = await MassRecallGuard.open(context(), kept)
  assert.equal((await again.weigh(AUTHOR, times(1))).alertOnly, true)
})
