import type { Millis } from '#base'

/** Collection of what a mirror needs to grow, written in the commit that extends it. */
export const MIRRORS = 'mirrors'

/** Where a mirror stands: its right frontier and the time of its last entry. */
export interface MirrorRecord {
  frontier: string
  entryTime: Millis
  /** Entries whose content the sender withheld and for which no recall or expiry has come yet. */
  unexplained: number[]
}
