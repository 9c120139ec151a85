import { toHex } from '#base'
import { audienceId, canonicalAudience, decodeEntry, ENTRY_KIND, leafHash, logIdOf, parseGenesis } from '#log'
import { StoreError } from '../errors.ts'
import type { MirrorChange, MirroredEntry, Outcome } from '../store.ts'
import { EMPTY_LOG } from './append.ts'
import type { Batch } from './batch.ts'
import type { LogState } from './log-state.ts'
import { CLOSED, SUPERSEDED } from './renew.ts'

/** Extends a mirror up to a checkpoint; the tree is computed from the entries and must give the checkpoint's root. */
export function applyMirror(batch: Batch, change: MirrorChange): Outcome {
  const { log: id, from, checkpoint } = change
  const known = batch.log(id)
  if (known?.row.own && (!change.recovers || known.row.closed === CLOSED))
    throw new StoreError('STORE_OWN_LOG', `Log ${id} is this node's own: it is appended to, not mirrored`)
  if ((known?.size ?? 0) !== from)
    throw new StoreError(
      'STORE_MIRROR_SIZE',
      `The mirror of ${id} has ${known?.size ?? 0} entries, not ${from}. Read again`,
      {
        details: { log: id, size: known?.size ?? 0, from },
      },
    )
  const log = known ?? openMirror(batch, change)
  for (const entry of change.entries) addMirrored(batch, log, entry)
  const root = toHex(log.root())
  if (log.size !== checkpoint.size || root !== checkpoint.root)
    throw new StoreError(
      'STORE_MIRROR_ROOT',
      `The entries of ${id} give size ${log.size} and root ${root}, its checkpoint says ${checkpoint.size} and ` +
        checkpoint.root,
      { details: { log: id, size: log.size, root } },
    )
  if (checkpoint.time < log.row.time || checkpoint.time < log.row.entry_time)
    throw new StoreError(
      'STORE_ENTRY_ORDER',
      `The checkpoint of ${id} is older than what it covers, or than the last one`,
    )
  log.row.time = checkpoint.time
  log.isRecovered = change.recovers === true
  batch.touch(log)
  batch.putCheckpoint(log, checkpoint.note, checkpoint.key)
  return { op: 'mirror', log: id, size: log.size }
}

function openMirror(batch: Batch, change: MirrorChange): LogState {
  const [first] = change.entries
  if (!first || !('bytes' in first) || logIdOf(first.bytes) !== change.log)
    throw new StoreError('STORE_GENESIS', `The first entry of ${change.log} is not the genesis that its id is made of`)
  const genesis = parseGenesis(decodeEntry(first.bytes))
  const audience = canonicalAudience(change.audience)
  if (genesis.author !== change.author || canonicalAudience(genesis.audience) !== audience)
    throw new StoreError('STORE_GENESIS', `The genesis of ${change.log} names another author or audience`)
  return batch.addLog({
    log: change.log,
    author: change.author,
    own: change.recovers ? 1 : 0,
    audience,
    audience_id: audienceId(change.audience),
    incarnation: genesis.incarnation,
    drill: change.audience.drill ?? null,
    ...EMPTY_LOG,
    ...(change.recovers ? { closed: SUPERSEDED } : {}),
  })
}

function addMirrored(batch: Batch, log: LogState, entry: MirroredEntry): void {
  const id = log.row.log
  if (log.row.closed === CLOSED)
    throw new StoreError('STORE_LOG_CLOSED', `Log ${id} is closed: nothing follows its end`)
  if (!('bytes' in entry)) {
    batch.addEntry(log, entry.leaf, { kind: null, time: null, bytes: null, object: undefined })
    return
  }
  const { bytes, kind, time, object } = entry
  if (time < log.row.entry_time)
    throw new StoreError('STORE_ENTRY_ORDER', `Entry ${log.size} of ${id} is older than the one before it`)
  if ((kind === ENTRY_KIND.genesis) !== (log.size === 0))
    throw new StoreError('STORE_GENESIS', `Entry ${log.size} of ${id} is a genesis, or index 0 is none`)
  batch.addEntry(log, leafHash(bytes), { kind, time, bytes, object })
  if (kind === ENTRY_KIND.close) log.row.closed = CLOSED
}
