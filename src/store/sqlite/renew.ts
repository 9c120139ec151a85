import type { LogId, MemberId } from '#base'
import { toAudience } from '#log'
import { write } from '../sql/statements.ts'
import { StoreError } from '../errors.ts'
import type { Outcome, RenewChange } from '../store.ts'
import { openLog } from './append.ts'
import type { Batch } from './batch.ts'

/** What `closed` of a log says: it takes entries; its last entry is its end; another incarnation goes on from it. */
export const OPEN = 0
export const CLOSED = 1
export const SUPERSEDED = 2

/** Ends an own log here and goes on in the next incarnation, whose genesis names the last head. @see docs/wire.md, Heads */
export function applyRenew(batch: Batch, change: RenewChange): Outcome {
  const old = batch.log(change.log)
  if (!old?.row.own || old.row.author !== batch.self)
    throw new StoreError('STORE_NO_SUCH_LOG', `There is no own log ${change.log} to go on from`)
  const { row } = old
  if (row.closed === CLOSED)
    throw new StoreError('STORE_LOG_CLOSED', `Log ${change.log} is closed: nothing follows its end`)
  if (row.closed === OPEN) {
    row.closed = SUPERSEDED
    // At once: a member has one open log for an audience, and the next one is about to be opened.
    const { size, root, frontier, entry_time, time, checkpoint, closed, bytes } = row
    batch.connection.run(write.updateLog, size, root, frontier, entry_time, time, checkpoint, closed, bytes, row.id)
    batch.touch(old)
  }
  const open = batch.openLog(row.author, row.audience_id)
  if (open) return { op: 'renew', log: open.row.log as LogId }
  const author = row.author as MemberId
  const audience = toAudience(JSON.parse(row.audience))
  const previous = { log: row.log as LogId, size: row.size, root: row.root as LogId }
  const next = openLog(batch, {
    author,
    audience,
    genesis: { ...change.genesis, previous },
    charters: change.charters,
  })
  return { op: 'renew', log: next.row.log as LogId }
}
