import { isJsonObject } from '#base'
import { isCount } from './fields.ts'

/** What a charter lets a member bring to each of the others; what is absent is left to them. */
export interface MemberQuota {
  /** Entries that a node holds of the member. */
  entries?: number
  /** Bytes of them. */
  bytes?: number
  /** Logs that are open at a time. */
  logs?: number
  entriesPerSecond?: number
  bytesPerSecond?: number
}

/** Names of what a quota limits, in the order in which people read them. */
export const QUOTA_NAMES = [
  'entries',
  'bytes',
  'logs',
  'entriesPerSecond',
  'bytesPerSecond',
] as const satisfies (keyof MemberQuota)[]

/** Whether a value limits something, and nothing but what a quota knows, by whole numbers from 1. */
export const isQuota = (value: unknown): value is MemberQuota =>
  isJsonObject(value as never) &&
  Object.keys(value as object).length > 0 &&
  Object.entries(value as object).every(
    ([name, limit]) => (QUOTA_NAMES as readonly string[]).includes(name) && isCount(limit) && limit > 0,
  )
