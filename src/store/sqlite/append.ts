import { type LogId, toHex } from '#base'
import {
  audienceId,
  canonicalAudience,
  encodeEntry,
  ENTRY_KIND,
  Frontier,
  genesisPayload,
  leafHash,
  logIdOf,
} from '#log'
import { StoreError } from '../errors.ts'
import type { AppendChange, Outcome } from '../store.ts'
import type { Batch } from './batch.ts'
import type { LogState } from './log-state.ts'

type AppendOutcome = Extract<Outcome, { op: 'append' }>

/**
 * Appends to the member's open log for an audience, or opens one. Size, root and time of the outcome are filled in when
 * the batch is finished: they are those of the checkpoint.
 */
export function applyAppend(batch: Batch, change: AppendChange): { outcome: AppendOutcome; log: LogState } {
  if (batch.self !== change.author)
    throw new StoreError(
      'STORE_NO_SIGNER',
      `This store has no key of ${change.author}, so it cannot sign checkpoints of that member's logs`,
    )
  const known = batch.openLog(change.author, audienceId(change.audience))
  if (change.at !== undefined && change.at !== (known?.size ?? 0))
    throw new StoreError('STORE_LOG_GROWN', `The log has ${known?.size ?? 0} entries, not ${change.at}. Read again`)
  const log = known ?? openLog(batch, change)
  if (change.entries.length > 0) log.charters = change.charters
  const firstIndex = log.size
  const leaves = change.entries.map((entry) => {
    if (log.row.closed)
      throw new StoreError('STORE_LOG_CLOSED', `Log ${log.row.log} is closed: nothing follows its end`)
    if (entry.kind === ENTRY_KIND.genesis)
      throw new StoreError('STORE_GENESIS', 'A genesis entry stands only at index 0, and the store writes it itself')
    const { kind, object } = entry
    const time = Math.max(entry.time, log.row.entry_time)
    const bytes = encodeEntry({ kind, salt: entry.salt, time, payload: entry.payload })
    const leaf = leafHash(bytes)
    batch.addEntry(log, leaf, { kind, time, bytes, object })
    if (kind === ENTRY_KIND.close) log.row.closed = 1
    return toHex(leaf)
  })
  const { size, row } = log
  return {
    log,
    outcome: { op: 'append', log: row.log, opened: !known, firstIndex, size, root: row.root, time: row.time, leaves },
  }
}

/** Opens the member's log for an audience by its genesis entry. */
export function openLog(batch: Batch, change: Omit<AppendChange, 'op' | 'entries'>): LogState {
  const { author, audience, genesis } = change
  const text = canonicalAudience(audience)
  const incarnation = toHex(genesis.incarnation)
  const payload = genesisPayload({ author, audience, incarnation, previous: genesis.previous ?? null })
  const bytes = encodeEntry({ kind: ENTRY_KIND.genesis, salt: genesis.salt, time: genesis.time, payload })
  const id: LogId = logIdOf(bytes)
  const log = batch.addLog({
    log: id,
    author,
    own: 1,
    audience: text,
    audience_id: audienceId(audience),
    incarnation,
    drill: audience.drill ?? null,
    ...EMPTY_LOG,
  })
  log.charters = change.charters
  batch.addEntry(log, leafHash(bytes), { kind: ENTRY_KIND.genesis, time: genesis.time, bytes, object: undefined })
  return log
}

/** What every log begins with before its genesis entry is in. */
export const EMPTY_LOG = {
  size: 0,
  root: '',
  frontier: new Frontier().toBytes(),
  entry_time: 0,
  time: 0,
  checkpoint: '',
  closed: 0,
  bytes: 0,
}
