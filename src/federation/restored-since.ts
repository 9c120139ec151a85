/**
 * When this data directory was restored from a backup last. What its earlier life signed may still be on its way for a
 * while, so for so long nobody's answer says for certain what that member will hold.
 */
import type { Millis } from '#base'
import type { Store } from '#store'
import { NONCE_SECONDS } from './limits.ts'

/** Records of the last restore, and of what was cleared up since. */
export const RESTORED = 'restored'
const LAST = 'last'
/** Requests are taken for no longer than their nonces are remembered, and answers die with their connection. */
const ON_ITS_WAY_MS = NONCE_SECONDS * 1_000

/** Keeps that this data directory was restored: its peers were asked, and it begins. */
export async function noteRestore(store: Store, now: Millis): Promise<void> {
  const before = Number((await store.record(RESTORED, LAST)) ?? 0)
  await store.commit([{ op: 'put', collection: RESTORED, key: LAST, value: Math.max(now, before + 1) }])
}

/** The instant of the last restore, in this node's milliseconds; undefined where there was none. */
export async function restoredAt(store: Store): Promise<Millis | undefined> {
  return (await store.record(RESTORED, LAST)) as Millis | undefined
}

/** For how many milliseconds something that was signed before the restore may still reach a peer; 0: it can't. */
export async function unsureFor(store: Store, now: Millis): Promise<number> {
  const at = await restoredAt(store)
  return at === undefined ? 0 : Math.min(ON_ITS_WAY_MS, Math.max(0, at + ON_ITS_WAY_MS - now))
}
