import type { Audience } from '#log'
import type { Register } from './register.ts'

/** Whose receipts for a log somebody else than its author asks for. */
export interface ReceiptsRequest {
  readonly audience: Audience
  /** Whose log it is. */
  readonly author: string
  /** Who asks. That it may have the log is asked of `admits`. */
  readonly reader: string
  readonly register: Register
}

/**
 * Ids of the members whose receipts for a log the reader may see: those of the alliances that the log's audience names, whose
 * charter opens receipts, and in which author and reader stand as well. Empty where receipts are for the author alone.
 * @see docs/wire.md, Receipts
 */
export function receiptsShown({ audience, author, reader, register }: ReceiptsRequest): ReadonlySet<string> {
  const epochs = (audience.epochs ?? []).map((epoch) => epoch.slice(0, epoch.indexOf(':')))
  const shown = new Set<string>()
  for (const alliance of new Set([...(audience.alliances ?? []), ...(audience.community ?? []), ...epochs])) {
    const members = register.alliance(alliance)
    if (!members?.has(author) || !members.has(reader) || !register.opensReceipts(alliance)) continue
    for (const id of members) shown.add(id)
  }
  return shown
}
