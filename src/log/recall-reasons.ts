/** Reasons of a recall entry. */
export const RECALL_REASONS = [
  'error',
  'legal',
  'marking',
  'other',
  'personal-data',
  'source-protection',
  'superseded',
] as const

/** Why an entry is recalled. */
export type RecallReason = (typeof RECALL_REASONS)[number]
