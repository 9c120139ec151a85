// What takes an object back: a recall or an expiry in its own log, or, where that log ended, a statement in another one.
import { canonicalJson, type Hash, type Json, type LogId, type MemberId, type Millis, utf8 } from '#base'
import { ENTRY_KIND, parseEnvelope, plainPayload, readExpiry, readRecall, type RecallReason, signStatement } from '#log'
import type { Change, LogHead } from '#store'
import type { Context } from './context.ts'
import type { CharterDirectory } from './directory.ts'
import { appendOwn } from './own-append.ts'
import type { VerifiedEntry } from './verify.ts'

/** Why content goes: a reason of recalls, or the end of its retention. */
export type GoneReason = RecallReason | 'expired'

/** An entry that goes, as the entry that takes it back names it. */
export interface TakenBack {
  log: LogId
  index: number
  leaf: Hash
  reason: GoneReason
}

/** What an entry of an author's log takes back; undefined where it takes back nothing. */
export function takenBackBy(entry: VerifiedEntry, log: LogId, author: MemberId): TakenBack | undefined {
  if (!entry.bytes) return undefined
  if (entry.kind === ENTRY_KIND.recall) return { log, ...readRecall(entry.payload) }
  if (entry.kind === ENTRY_KIND.expire) return { log, ...readExpiry(entry.payload), reason: 'expired' }
  if (entry.kind !== ENTRY_KIND.statement) return undefined
  const { type, member, ...named } = parseEnvelope(entry.payload).statement as unknown as {
    type: string
    member: MemberId
  } & TakenBack
  // The log's checkpoint is the author's word; the signature is for those who see the statement alone.
  if (type !== 'recall' || member !== author) return undefined
  return { log: named.log, index: named.index, leaf: named.leaf, reason: named.reason }
}

/**
 * The change that takes an own entry back: in its log, or, where that one takes no more entries, by a statement in the log
 * that goes on from it.
 * @see docs/wire.md, Recalls of logs that ended
 */
export function appendTakingBack(
  context: Context,
  directory: CharterDirectory,
  head: LogHead,
  { index, leaf, reason }: { index: number; leaf: Hash; reason: GoneReason },
): Extract<Change, { op: 'append' }> {
  const { audience, closed, log, size, root } = head
  if (!closed) {
    const isEnd = reason === 'expired'
    const payload = plainPayload(isEnd ? { index, leaf } : { index, leaf, reason })
    return appendOwn(context, directory, audience, isEnd ? ENTRY_KIND.expire : ENTRY_KIND.recall, payload)
  }
  const { self, now } = context
  const time: Millis = now()
  const statement = signStatement('recall', { member: self.member, log, index, leaf, reason, time }, [self.nodeKey])
  const payload = utf8(canonicalJson(statement as unknown as Json))
  const append = appendOwn(context, directory, audience, ENTRY_KIND.statement, payload)
  return { ...append, genesis: { ...append.genesis, previous: { log, size, root } } }
}
