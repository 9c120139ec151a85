import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { type JsonObject, sha256, timestampKey, utf8 } from '#base'
import { Detector } from '#detect'
import { type Audience, ENTRY_KIND, memberIdOf, toSigner } from '#log'
import { objectColumns } from '#stix'
import { openStore, type Store } from '#store'
import { Arming } from './arming.ts'
import { EventHub } from './event-hub.ts'
import { bindEvents } from './events.ts'
import { openLog } from './logging.ts'
import { openMetrics } from './metrics.ts'

const KEY = toSigner(sha256(utf8('key of jp')))
const SELF = { member: memberIdOf(KEY.publicKey), key: KEY }
const GREEN: Audience = { v: 1, tlp: 'green' }
/** More than two pages of the rebuild. */
const HELD = 2_500

const indicator = (
  name: string,
  modified = '2026-01-01T00:00:00.000Z',
  id = `indicator--${randomUUID()}`,
): JsonObject => ({
  type: 'indicator',
  spec_version: '2.1',
  id,
  created: '2026-01-01T00:00:00.000Z',
  modified,
  pattern: `[domain-name:value = '${name}.example.net']`,
  pattern_type: 'stix',
  valid_from: '2026-01-01T00:00:00Z',
})

async function world(seen: (store: Store) => Store = (store) => store) {
  const folder = mkdtempSync(join(tmpdir(), 'noroshi-arming-'))
  const store = await openStore({ folder, signer: SELF, now: () => Date.now() })
  const metrics = openMetrics()
  const events = bindEvents({ store, log: openLog('silent'), metrics, hub: new EventHub(), now: () => Date.now() })
  const detector = new Detector()
  const federation = () => {
    throw new Error('Own entries alone: nothing is told to anybody')
  }
  const arming = new Arming({
    store: seen(store),
    detector,
    federation,
    events,
    now: () => Date.now(),
    armDrills: false,
  })
  const publish = async (objects: readonly JsonObject[]) => {
    const time = Date.now()
    const entries = objects.map((object) => ({
      kind: ENTRY_KIND.object,
      salt: new Uint8Array(32),
      time,
      payload: utf8(JSON.stringify(object)),
      object: { ...objectColumns(object), status: 'accepted' as const },
    }))
    const genesis = { salt: new Uint8Array(32), time, incarnation: new Uint8Array(16) }
    const [outcome] = await store.commit([
      { op: 'append', author: SELF.member, audience: GREEN, genesis, charters: [], entries },
    ])
    assert.ok(outcome?.op === 'append')
    return { log: outcome.log, first: outcome.firstIndex }
  }
  return {
    store,
    arming,
    publish,
    async [Symbol.asyncDispose]() {
      arming.stop()
      await arming.rebuilt()
      await arming.settled()
      await events.settled()
      await store[Symbol.asyncDispose]()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Lets the rebuild take its first page, and no more than a few. */
async function untilBegun(arming: Arming): Promise<void> {
  for (let turns = 0; turns < 1_000 && (arming.pending?.done ?? 0) === 0; turns++) await setImmediate()
  assert.ok(arming.pending && arming.pending.done > 0 && arming.pending.done < HELD, JSON.stringify(arming.pending))
}

test('a start arms what the store holds in the background, and says how far it is', async () => {
  await using node = await world()
  const { arming, publish } = node
  await publish(Array.from({ length: HELD }, (_, i) => indicator(`host-${i}`)))
  arming.rebuild()
  await untilBegun(arming)
  assert.equal(arming.pending?.total, HELD)
  assert.equal(arming.summary().pending?.done, arming.size)
  await arming.rebuilt()
  assert.equal(arming.pending, undefined)
  assert.equal('pending' in arming.summary(), false)
  assert.equal(arming.size, HELD)
})

test('what is recalled after its page was read and before it is armed stays out', async () => {
  const objects = Array.from({ length: HELD }, (_, i) => indicator(`host-${i}`))
  let recall: (() => Promise<void>) | undefined
  await using node = await world((store) => ({
    ...store,
    objects: async (query) => {
      const page = await store.objects(query)
      await recall?.()
      return page
    },
  }))
  const { arming, publish, store } = node
  const { log, first } = await publish(objects)
  recall = async () => {
    recall = undefined
    const [entry] = await store.entries(log, first, first + 1)
    await store.commit([{ op: 'withhold', log, index: first, reason: 'error', time: 1 }])
    arming.recalled({ author: SELF.member, log, index: first, alertOnly: false, object: entry!.object! })
    await arming.settled()
  }
  arming.rebuild()
  await arming.rebuilt()
  assert.equal(recall, undefined)
  assert.equal(arming.size, HELD - 1)
  const { id, modified } = objects[0] as { id: string; modified: string }
  assert.equal(arming.isArmed(SELF.member, id, timestampKey(modified)), false)
})

test('a newer version that was taken before is not replaced by the older one, also where it is revoked', async () => {
  await using node = await world()
  const { arming, publish } = node
  const older = indicator('host')
  const { id } = older as { id: string }
  const newer = { ...indicator('moved', '2026-02-02T00:00:00.000Z', id), revoked: true }
  await publish([newer])
  await publish([older])
  arming.rebuild()
  await arming.rebuilt()
  assert.equal(arming.size, 0)
  for (const modified of ['2026-01-01T00:00:00.000Z', '2026-02-02T00:00:00.000Z'])
    assert.equal(arming.isArmed(SELF.member, id, timestampKey(modified)), false)
})

test('a start that is given up stops arming, and still says what is missing', async () => {
  await using node = await world()
  const { arming, publish } = node
  await publish(Array.from({ length: HELD }, (_, i) => indicator(`host-${i}`)))
  arming.rebuild()
  await untilBegun(arming)
  arming.stop()
  await arming.rebuilt()
  assert.ok(arming.size < HELD)
  assert.equal(arming.summary().pending?.total, HELD)
})
