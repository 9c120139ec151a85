import type { MemberId, Millis } from '#base'

/** Collection of what a mirror needs to grow, written in the commit that extends it. */
export const MIRRORS = 'mirrors'

/** Index of a stub, how many entries its author offered when it came, and the carrier that gave it, where one did. */
export type UnexplainedEntry = readonly [index: number, offered: number, carrier?: MemberId]

/** The index alone in data of earlier versions. */
type UnexplainedStub = number | UnexplainedEntry

/** Where a mirror stands: its right frontier and the time of its last entry. */
export interface MirrorRecord {
  frontier: string
  entryTime: Millis
  /** Entries whose content the sender withheld and for which no recall or expiry has come yet. */
  unexplained: UnexplainedStub[]
}
