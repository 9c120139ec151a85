import { type LogId, toBase64 } from '#base'
import { encodeFrames, type LogRow } from '#log'
import type { LogHead } from '#store'
import type { Context } from '../context.ts'
import type { InlineEntries } from '../pushed-entries.ts'

/** New entries of one log, pushed along with a snapshot. @see docs/wire.md, Stream and Offer */
export interface PushedEntries {
  log: LogId
  from: number
  /** The note that covers the last of them; absent in an offer where it comes with a later part. */
  checkpoint?: string
  /** Frames, base64. */
  frames: string
}

/** New entries of the logs that grew since `base`, as far as they fit into `inlineBytes`; the others are asked for. */
export async function inlineEntries(
  { store, limits }: Context,
  base: { logs: readonly LogRow[] },
  heads: readonly LogHead[],
): Promise<PushedEntries[]> {
  let left = limits.inlineBytes
  const known = new Map(base.logs.map((row) => [row.log, row.size]))
  const inline: PushedEntries[] = []
  for (const head of heads) {
    const from = known.get(head.log) ?? 0
    if (head.size <= from || head.size - from > limits.pageEntries || left <= 0) continue
    const stored = await store.frames(head.log, from, head.size, left)
    if (stored.length < head.size - from) continue
    const frames = encodeFrames(stored)
    left -= frames.length
    if (left < 0) continue
    inline.push({ log: head.log, from, checkpoint: head.checkpoint, frames: toBase64(frames) })
  }
  return inline
}

/** What of a stream's event has the form of entries. */
export function toInline(entries: unknown): InlineEntries[] {
  if (!Array.isArray(entries)) return []
  return entries.filter(
    (entry: Partial<InlineEntries> | null): entry is InlineEntries =>
      typeof entry?.log === 'string' &&
      typeof entry.from === 'number' &&
      typeof entry.checkpoint === 'string' &&
      typeof entry.frames === 'string',
  )
}
