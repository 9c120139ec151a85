/** What a stream of objects is fixed to. */
export const STREAM_KINDS = ['log', 'type', 'id', 'ids'] as const

/** Streams of what a reader was admitted to late: entries that stand where they arrived, and those that were moved. */
export const LATE_KINDS = ['late', 'late type', 'moved', 'moved type'] as const

export type LateBy = (typeof LATE_KINDS)[number]

export type StreamBy = (typeof STREAM_KINDS)[number]

/** Places for ids in one query; fewer ids repeat their last. */
export const ID_SLOTS = 64

/** Numbers of places for pattern types; a shorter list repeats its last. */
export const PATTERN_TYPE_SLOTS = [0, 1, 4, 16] as const

/** Columns of a stream: what merging needs; that and what a way out needs that joins bytes; whole rows; bytes and hardly more. */
export const WIDTHS = ['narrow', 'body', 'wide', 'text'] as const

export type Width = (typeof WIDTHS)[number]

export interface StreamShape {
  by: StreamBy
  newest: boolean
  width: Width
  /** Places for pattern types; 0 = any. */
  slots: number
}

/** Row of a narrow query. */
export type NarrowRow = [seq: number, key: number, type: string, status: string]

/** Row of a query for bodies. */
export type BodyRow = [
  ...NarrowRow,
  id: string,
  modified: string,
  /** 0 where no other row has the same id, null where nobody knows. */
  others: number | null,
  bytes: Uint8Array | null,
]

/** Row of a wide query. */
export type WideRow = [
  ...NarrowRow,
  time: number,
  arrived: number,
  id: string,
  modified: string,
  creator: string | null,
  patternType: string | null,
  revoked: number | null,
  code: string | null,
  bytes: Uint8Array | null,
]

/** Row of a query for texts. */
export type TextRow = [
  seq: number,
  key: number,
  others: number | null,
  /** Null where no other row has the same. */
  id: string | null,
  bytes: Uint8Array | null,
]

/** Row of any width. */
export type StreamRow = NarrowRow | BodyRow | WideRow | TextRow

/** Name of a shape among the compiled statements. */
export const streamName = ({ by, newest, width, slots }: StreamShape): string =>
  `${by} ${newest ? 'newest' : 'oldest'} ${width} ${slots}`

/** Name of a late stream among the compiled statements. */
export const lateName = (by: LateBy, width: Exclude<Width, 'wide'>): string => `${by} ${width}`

/** The pattern types on as many places as a query has. */
export function toSlots(patternTypes: readonly string[]): string[] {
  const slots = PATTERN_TYPE_SLOTS.find((count) => count >= patternTypes.length) ?? 0
  return Array.from({ length: slots }, (_, i) => patternTypes[Math.min(i, patternTypes.length - 1)] as string)
}
