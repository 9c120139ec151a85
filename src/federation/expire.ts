import { canonicalJson, type LogId, utf8 } from '#base'
import { ENTRY_KIND } from '#log'
import type { Context } from './context.ts'
import type { CharterDirectory } from './directory.ts'
import type { Heads } from './heads.ts'
import { appendOwn } from './own-append.ts'
import type { Recalls } from './recalls.ts'

/** What ending the retention of own entries needs. */
export interface ExpireParts {
  context: Context
  directory: CharterDirectory
  heads: Heads
  recalls: Recalls
}

/**
 * Ends the retention of objects in an own log: one commit says so in the log and purges them here; recipients do the same.
 * Answers how many ended, and the size of the log.
 * @see docs/wire.md, Entry (expire)
 */
export async function expireOwn(
  { context, directory, heads, recalls }: ExpireParts,
  log: LogId,
  indexes: readonly number[],
): Promise<{ count: number; size: number }> {
  const head = await heads.refresh(log)
  if (!head?.own || head.closed) return { count: 0, size: head?.size ?? 0 }
  const entries: { index: number; leaf: string }[] = []
  for (const index of indexes) {
    const [entry] = index < head.size ? await context.store.entries(log, index, index + 1) : []
    if (entry?.kind === ENTRY_KIND.object && entry.bytes) entries.push({ index, leaf: entry.leaf })
  }
  if (entries.length === 0) return { count: 0, size: head.size }
  const own = entries.map(({ index, leaf }) => recalls.own(log, index, leaf, 'expired'))
  const appends = entries.map(({ index, leaf }) =>
    appendOwn(context, directory, head.audience, ENTRY_KIND.expire, utf8(canonicalJson({ index, leaf }))),
  )
  const outcomes = await context.store.commit([...appends, ...own.flatMap(({ changes }) => changes)])
  for (const { done } of own) done()
  const last = outcomes[appends.length - 1]
  return { count: entries.length, size: last?.op === 'append' ? last.size : head.size }
}
