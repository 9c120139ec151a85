// Objects in order of arrival, along one of three indexes; every query is one range of one index.
import { parameter as p, sqlBuilder as db, toStatement } from './statement.ts'

/** What a stream of objects is fixed to. */
export type StreamBy = 'log' | 'type' | 'id'

export interface StreamShape {
  by: StreamBy
  newest: boolean
  /** Whole rows, or only what merging needs. */
  wide: boolean
  /** Number of pattern types to choose from; 0 = any. */
  patternTypes: number
}

/** Row of a query that is not wide. */
export type NarrowRow = [seq: number, key: number, type: string, status: string]

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

const texts = new Map<string, string>()

/** Query of that shape, compiled once; parameters: the fixed columns, after, before, pattern types, limit. */
export function streamQuery(shape: StreamShape): string {
  const name = `${shape.by} ${shape.newest} ${shape.wide} ${shape.patternTypes}`
  const known = texts.get(name)
  if (known !== undefined) return known
  const text = compile(shape)
  texts.set(name, text)
  return text
}

const NARROW = ['seq', 'key', 'type', 'status'] as const
const WIDE = ['time', 'arrived', 'id', 'modified', 'creator', 'pattern_type', 'revoked', 'code'] as const

function compile({ by, newest, wide, patternTypes }: StreamShape): string {
  let query = db.selectFrom('entries').select(NARROW)
  if (by === 'id') query = query.where('id', '=', p<string>('id'))
  if (by === 'type') query = query.where('type', '=', p<string>('type'))
  if (by !== 'id') query = query.where('log', '=', p<number>('log')).where('status', '=', p<string>('status'))
  query = query.where('seq', '>', p<number>('after')).where('seq', '<', p<number>('before'))
  if (patternTypes > 0)
    query = query.where(
      'pattern_type',
      'in',
      Array.from({ length: patternTypes }, () => p<string>('pattern_type')),
    )
  const ordered = query.orderBy('seq', newest ? 'desc' : 'asc').limit(p<number>('limit'))
  if (!wide) return toStatement(ordered).text
  return toStatement(
    ordered.select(WIDE).select((eb) => eb.case().when('withheld', 'is', null).then(eb.ref('bytes')).end().as('bytes')),
  ).text
}
