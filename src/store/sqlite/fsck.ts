import { fsck, read } from '../sql/statements.ts'
import { join } from 'node:path'
import { StoreError } from '../errors.ts'
import { rowDigest } from '../sql/digest.ts'
import type { FsckReport } from '../store.ts'
import type { Connection } from './connection.ts'
import { FaultList } from './fault-list.ts'
import { Arrivals } from './fsck-arrivals.ts'
import { LogCheck } from './fsck-log.ts'
import { DATABASE_FILE, openReader, requireFolder } from './open-database.ts'
import { startThread } from './thread.ts'
import { isEnvelopeDamaged } from './fsck-envelope.ts'

/** Rows between two reports of progress. */
const PROGRESS_ROWS = 1_000

/**
 * Reads a store back and checks it, with or without a running node; damage is reported, never thrown.
 * @throws StoreError STORE_FOLDER_MISSING, STORE_NEWER, STORE_FOREIGN when there is no store to check
 */
export async function fsckFolder(folder: string, progress: (done: number) => void = () => {}): Promise<FsckReport> {
  requireFolder(folder)
  const faults = new FaultList()
  const report: FsckReport = {
    ok: false,
    checked: { logs: 0, entries: 0, checkpoints: 0, objects: 0, records: 0, bytes: 0 },
    faults: faults.list,
  }
  const connection = faults.guard({}, () => openReader(join(folder, DATABASE_FILE)))
  if (connection) {
    try {
      faults.guard({}, () =>
        connection.snapshot(() => {
          checkStructure(connection, faults)
          checkLogs(connection, report, faults, progress)
          checkRecords(connection, report, faults)
          checkJournal(connection, report, faults)
        }),
      )
    } finally {
      connection[Symbol.dispose]()
    }
  }
  progress(1)
  report.ok = faults.list.length === 0
  return report
}

/** The same in a thread of its own. */
export function fsckInThread(folder: string, progress: (done: number) => void = () => {}): Promise<FsckReport> {
  return new Promise((resolve, reject) => {
    const worker = startThread('./fsck-thread.ts', { folder })
    worker.on('message', (message: { done: number } | { report: FsckReport }) => {
      if ('report' in message) resolve(message.report)
      else progress(message.done)
    })
    worker.on('error', reject)
    worker.on('exit', () => reject(new StoreError('STORE_FAILED', 'The check ended without a report')))
  })
}

/** SQLite's own view: pages, order of keys, indexes that miss rows or have too many. */
function checkStructure(connection: Connection, faults: FaultList): void {
  faults.guard({}, () => {
    for (const row of connection.db.prepare('pragma integrity_check(100)').iterate()) {
      const [message] = Object.values(row)
      if (message !== 'ok') faults.add('database', `SQLite: ${String(message)}`)
    }
  })
}

function checkLogs(
  connection: Connection,
  report: FsckReport,
  faults: FaultList,
  progress: (done: number) => void,
): void {
  const rows = faults.guard({}, () => connection.all(read.allLogs)) ?? []
  const total = rows.reduce((sum, row) => sum + row.size, 0)
  const arrivals = new Arrivals(connection, faults)
  let reported = 0
  for (const row of rows) {
    report.checked.logs++
    faults.guard({ log: row.log }, () =>
      new LogCheck(connection, row, report, faults, arrivals).run(() => {
        if (report.checked.entries - reported < PROGRESS_ROWS) return
        reported = report.checked.entries
        progress(Math.min(0.99, reported / Math.max(1, total)))
      }),
    )
  }
  faults.guard({}, () => {
    for (const { key, log } of connection.all(fsck.strayEntries))
      faults.add('entry', `Row ${key} is of log number ${log}, which there is not`)
  })
}

function checkRecords(connection: Connection, report: FsckReport, faults: FaultList): void {
  faults.guard({}, () => {
    for (const { collection, key, value, digest } of connection.iterate(fsck.allRecords)) {
      report.checked.records++
      const name = `${collection}/${key}`
      if (!sameBytes(digest, rowDigest(collection, key, value)))
        faults.add(
          'record',
          `The record ${name} is not what was written. Restore it from a backup, or let the peer send it again`,
        )
      else if (isEnvelopeDamaged(value)) faults.add('record', `The record ${name} is no valid signed statement`)
    }
  })
}

function checkJournal(connection: Connection, report: FsckReport, faults: FaultList): void {
  let last = { stream: '', sequence: 0 }
  faults.guard({}, () => {
    for (const { stream, sequence, time, value, digest } of connection.iterate(fsck.allJournal)) {
      report.checked.records++
      if (!sameBytes(digest, rowDigest(stream, sequence, time, value)))
        faults.add('journal', `Row ${sequence} of the journal ${stream} is not what was written`)
      const expected = stream === last.stream ? last.sequence + 1 : 1
      if (sequence !== expected)
        faults.add('journal', `The journal ${stream} misses rows from ${expected} to ${sequence - 1}`)
      last = { stream, sequence }
    }
  })
}

const sameBytes = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0
