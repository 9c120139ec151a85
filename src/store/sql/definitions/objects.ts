// Objects in order of arrival, along one of three indexes; every query is one range of one index.
import { type ExpressionBuilder, type SelectQueryBuilder, sql } from 'kysely'
import {
  ID_SLOTS,
  LATE_KINDS,
  type LateBy,
  lateName,
  PATTERN_TYPE_SLOTS,
  STREAM_KINDS,
  type StreamShape,
  streamName,
  type Width,
  WIDTHS,
} from '../stream-shape.ts'
import type { Tables } from '../tables.ts'
import { parameter as p, sqlBuilder as db, toStatement } from './builder.ts'

const NARROW = ['seq', 'key', 'type', 'status'] as const
const BODY = ['id', 'modified', 'others'] as const
const WIDE = ['time', 'arrived', 'id', 'modified', 'creator', 'pattern_type', 'revoked', 'code'] as const

type Entries = ExpressionBuilder<Tables, 'entries'>

/** The encoded entry, unless it is withheld. */
const BYTES = (eb: Entries) => eb.case().when('withheld', 'is', null).then(eb.ref('bytes')).end().as('bytes')

/** The id, where other rows may have it too. */
const SHARED_ID = (eb: Entries) =>
  eb.case().when('others', '=', sql.lit(0)).then(null).else(eb.ref('id')).end().as('id')

/** The queries of all shapes by name; parameters: the fixed columns, after, before, pattern types, limit. */
export function streamStatements(): Record<string, string> {
  const shapes = STREAM_KINDS.flatMap((by) =>
    [false, true].flatMap((newest) =>
      WIDTHS.flatMap((width) => PATTERN_TYPE_SLOTS.map((slots): StreamShape => ({ by, newest, width, slots }))),
    ),
  )
  return {
    ...Object.fromEntries(shapes.map((shape) => [streamName(shape), compile(shape)])),
    ...Object.fromEntries(
      LATE_KINDS.flatMap((by) =>
        (['narrow', 'body', 'text'] as const).map((width) => [lateName(by, width), compileLate(by, width)]),
      ),
    ),
    body: toStatement(
      db.selectFrom('entries').select(NARROW).select(BODY).select(BYTES).where('key', '=', p<number>('key')),
    ).text,
  }
}

function compileLate(by: LateBy, width: Exclude<Width, 'wide'>): string {
  const isMoved = by.startsWith('moved')
  let query = db.selectFrom('entries')
  if (by.endsWith('type')) query = query.where('type', '=', p<string>('type'))
  query = query.where('log', '=', p<number>('log')).where('status', '=', p<string>('status'))
  const along = isMoved ? 'key' : 'seq'
  query = query.where(along, '>', p<number>('after')).where(along, '<', p<number>('before'))
  query = isMoved
    ? query.where('first_seq', 'is not', null).where('seq', '<=', p<number>('up_to'))
    : query.where('first_seq', 'is', null)
  const ordered = query.orderBy(along).limit(p<number>('limit'))
  return toStatement(selected(ordered, width)).text
}

/** The query with the columns of its width. */
function selected(query: SelectQueryBuilder<Tables, 'entries', object>, width: Width) {
  switch (width) {
    case 'narrow':
      return query.select(NARROW)
    case 'body':
      return query.select(NARROW).select(BODY).select(BYTES)
    case 'wide':
      return query.select(NARROW).select(WIDE).select(BYTES)
    case 'text':
      return query.select(['seq', 'key', 'others', SHARED_ID]).select(BYTES)
  }
}

function compile({ by, newest, width, slots }: StreamShape): string {
  let query = db.selectFrom('entries')
  if (by === 'id') query = query.where('id', '=', p<string>('id'))
  if (by === 'type') query = query.where('type', '=', p<string>('type'))
  if (by === 'ids')
    query = query.where(
      'id',
      'in',
      Array.from({ length: ID_SLOTS }, () => p<string>('id')),
    )
  if (by === 'log' || by === 'type')
    query = query.where('log', '=', p<number>('log')).where('status', '=', p<string>('status'))
  query = query.where('seq', '>', p<number>('after')).where('seq', '<', p<number>('before'))
  if (slots > 0)
    query = query.where(
      'pattern_type',
      'in',
      Array.from({ length: slots }, () => p<string>('pattern_type')),
    )
  const ordered = query.orderBy('seq', newest ? 'desc' : 'asc').limit(p<number>('limit'))
  return toStatement(selected(ordered, width)).text
}
