// Versions of objects: along which rows newest, revoked and conflicting ones are looked for, and what a row is compared with.
import { sql } from 'kysely'
import { VERSION_STREAMS, type VersionStream, versionStreamName } from '../version-shape.ts'
import { parameter as p, sqlBuilder as db, toStatement } from './builder.ts'

/** The condition of the partial indexes over objects that more than one row has. */
const isRepeated = sql<boolean>`others is not 0`

/** Rows in order of arrival; parameters: the fixed columns, after, before, limit. */
export function versionStreamStatements(): Record<string, string> {
  return Object.fromEntries(
    VERSION_STREAMS.flatMap((by) =>
      [false, true].map((newest) => [versionStreamName(by, newest), compile(by, newest)]),
    ),
  )
}

function compile(by: VersionStream, newest: boolean): string {
  let query = db
    .selectFrom('entries')
    .select(['seq', 'key', 'type', 'status', 'id', 'modified', 'revoked', 'others', 'code'])
  if (by === 'id') query = query.where('id', '=', p<string>('id'))
  if (by === 'type') query = query.where('type', '=', p<string>('type'))
  if (by !== 'id') query = query.where('log', '=', p<number>('log')).where('status', '=', p<string>('status'))
  if (by === 'revoked') query = query.where('revoked', '=', sql.lit(1))
  if (by === 'repeated') query = query.where(isRepeated)
  query = query.where('seq', '>', p<number>('after')).where('seq', '<', p<number>('before'))
  return toStatement(query.orderBy('seq', newest ? 'desc' : 'asc').limit(p<number>('limit'))).text
}

/** The next log above `after` in which an object that several rows have stands. */
export const nextLogOfObject = toStatement(
  db
    .selectFrom('entries')
    .select('log')
    .where('id', '=', p<string>('id'))
    .where(isRepeated)
    .where('log', '>', p<number>('after'))
    .orderBy('log')
    .limit(sql.lit(1)),
)

/** All rows of such an object in logs above `after`. */
export const rowsOfObject = toStatement(
  db
    .selectFrom('entries')
    .select(['key', 'log', 'status', 'modified', 'revoked', 'seq'])
    .where('id', '=', p<string>('id'))
    .where(isRepeated)
    .where('log', '>', p<number>('after'))
    .orderBy('log')
    .limit(p<number>('limit')),
)

/** The newest version of such an object in one log; at the same instant a revocation, then the last that came. */
export const newestInLog = toStatement(
  db
    .selectFrom('entries')
    .select(['key', 'modified', 'revoked', 'seq'])
    .where('id', '=', p<string>('id'))
    .where(isRepeated)
    .where('log', '=', p<number>('log'))
    .where('status', '=', p<string>('status'))
    .orderBy('modified', 'desc')
    .orderBy('revoked', 'desc')
    .orderBy('seq', 'desc')
    .limit(sql.lit(1)),
)

/** What one log says under an id and a time. */
export const sameVersionInLog = toStatement(
  db
    .selectFrom('entries')
    .select(['key', 'code', (eb) => eb.case().when('withheld', 'is', null).then(eb.ref('bytes')).end().as('bytes')])
    .where('id', '=', p<string>('id'))
    .where(isRepeated)
    .where('log', '=', p<number>('log'))
    .where('status', '=', p<string>('status'))
    .where('modified', '=', p<string>('modified'))
    .limit(p<number>('limit')),
)

/** A whole row. */
export const rowAt = toStatement(
  db
    .selectFrom('entries')
    .select(['seq', 'key', 'type', 'status', 'time', 'arrived', 'id', 'modified', 'creator', 'pattern_type', 'revoked'])
    .select(['code', (eb) => eb.case().when('withheld', 'is', null).then(eb.ref('bytes')).end().as('bytes')])
    .where('key', '=', p<number>('key')),
)
