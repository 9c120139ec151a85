// Objects in order of arrival, along one of three indexes; every query is one range of one index.
import type { ExpressionBuilder } from 'kysely'
import { PATTERN_TYPE_SLOTS, STREAM_KINDS, type StreamShape, streamName, WIDTHS } from '../stream-shape.ts'
import type { Tables } from '../tables.ts'
import { parameter as p, sqlBuilder as db, toStatement } from './builder.ts'

const NARROW = ['seq', 'key', 'type', 'status'] as const
const WIDE = ['time', 'arrived', 'id', 'modified', 'creator', 'pattern_type', 'revoked', 'code'] as const

type Entries = ExpressionBuilder<Tables, 'entries'>

/** The encoded entry, unless it is withheld. */
const BYTES = (eb: Entries) => eb.case().when('withheld', 'is', null).then(eb.ref('bytes')).end().as('bytes')

/** The queries of all shapes by name; parameters: the fixed columns, after, before, pattern types, limit. */
export function streamStatements(): Record<string, string> {
  const shapes = STREAM_KINDS.flatMap((by) =>
    [false, true].flatMap((newest) =>
      WIDTHS.flatMap((width) => PATTERN_TYPE_SLOTS.map((slots): StreamShape => ({ by, newest, width, slots }))),
    ),
  )
  return Object.fromEntries(shapes.map((shape) => [streamName(shape), compile(shape)]))
}

function compile({ by, newest, width, slots }: StreamShape): string {
  let query = db.selectFrom('entries').select(NARROW)
  if (by === 'id') query = query.where('id', '=', p<string>('id'))
  if (by === 'type') query = query.where('type', '=', p<string>('type'))
  if (by !== 'id') query = query.where('log', '=', p<number>('log')).where('status', '=', p<string>('status'))
  query = query.where('seq', '>', p<number>('after')).where('seq', '<', p<number>('before'))
  if (slots > 0)
    query = query.where(
      'pattern_type',
      'in',
      Array.from({ length: slots }, () => p<string>('pattern_type')),
    )
  const ordered = query.orderBy('seq', newest ? 'desc' : 'asc').limit(p<number>('limit'))
  if (width === 'narrow') return toStatement(ordered).text
  if (width === 'wide') return toStatement(ordered.select(WIDE).select(BYTES)).text
  return toStatement(ordered.select(['id', 'modified', 'others']).select(BYTES)).text
}
