import {
  canonicalJson,
  type Hash,
  isJsonObject,
  type Json,
  type JsonObject,
  type MemberId,
  type Millis,
  sha256Hex,
  toHex,
  utf8,
} from '#base'
import { audienceId, encodeEntry, ENTRY_KIND, Frontier, leafHash, logIdOf, type Signer, signCheckpoint } from '#log'
import { type AppendChange, type Change, type MirrorChange, type Outcome, StoreError } from '#store'
import type { DiskEntry, DiskLog, MemoryDisk } from './memory-disk.ts'
import { cutTo } from './memory-tree.ts'

interface Writer {
  disk: MemoryDisk
  signer: { member: MemberId; key: Signer }
  now: () => Millis
}

/** Applies one commit to the simulated disk: all of its changes or, when one is refused, none. */
export function applyChanges(writer: Writer, changes: readonly Change[]): Outcome[] {
  const undo: (() => void)[] = []
  try {
    return changes.map((change) => apply(writer, change, undo))
  } catch (cause) {
    for (const back of undo.reverse()) back()
    throw cause
  }
}

function apply(writer: Writer, change: Change, undo: (() => void)[]): Outcome {
  const { disk } = writer
  switch (change.op) {
    case 'append':
      return append(writer, change, undo)
    case 'renew':
      return renew(writer, change, undo)
    case 'amend':
      throw new TypeError('Nodes of the simulation keep no journal of matches')
    case 'mirror':
      return mirror(disk, change, undo)
    case 'withhold':
    case 'purge': {
      const entry = entryAt(disk, change.log, change.index)
      const before = { ...entry }
      undo.push(() => Object.assign(entry, before))
      entry.withheld = true
      if (change.op === 'purge') delete entry.bytes
      if (entry.object) entry.object = { ...entry.object, status: 'recalled' }
      return { op: change.op }
    }
    case 'status': {
      const entry = entryAt(disk, change.log, change.index)
      const before = entry.object
      undo.push(() => (entry.object = before!))
      if (entry.object) {
        const { code: _, ...object } = entry.object
        entry.object = { ...object, status: change.status, ...(change.code === undefined ? {} : { code: change.code }) }
      }
      return { op: 'status' }
    }
    case 'put':
    case 'delete': {
      const rows = disk.records.get(change.collection) ?? new Map<string, Json>()
      disk.records.set(change.collection, rows)
      const before = rows.get(change.key)
      undo.push(() => (before === undefined ? rows.delete(change.key) : rows.set(change.key, before)))
      if (change.op === 'delete') {
        rows.delete(change.key)
        return { op: 'delete' }
      }
      if (change.ifAbsent && before !== undefined) return { op: 'put', stored: false }
      rows.set(change.key, copyOf(change.value))
      return { op: 'put', stored: true }
    }
    case 'number':
    case 'reserve':
      throw new TypeError(`The protocol needs no ${change.op}`)
    case 'journal': {
      const rows = disk.journals.get(change.stream) ?? []
      disk.journals.set(change.stream, rows)
      const sequence = (rows.at(-1)?.sequence ?? 0) + 1
      rows.push({ sequence, time: change.time, value: copyOf(change.value) })
      undo.push(() => rows.pop())
      return { op: 'journal', sequence }
    }
  }
}

function append(writer: Writer, change: AppendChange, undo: (() => void)[]): Outcome {
  const { disk } = writer
  const audience = audienceId(change.audience)
  const known = [...disk.logs.values()].find((one) => one.own && !one.closed && one.audienceId === audience)
  const log = known ?? openOwn(writer, change, audience, undo)
  const opened = !known
  const firstIndex = log.entries.length
  const [size, frontier] = [firstIndex, log.frontier.clone()]
  undo.push(() => cutTo(log, size, frontier))
  const leaves: Hash[] = []
  for (const entry of change.entries) {
    const time = Math.max(entry.time, log.entries.at(-1)?.time ?? 0)
    const bytes = encodeEntry({ kind: entry.kind as 1, salt: entry.salt, time, payload: entry.payload })
    const leaf = leafHash(bytes)
    leaves.push(toHex(leaf))
    log.frontier.append(leaf)
    const arrived = writer.now()
    log.entries.push({ leaf, kind: entry.kind, time, bytes, withheld: false, arrived, ...only(entry.object) })
  }
  const { root, time } = sign(writer, log, change.charters, undo)
  return { op: 'append', log: log.log, opened, firstIndex, size: log.entries.length, root, time, leaves }
}

/** Signs the log as it stands. */
function sign({ signer, now }: Writer, log: DiskLog, charters: AppendChange['charters'], undo: (() => void)[]) {
  const time = Math.max(now(), log.entries.at(-1)?.time ?? 0, log.checkpoints.at(-1)?.time ?? 0)
  const size = log.entries.length
  const root = toHex(log.frontier.root())
  const note = signCheckpoint({ log: log.log, size, root, time, charters: [...charters] }, signer.member, signer.key)
  log.checkpoints.push({ size, root, note, time, arrived: now(), digest: sha256Hex(utf8(note)) })
  undo.push(() => log.checkpoints.pop())
  return { root, time }
}

