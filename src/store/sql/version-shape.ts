/** What rows are fixed to among which versions are looked for. */
export const VERSION_STREAMS = ['log', 'type', 'id', 'revoked', 'repeated'] as const

export type VersionStream = (typeof VERSION_STREAMS)[number]

/** Row of such a stream. */
export type VersionRow = [
  seq: number,
  key: number,
  type: string,
  status: string,
  id: string,
  modified: string,
  revoked: number | null,
  /** 0 where no other row has the same id. */
  others: number | null,
  code: string | null,
]

/** Name of a stream among the compiled statements. */
export const versionStreamName = (by: VersionStream, newest: boolean): string => `${by} ${newest ? 'newest' : 'oldest'}`
