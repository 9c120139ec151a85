import { sql } from 'kysely'
import { parameter as p, sqlBuilder as db, toStatement } from './builder.ts'

/** Whole rows by key in [from, to). */
export const rowsByKey = toStatement(
  db
    .selectFrom('entries')
    .selectAll()
    .where('key', '>=', p<number>('from'))
    .where('key', '<', p<number>('to'))
    .orderBy('key'),
)

export const tilesOfLog = toStatement(
  db
    .selectFrom('tiles')
    .select(['level', 'tile', 'hashes'])
    .where('log', '=', p<number>('log'))
    .orderBy('level')
    .orderBy('tile'),
)

export const checkpointsOfWholeLog = toStatement(
  db.selectFrom('checkpoints').selectAll().where('log', '=', p<number>('log')).orderBy('size'),
)

export const countsOfWholeLog = toStatement(db.selectFrom('counts').selectAll().where('log', '=', p<number>('log')))

export const allRecords = toStatement(db.selectFrom('records').selectAll().orderBy('collection').orderBy('key'))

export const allJournal = toStatement(db.selectFrom('journal').selectAll().orderBy('stream').orderBy('sequence'))

export const allArrivals = toStatement(db.selectFrom('arrivals').selectAll().orderBy('arrived'))

/** Entries, tiles, checkpoints and counts of logs that there are none of. */
export const strayEntries = toStatement(
  db
    .selectFrom('entries')
    .select(['key', 'log'])
    .where('log', 'not in', db.selectFrom('logs').select('id'))
    .limit(sql.lit(100)),
)
