import { canonicalJson, type Hash, type Json, type MemberId, type Millis, toHex, utf8 } from '#base'
import { audienceId, encodeEntry, ENTRY_KIND, leafHash, logIdOf, type Signer, signCheckpoint } from '#log'
import type { AppendChange, Change, MirrorChange, Outcome } from '#store'
import type { DiskEntry, DiskLog, MemoryDisk } from './memory-disk.ts'
import { rootAt } from './memory-tree.ts'

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
    case 'amend':
      throw new Error('Nodes of the simulation are not restored, and keep no journal of matches')
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
      rows.set(change.key, structuredClone(change.value))
      return { op: 'put', stored: true }
    }
    case 'number':
    case 'reserve':
      throw new TypeError(`The protocol needs no ${change.op}`)
    case 'journal': {
      const rows = disk.journals.get(change.stream) ?? []
      disk.journals.set(change.stream, rows)
      const sequence = (rows.at(-1)?.sequence ?? 0) + 1
      rows.push({ sequence, time: change.time, value: structuredClone(change.value) })
      undo.push(() => rows.pop())
      return { op: 'journal', sequence }
    }
  }
}

function append(writer: Writer, change: AppendChange, undo: (() => void)[]): Outcome {
  const { disk, signer } = writer
  const audience = audienceId(change.audience)
  let log = [...disk.logs.values()].find((known) => known.own && !known.closed && known.audienceId === audience)
  const opened = !log
  if (!log) {
    log = openOwn(writer, change, audience)
    const { log: id } = log
    disk.logs.set(id, log)
    undo.push(() => disk.logs.delete(id))
  }
  const size = log.entries.length
  const target = log
  undo.push(() => target.entries.splice(size))
  const leaves: Hash[] = []
  for (const entry of change.entries) {
    const time = Math.max(entry.time, log.entries.at(-1)?.time ?? 0)
    const bytes = encodeEntry({ kind: entry.kind as 1, salt: entry.salt, time, payload: entry.payload })
    const leaf = leafHash(bytes)
    leaves.push(toHex(leaf))
    log.entries.push({
      leaf,
      kind: entry.kind,
      time,
      bytes,
      withheld: false,
      arrived: writer.now(),
      ...only(entry.object),
    })
  }
  const time = Math.max(writer.now(), log.entries.at(-1)?.time ?? 0, log.checkpoints.at(-1)?.time ?? 0)
  const root = rootAt(log, log.entries.length)
  const checkpoint = { log: log.log, size: log.entries.length, root, time, charters: [...change.charters] }
  const note = signCheckpoint(checkpoint, signer.member, signer.key)
  log.checkpoints.push({ size: checkpoint.size, root, note, time, arrived: writer.now() })
  undo.push(() => target.checkpoints.pop())
  return {
    op: 'append',
    log: log.log,
    opened,
    firstIndex: opened ? 1 : size,
    size: checkpoint.size,
    root,
    time,
    leaves,
  }
}

function openOwn(writer: Writer, change: AppendChange, audience: Hash): DiskLog {
  const payload = utf8(
    canonicalJson({
      author: change.author,
      audience: change.audience as unknown as Json,
      incarnation: toHex(change.genesis.incarnation),
      previous: (change.genesis.previous ?? null) as Json,
    }),
  )
  const { salt, time } = change.genesis
  const bytes = encodeEntry({ kind: ENTRY_KIND.genesis, salt, time, payload })
  const entry: DiskEntry = { leaf: leafHash(bytes), kind: 0, time, bytes, withheld: false, arrived: writer.now() }
  return {
    log: logIdOf(bytes),
    author: change.author,
    own: true,
    audience: change.audience,
    audienceId: audience,
    incarnation: toHex(change.genesis.incarnation),
    closed: false,
    arrived: writer.now(),
    entries: [entry],
    checkpoints: [],
  }
}

function mirror(disk: MemoryDisk, change: MirrorChange, undo: (() => void)[]): Outcome {
  let log = disk.logs.get(change.log)
  if ((log?.entries.length ?? 0) !== change.from)
    throw new Error(`Mirror ${change.log} has ${log?.entries.length ?? 0} entries, the change starts at ${change.from}`)
  if (!log) {
    log = {
      log: change.log,
      author: change.author,
      own: false,
      audience: change.audience,
      audienceId: audienceId(change.audience),
      incarnation: '',
      closed: false,
      arrived: change.arrived,
      entries: [],
      checkpoints: [],
    }
    disk.logs.set(change.log, log)
    undo.push(() => disk.logs.delete(change.log))
  }
  const target = log
  undo.push(() => target.entries.splice(change.from))
  for (const entry of change.entries) {
    const common = { withheld: false, arrived: change.arrived }
    if ('leaf' in entry) log.entries.push({ ...common, leaf: entry.leaf, kind: -1, time: 0 })
    else {
      const { bytes, kind, time } = entry
      log.entries.push({ ...common, leaf: leafHash(bytes), kind, time, bytes, ...only(entry.object) })
      if (kind === ENTRY_KIND.close) log.closed = true
    }
  }
  const { note, size, root, time } = change.checkpoint
  if (size !== log.entries.length || root !== rootAt(log, size))
    throw new Error(`Mirror ${change.log} does not lead to the checkpoint of ${size} entries`)
  log.checkpoints.push({ size, root, note, time, arrived: change.arrived })
  undo.push(() => target.checkpoints.pop())
  return { op: 'mirror', log: change.log, size }
}

const only = (object: DiskEntry['object']) => (object ? { object } : {})

function entryAt(disk: MemoryDisk, log: string, index: number): DiskEntry {
  const entry = disk.logs.get(log)?.entries[index]
  if (!entry) throw new Error(`The simulated disk has no entry ${index} of log ${log}`)
  return entry
}
