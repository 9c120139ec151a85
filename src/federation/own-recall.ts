import type { LogId } from '#base'
import { ENTRY_KIND, type RecallReason } from '#log'
import type { Context } from './context.ts'
import type { CharterDirectory } from './directory.ts'
import { FederationError } from './error.ts'
import type { Heads } from './heads.ts'
import type { Recalls } from './recalls.ts'
import { appendTakingBack } from './taken-back.ts'

/**
 * Takes back an entry of an own log: what it names is withheld in the commit that says so. Answers the log that says it,
 * which is another one where the entry's own log has ended.
 * @throws FederationError RECALL_NOT_OWN, RECALL_NOT_OBJECT
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
  const [entry] = index < head.size ? await store.entries(log, index, index + 1) : []
  if (entry?.kind !== ENTRY_KIND.object)
    throw new FederationError(
      'RECALL_NOT_OBJECT',
      `Entry ${index} of log ${log} holds no object that could be recalled`,
    )
  const own = recalls.own(log, index, entry.leaf, reason)
  const append = appendTakingBack(context, directory, head, { index, leaf: entry.leaf, reason })
  const [outcome] = await store.commit([append, ...own.changes])
  own.done()
  if (outcome?.op !== 'append') throw new Error('The store answered an append with another outcome')
  return { log: outcome.log, size: outcome.size }
}
