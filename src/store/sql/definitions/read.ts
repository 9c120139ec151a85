import { sql } from 'kysely'
import { parameter as p, sqlBuilder as db, toStatement } from './builder.ts'

export const readMeta = toStatement(db.selectFrom('meta').select('value').where('name', '=', p<string>('name')))

export const allLogs = toStatement(db.selectFrom('logs').selectAll().orderBy('id'))

export const logById = toStatement(db.selectFrom('logs').selectAll().where('id', '=', p<number>('id')))

export const allCounts = toStatement(db.selectFrom('counts').selectAll().where('count', '>', sql.lit(0)))

export const countsOfLog = toStatement(
  db.selectFrom('counts').selectAll().where('log', '=', p<number>('log')).where('count', '>', sql.lit(0)),
)

export const checkpointsOfLog = toStatement(
  db
    .selectFrom('checkpoints')
    .select(['size', 'note', 'key', 'arrived'])
    .where('log', '=', p<number>('log'))
    .where('size', '>', p<number>('after'))
    .orderBy('size')
    .limit(p<number>('limit')),
)

export const tileAt = toStatement(
  db
    .selectFrom('tiles')
    .select('hashes')
    .where('log', '=', p<number>('log'))
    .where('level', '=', p<number>('level'))
    .where('tile', '=', p<number>('tile')),
)

/** Entries by key in [from, to); withheld bytes are left where they are. */
export const entriesByKey = toStatement(
  db
    .selectFrom('entries')
    .select([
      'key',
      'kind',
      'time',
      'arrived',
      'type',
      'id',
      'modified',
      'creator',
      'pattern_type',
      'revoked',
      'status',
      'code',
      (eb) => eb.case().when('withheld', 'is', null).then(eb.ref('bytes')).end().as('bytes'),
    ])
    .where('key', '>=', p<number>('from'))
    .where('key', '<', p<number>('to'))
    .orderBy('key'),
)

/** What the wire needs of entries by key in [from, to); withheld bytes are left where they are. */
export const framesByKey = toStatement(
  db
    .selectFrom('entries')
    .select(['key', (eb) => eb.case().when('withheld', 'is', null).then(eb.ref('bytes')).end().as('bytes')])
    .where('key', '>=', p<number>('from'))
    .where('key', '<', p<number>('to'))
    .orderBy('key'),
)

/** Objects that are not in use, by key in [from, to). */
export const unacceptedByKey = toStatement(
  db
    .selectFrom('entries')
    .select(['key', 'status', 'code'])
    .where('key', '>=', p<number>('from'))
    .where('key', '<', p<number>('to'))
    .where('status', '<>', sql.lit('accepted'))
    .orderBy('key'),
)

/** Whole rows by key in [from, to), for checking. */
export const rowsByKey = toStatement(
  db
    .selectFrom('entries')
    .selectAll()
    .where('key', '>=', p<number>('from'))
    .where('key', '<', p<number>('to'))
    .orderBy('key'),
)

/** First sequence number that arrived at or after a time. */
export const firstSince = toStatement(
  db
    .selectFrom('arrivals')
    .select('first')
    .where('arrived', '>=', p<number>('arrived'))
    .orderBy('arrived')
    .limit(sql.lit(1)),
)

export const lastArrival = toStatement(
  db.selectFrom('arrivals').select('last').orderBy('arrived', 'desc').limit(sql.lit(1)),
)

/** Number under which an entry arrived. */
export const firstSequenceAt = toStatement(
  db
    .selectFrom('entries')
    .select((eb) => eb.fn.coalesce('first_seq', 'seq').as('seq'))
    .where('key', '=', p<number>('key')),
)

/** What resurfaced in (after, before), with what stands there now. */
export const resurfacedFrom = toStatement(
  db
    .selectFrom('resurfaced as r')
    .innerJoin('entries as e', 'e.key', 'r.key')
    .select(['r.seq', 'r.log as gone', 'r.side', 'e.key', 'e.log', 'e.id', 'e.type', 'e.status'])
    .where('r.seq', '>', p<number>('after'))
    .where('r.seq', '<', p<number>('before'))
    .orderBy('r.seq')
    .limit(p<number>('limit')),
)

export const lastResurfaced = toStatement(
  db.selectFrom('resurfaced').select('seq').orderBy('seq', 'desc').limit(sql.lit(1)),
)

export const resurfacedOfEntry = toStatement(
  db.selectFrom('resurfaced').select(['seq', 'log', 'side']).where('key', '=', p<number>('key')),
)

export const recordAt = toStatement(
  db
    .selectFrom('records')
    .select('value')
    .where('collection', '=', p<string>('collection'))
    .where('key', '=', p<string>('key')),
)

export const recordsFrom = toStatement(
  db
    .selectFrom('records')
    .select(['key', 'value'])
    .where('collection', '=', p<string>('collection'))
    .where('key', '>=', p<string>('from'))
    .orderBy('key')
    .limit(p<number>('limit')),
)

export const journalAfter = toStatement(
  db
    .selectFrom('journal')
    .select(['sequence', 'time', 'value'])
    .where('stream', '=', p<string>('stream'))
    .where('sequence', '>', p<number>('after'))
    .orderBy('sequence')
    .limit(p<number>('limit')),
)

export const journalNewest = toStatement(
  db
    .selectFrom('journal')
    .select(['sequence', 'time', 'value'])
    .where('stream', '=', p<string>('stream'))
    .where('sequence', '>', p<number>('after'))
    .orderBy('sequence', 'desc')
    .limit(p<number>('limit')),
)
