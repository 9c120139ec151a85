import type { LogId } from '#base'
import { ENTRY_KIND } from '#log'
import type { Context } from './context.ts'
import type { CharterDirectory } from './directory.ts'
import type { Heads } from './heads.ts'
import type { Recalls } from './recalls.ts'
import { appendTakingBack } from './taken-back.ts'

/** What ending the retention of own entries needs. */
export interface ExpireParts {
  context: Context
  directory: CharterDirectory
  heads: Heads
  recalls: Recalls
}

/**
 * Ends the retention of objects in an own log: one commit says so and purges them here; recipients do the same. Answers how
 * many ended, and the log that says so with its size.
 * @see docs/wire.md, Entry (expire)
 */
export async function expireOwn(
  { context, directory, heads, recalls }: ExpireParts,
  log: LogId,
  indexes: readonly number[],
  isWithheld = false,
): Promise<{ count: number; log: LogId; size: number }> {
  const head = await heads.refresh(log)
  if (!head?.own) return { count: 0, log, size: head?.size ?? 0 }
  const entries: { index: number; leaf: string }[] = []
  for (const index of indexes) {
    const [entry] = index < head.size ? await context.store.entries(log, index, index + 1) : []
    if (entry?.kind === ENTRY_KIND.object && (entry.bytes || isWithheld)) entries.push({ index, leaf: entry.leaf })
  }
  if (entries.length === 0) return { count: 0, log, size: head.size }
  const own = entries.map(({ index, leaf }) => recalls.own(log, index, leaf, 'expired'))
  const appends = entries.map(({ index, leaf }) =>
    appendTakingBack(context, directory, head, { index, leaf, reason: 'expired' }),
  )
  const outcomes = await context.store.commit([...appends, ...own.flatMap(({ changes }) => changes)])
  for (const { done } of own) done()
  const last = outcomes[appends.length - 1]
  const said = last?.op === 'append' ? last : head
  return { count: entries.length, log: said.log, size: said.size }
}