/** Ends an own log here and goes on in the next incarnation, as the real store does. */
function renew(writer: Writer, change: Extract<Change, { op: 'renew' }>, undo: (() => void)[]): Outcome {
  const { disk } = writer
  const old = disk.logs.get(change.log)
  if (!old?.own) throw new StoreError('STORE_NO_SUCH_LOG', `There is no own log ${change.log} to go on from`)
  const before = { closed: old.closed, superseded: old.superseded }
  undo.push(() => Object.assign(old, before))
  if (!old.closed) Object.assign(old, { closed: true, superseded: true })
  const open = [...disk.logs.values()].find((one) => one.own && !one.closed && one.audienceId === old.audienceId)
  if (open) return { op: 'renew', log: open.log }
  const last = old.checkpoints.at(-1)
  const previous = { log: old.log, size: last?.size ?? 0, root: last?.root ?? '' }
  const { author, audience } = old
  const genesis = { ...change.genesis, previous }
  const next = openOwn(writer, { author, audience, genesis }, old.audienceId, undo)
  sign(writer, next, change.charters, undo)
  return { op: 'renew', log: next.log }
}

function openOwn(
  { disk, now }: Writer,
  { author, audience, genesis }: Pick<AppendChange, 'author' | 'audience' | 'genesis'>,
  id: Hash,
  undo: (() => void)[],
): DiskLog {
  const { salt, time } = genesis
  const incarnation = toHex(genesis.incarnation)
  const previous = (genesis.previous ?? null) as Json
  const payload = utf8(canonicalJson({ author, audience: audience as unknown as Json, incarnation, previous }))
  const bytes = encodeEntry({ kind: ENTRY_KIND.genesis, salt, time, payload })
  const leaf = leafHash(bytes)
  const entry: DiskEntry = { leaf, kind: 0, time, bytes, withheld: false, arrived: now() }
  const log = toLog({ log: logIdOf(bytes), author, own: true, audience, audienceId: id, incarnation, arrived: now() })
  log.entries.push(entry)
  log.frontier.append(leaf)
  disk.logs.set(log.log, log)
  undo.push(() => disk.logs.delete(log.log))
  return log
}

const toLog = (
  fields: Pick<DiskLog, 'log' | 'author' | 'own' | 'audience' | 'audienceId' | 'incarnation' | 'arrived'>,
): DiskLog => ({
  ...fields,
  closed: false,
  superseded: false,
  entries: [],
  checkpoints: [],
  frontier: new Frontier(),
  tree: new Map(),
})

function mirror(disk: MemoryDisk, change: MirrorChange, undo: (() => void)[]): Outcome {
  const { log: id, author, from, audience, arrived, recovers = false } = change
  const held = disk.logs.get(id)
  if ((held?.entries.length ?? 0) !== from || (held?.own ?? recovers) !== recovers)
    throw new StoreError('STORE_MIRROR_SIZE', `Mirror ${id} has ${held?.entries.length ?? 0} entries, not ${from}`)
  const own = recovers
  const log =
    held ?? toLog({ log: id, author, own, audience, audienceId: audienceId(audience), incarnation: '', arrived })
  if (!held) {
    if (recovers) Object.assign(log, { closed: true, superseded: true })
    disk.logs.set(id, log)
    undo.push(() => disk.logs.delete(id))
  }
  const [frontier, closed] = [log.frontier.clone(), log.closed]
  undo.push(() => {
    cutTo(log, from, frontier)
    log.closed = closed
  })
  for (const entry of change.entries) {
    const common = { withheld: false, arrived }
    if ('leaf' in entry) log.entries.push({ ...common, leaf: entry.leaf, kind: -1, time: 0 })
    else {
      const { bytes, kind, time } = entry
      log.entries.push({ ...common, leaf: leafHash(bytes), kind, time, bytes, ...only(entry.object) })
      if (kind === ENTRY_KIND.close) log.closed = true
    }
    log.frontier.append(log.entries.at(-1)!.leaf)
  }
  const { note, size, root, time } = change.checkpoint
  if (size !== log.entries.length || root !== toHex(log.frontier.root()))
    throw new StoreError('STORE_MIRROR_ROOT', `Mirror ${id} does not lead to the checkpoint of ${size} entries`)
  log.checkpoints.push({ size, root, note, time, arrived, digest: sha256Hex(utf8(note)) })
  undo.push(() => log.checkpoints.pop())
  return { op: 'mirror', log: id, size }
}

/** What is stored is nobody's any more. */
function copyOf(value: Json): Json {
  if (Array.isArray(value)) return value.map(copyOf)
  if (!isJsonObject(value)) return value
  const copy: JsonObject = {}
  for (const name of Object.keys(value)) copy[name] = copyOf(value[name]!)
  return copy
}

const only = (object: DiskEntry['object']) => (object ? { object } : {})

function entryAt(disk: MemoryDisk, log: string, index: number): DiskEntry {
  const entry = disk.logs.get(log)?.entries[index]
  if (!entry) throw new Error(`The simulated disk has no entry ${index} of log ${log}`)
  return entry
}
