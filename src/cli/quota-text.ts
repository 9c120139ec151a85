/** What a quota limits, and the words for it. */
export const QUOTA_WORDS = {
  entries: 'entries',
  bytes: 'bytes',
  logs: 'open logs',
  entriesPerSecond: 'entries/s',
  bytesPerSecond: 'bytes/s',
} as const

/** Why and since when an author is held back. */
export interface QuotaHold {
  state: 'slowed' | 'over'
  what: keyof typeof QUOTA_WORDS
  since: number
}

/** A hold in one phrase; empty where there is none. */
export const quotaText = (hold: QuotaHold | undefined): string =>
  hold === undefined
    ? ''
    : `${hold.state === 'over' ? 'over quota' : 'slowed'}: ${QUOTA_WORDS[hold.what]}, since ${new Date(hold.since).toISOString()}`
