import { sql } from 'kysely'
import type { Statement } from '../statement.ts'
import { parameter as p, sqlBuilder as db, toStatement } from './builder.ts'
import { type CountRow, ENTRY_COLUMNS, type EntryRow, LOG_COLUMNS, type LogRow } from '../tables.ts'

/** Every column of a table as a parameter of its own name. */
const columns = <Row>(...names: (keyof Row & string)[]) =>
  Object.fromEntries(names.map((name) => [name, p(name)])) as unknown as Row

export const insertLog = toStatement(db.insertInto('logs').values(columns<LogRow>(...LOG_COLUMNS)))

export const updateLog = toStatement(
  db
    .updateTable('logs')
    .set({
      size: p('size'),
      root: p('root'),
      frontier: p('frontier'),
      entry_time: p('entry_time'),
      time: p('time'),
      checkpoint: p('checkpoint'),
      closed: p('closed'),
      bytes: p('bytes'),
    })
    .where('id', '=', p<number>('id')),
)

export const logByHash: Statement<LogRow> = toStatement(
  db.selectFrom('logs').selectAll().where('log', '=', p<string>('log')),
)

export const openLogOf: Statement<LogRow> = toStatement(
  db
    .selectFrom('logs')
    .selectAll()
    .where('author', '=', p<string>('author'))
    .where('audience_id', '=', p<string>('audience_id'))
    .where('own', '=', sql.lit(1))
    .where('closed', '=', sql.lit(0)),
)

export const lastLog = toStatement(db.selectFrom('logs').select((eb) => eb.fn.max('id').as('id')))

export const putCheckpoint = toStatement(
  db
    .insertInto('checkpoints')
    .values({ log: p('log'), size: p('size'), note: p('note'), key: p('key'), arrived: p('arrived') })
    .onConflict((oc) =>
      oc.columns(['log', 'size']).doUpdateSet((eb) => ({ note: eb.ref('excluded.note'), key: eb.ref('excluded.key') })),
    ),
)

export const putTile = toStatement(
  db
    .insertInto('tiles')
    .values({ log: p('log'), level: p('level'), tile: p('tile'), hashes: p('hashes') })
    .onConflict((oc) =>
      oc.columns(['log', 'level', 'tile']).doUpdateSet((eb) => ({ hashes: eb.ref('excluded.hashes') })),
    ),
)

export const insertEntry = toStatement(
  db.insertInto('entries').values(columns<Pick<EntryRow, (typeof ENTRY_COLUMNS)[number]>>(...ENTRY_COLUMNS)),
)

/** Newest row of an object. */
export const newestOfObject = toStatement(
  db
    .selectFrom('entries')
    .select(['key', 'others'])
    .where('id', '=', p<string>('id'))
    .orderBy('seq', 'desc')
    .limit(sql.lit(1)),
)

export const setOthers = toStatement(
  db
    .updateTable('entries')
    .set({ others: sql.lit(1) })
    .where('key', '=', p<number>('key')),
)

export const entryState = toStatement(
  db
    .selectFrom('entries')
    .select(['key', 'log', 'seq', 'type', 'id', 'modified', 'status', 'withheld', 'purged', 'others'])
    .select((row) => row.fn<number | null>('length', ['bytes']).as('length'))
    .where('key', '=', p<number>('key')),
)

export const setStatus = toStatement(
  db
    .updateTable('entries')
    .set({ status: p('status'), code: p('code') })
    .where('key', '=', p<number>('key')),
)

/** A new sequence number; the first one is kept. */
export const setSequence = toStatement(
  db
    .updateTable('entries')
    .set((eb) => ({ first_seq: eb.fn.coalesce('first_seq', 'seq'), seq: p<number>('seq') }))
    .where('key', '=', p<number>('key')),
)

/** The newest entries of an object, those that stand and the one that goes away. */
export const newestOfId = toStatement(
  db
    .selectFrom('entries')
    .select(['key', 'log', 'seq', 'modified', 'status'])
    .where('id', '=', p<string>('id'))
    .orderBy('seq', 'desc')
    .limit(p<number>('limit')),
)

export const insertResurfaced = toStatement(
  db.insertInto('resurfaced').values({ seq: p('seq'), log: p('log'), key: p('key'), side: p('side') }),
)

export const setWithheld = toStatement(
  db
    .updateTable('entries')
    .set({ withheld: p('withheld'), reason: p('reason'), status: p('status') })
    .where('key', '=', p<number>('key')),
)

export const setPurged = toStatement(
  db
    .updateTable('entries')
    .set({
      purged: p('purged'),
      withheld: p('withheld'),
      bytes: sql.lit(null),
      type: sql.lit(null),
      id: sql.lit(null),
      modified: sql.lit(null),
      creator: sql.lit(null),
      pattern_type: sql.lit(null),
      revoked: sql.lit(null),
      status: sql.lit(null),
      code: sql.lit(null),
    })
    .where('key', '=', p<number>('key')),
)

export const lastArrival = toStatement(
  db.selectFrom('arrivals').selectAll().orderBy('arrived', 'desc').limit(sql.lit(1)),
)

export const putArrival = toStatement(
  db
    .insertInto('arrivals')
    .values({ arrived: p('arrived'), first: p('first'), last: p('last') })
    .onConflict((oc) => oc.column('arrived').doUpdateSet((eb) => ({ last: eb.ref('excluded.last') }))),
)

export const putMeta = toStatement(
  db
    .insertInto('meta')
    .values({ name: p('name'), value: p('value') })
    .onConflict((oc) => oc.column('name').doUpdateSet((eb) => ({ value: eb.ref('excluded.value') }))),
)

export const addCount = toStatement(
  db
    .insertInto('counts')
    .values(columns<CountRow>('log', 'type', 'status', 'count'))
    .onConflict((oc) =>
      oc
        .columns(['log', 'type', 'status'])
        .doUpdateSet((eb) => ({ count: eb('counts.count', '+', eb.ref('excluded.count')) })),
    ),
)

export const putRecord = toStatement(
  db
    .insertInto('records')
    .values({ collection: p('collection'), key: p('key'), value: p('value'), digest: p('digest') })
    .onConflict((oc) =>
      oc
        .columns(['collection', 'key'])
        .doUpdateSet((eb) => ({ value: eb.ref('excluded.value'), digest: eb.ref('excluded.digest') })),
    ),
)

export const putRecordIfAbsent = toStatement(
  db
    .insertInto('records')
    .values({ collection: p('collection'), key: p('key'), value: p('value'), digest: p('digest') })
    .onConflict((oc) => oc.columns(['collection', 'key']).doNothing()),
)

export const deleteRecord = toStatement(
  db.deleteFrom('records').where('collection', '=', p<string>('collection')).where('key', '=', p<string>('key')),
)

export const lastOfJournal = toStatement(
  db
    .selectFrom('journal')
    .select((eb) => eb.fn.max('sequence').as('sequence'))
    .where('stream', '=', p<string>('stream')),
)

export const amendJournal = toStatement(
  db
    .updateTable('journal')
    .set({ value: p('value'), digest: p('digest') })
    .where('stream', '=', p<string>('stream'))
    .where('sequence', '=', p<number>('sequence'))
    .where('time', '=', p<number>('time')),
)

export const insertJournal = toStatement(
  db
    .insertInto('journal')
    .values({ stream: p('stream'), sequence: p('sequence'), time: p('time'), value: p('value'), digest: p('digest') }),
)
