import { canonicalJson, type LogId, utf8 } from '#base'
import { ENTRY_KIND, type RecallReason } from '#log'
import type { Context } from './context.ts'
import type { CharterDirectory } from './directory.ts'
import { FederationError } from './error.ts'
import type { Heads } from './heads.ts'
import { appendOwn } from './own-append.ts'
import type { Recalls } from './recalls.ts'

/**
 * Takes back an entry of an own log: the recall stands in the same log, and what it names is withheld in the same commit.
 * @throws FederationError RECALL_NOT_OWN, RECALL_NOT_OBJECT, RECALL_CLOSED
 */
export async function recallOwn(
  parts: { context: Context; heads: Heads; recalls: Recalls; directory: CharterDirectory },
  log: LogId,
  index: number,
  reason: RecallReason,
): Promise<{ log: LogId; size: number }> {
  const { context, heads, recalls, directory } = parts
  const { store } = context
  const head = (await heads.refresh(log)) ?? undefined
  if (!head?.own)
    throw new FederationError('RECALL_NOT_OWN', `Log ${log} is not this member's: only its author recalls`)
  if (head.closed)
    throw new FederationError(
      'RECALL_CLOSED',
      head.superseded
        ? `Log ${log} ended with a restore: allies may hold more of it, so nothing can be appended. Publish a version with "revoked": true instead; it reaches the same readers`
        : `Log ${log} is closed: nothing can be appended to it`,
    )
  const [entry] = index < head.size ? await store.entries(log, index, index + 1) : []
  if (entry?.kind !== ENTRY_KIND.object)
    throw new FederationError(
      'RECALL_NOT_OBJECT',
      `Entry ${index} of log ${log} holds no object that could be recalled`,
    )
  const payload = utf8(canonicalJson({ index, leaf: entry.leaf, reason }))
  const own = recalls.own(log, index, entry.leaf, reason)
  const append = appendOwn(context, directory, head.audience, ENTRY_KIND.recall, payload)
  const [outcome] = await store.commit([append, ...own.changes])
  own.done()
  if (outcome?.op !== 'append') throw new Error('The store answered an append with another outcome')
  return { log: outcome.log, size: outcome.size }
}
