import { fsck } from '../sql/statements.ts'
import { equalBytes, type LogId, toHex } from '#base'
import {
  audienceId,
  type Audience,
  canonicalAudience,
  type Checkpoint,
  ENTRY_KIND,
  type Genesis,
  leafHash,
  logIdOf,
  openCheckpoint,
  parseGenesis,
} from '#log'
import { type CheckpointRow, entryKey, type EntryRow, indexOfKey, LOG_KEY_SPAN, type LogRow } from '../sql/tables.ts'
import type { FsckReport } from '../store.ts'
import type { Arrivals } from './fsck-arrivals.ts'
import type { Connection } from './connection.ts'
import type { FaultList } from './fault-list.ts'
import { rowFaults } from './fsck-entry.ts'
import { TreeCheck } from './fsck-tree.ts'

/** Checks one log from its entries up: leaves, tiles, frontier, root, checkpoints, columns, counts. */
export class LogCheck {
  readonly #connection: Connection
  readonly #row: LogRow
  readonly #log: LogId
  readonly #report: FsckReport
  readonly #faults: FaultList
  readonly #arrivals: Arrivals
  readonly #tree: TreeCheck
  readonly #checkpoints: IterableIterator<CheckpointRow>
  readonly #counts = new Map<string, number>()
  #checkpoint: CheckpointRow | undefined
  #lastCheckpoint: { row: CheckpointRow; opened: Checkpoint | undefined } | undefined
  /** Times of the entries that the tree has not taken up yet; then the latest that it has. */
  readonly #times: number[] = []
  #latest = 0
  #lastTime = 0
  #lastSeq = 0
  #isClosed = false
  #bytes = 0
  #isPurged = false

  constructor(connection: Connection, row: LogRow, report: FsckReport, faults: FaultList, arrivals: Arrivals) {
    this.#connection = connection
    this.#row = row
    this.#log = row.log
    this.#report = report
    this.#faults = faults
    this.#arrivals = arrivals
    this.#tree = new TreeCheck(connection, row, faults)
    this.#checkpoints = connection.iterate(fsck.checkpointsOfWholeLog, row.id)
  }

  run(tick: () => void): void {
    this.#checkpoint = this.#nextCheckpoint()
    const { id } = this.#row
    let expected = 0
    this.#faults.guard({ log: this.#log }, () => {
      for (const entry of this.#connection.iterate(fsck.rowsByKey, entryKey(id, 0), entryKey(id, LOG_KEY_SPAN))) {
        const index = indexOfKey(entry.key)
        for (; expected < index; expected++) this.#missing(expected)
        if (index >= this.#row.size)
          this.#fault('entry', `Entry ${index} lies beyond the log's ${this.#row.size}`, index)
        else this.#checkEntry(index, entry)
        expected = index + 1
        tick()
      }
    })
    for (; expected < this.#row.size; expected++) this.#missing(expected)
    this.#tree.settle((size) => this.#grown(size))
    this.#checkHead()
    this.#checkCounts()
  }

  #checkEntry(index: number, entry: EntryRow): void {
    this.#report.checked.entries++
    const bytes = entry.bytes ?? undefined
    this.#addLeaf(index, bytes && leafHash(bytes), entry.time)
    this.#bytes += bytes?.length ?? 0
    if (entry.purged !== null) this.#isPurged = true
    this.#report.checked.bytes += bytes?.length ?? 0
    this.#faults.guard({ log: this.#log, index }, () => {
      for (const fault of rowFaults(entry)) this.#fault('column', `Entry ${index}: ${fault}`, index)
      this.#checkOrder(index, entry)
      if (index === 0) this.#checkGenesis(entry)
    })
    if (entry.status !== null && entry.type !== null) {
      this.#report.checked.objects++
      const key = `${entry.status} ${entry.type}`
      this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1)
    }
  }

  #missing(index: number): void {
    this.#fault('entry', `Entry ${index} is missing`, index)
    this.#addLeaf(index, undefined, null)
  }

  #addLeaf(index: number, leaf: Uint8Array | undefined, time: number | null): void {
    this.#tree.add(index, leaf)
    this.#times.push(time ?? 0)
    if (this.#tree.isTileFull) this.#tree.settle((size) => this.#grown(size))
  }

  #checkOrder(index: number, entry: EntryRow): void {
    if (entry.log !== this.#row.id) this.#fault('column', `Entry ${index} says it is of log number ${entry.log}`, index)
    const first = entry.first_seq ?? entry.seq
    if (first <= this.#lastSeq) this.#fault('column', `Entry ${index} arrived before the one before it`, index)
    this.#lastSeq = first
    if (entry.seq < first || (entry.first_seq !== null && this.#arrivals.at(entry.seq) === undefined))
      this.#fault('column', `Entry ${index} was added under the number ${entry.seq}, which no batch had`, index)
    const arrived = this.#arrivals.at(first)
    if (arrived === undefined) this.#fault('arrivals', `Entry ${index} arrived with no batch`, index)
    else if (entry.arrived !== arrived)
      this.#fault('column', `Entry ${index} has the arrival time ${entry.arrived}, its batch ${arrived}`, index)
    if (this.#isClosed) this.#fault('entry', `Entry ${index} follows the end of the log`, index)
    if (entry.kind === ENTRY_KIND.close) this.#isClosed = true
    if (entry.time === null) return
    if (entry.time < this.#lastTime) this.#fault('entry', `Entry ${index} is older than the one before it`, index)
    this.#lastTime = entry.time
  }

  #checkGenesis(entry: EntryRow): void {
    const row = this.#row
    const { bytes } = entry
    if (!bytes) return
    if (logIdOf(bytes) !== this.#log) this.#fault('genesis', 'The genesis entry does not give the log id', 0)
    const genesis: Genesis = parseGenesis(bytes)
    const audience = JSON.parse(row.audience) as Audience
    const wrong = [
      ...(genesis.author === row.author ? [] : ['author']),
      ...(genesis.incarnation === row.incarnation ? [] : ['incarnation']),
      ...(canonicalAudience(genesis.audience) === row.audience ? [] : ['audience']),
      ...(audienceId(audience) === row.audience_id ? [] : ['audience id']),
      ...((audience.drill ?? null) === row.drill ? [] : ['drill']),
      ...(row.arrived === entry.arrived ? [] : ['arrival']),
    ]
    if (wrong.length > 0) this.#fault('column', `The log's row disagrees with its genesis: ${wrong.join(', ')}`, 0)
  }

  /** Called at every size of the tree, in order. */
  #grown(size: number): void {
    this.#latest = Math.max(this.#latest, this.#times.shift() ?? 0)
    while (this.#checkpoint && this.#checkpoint.size <= size) {
      const row = this.#checkpoint
      this.#checkCheckpoint(row, size)
      this.#checkpoint = this.#nextCheckpoint()
    }
  }

  #checkCheckpoint(row: CheckpointRow, size: number): void {
    this.#report.checked.checkpoints++
    const index = Math.max(0, row.size - 1)
    const open = () => openCheckpoint(row.note, { name: this.#row.author, publicKey: row.key })
    const opened = this.#faults.guard({ log: this.#log, index }, open, 'checkpoint')
    const previous = this.#lastCheckpoint?.opened
    this.#lastCheckpoint = { row, opened }
    if (!opened) return
    const fault = (what: string) => this.#fault('checkpoint', `The checkpoint of size ${row.size} ${what}`, index)
    if (opened.log !== this.#log) fault('is of another log')
    if (opened.size !== row.size || row.size !== size) fault(`says size ${opened.size}`)
    if (opened.root !== toHex(this.#tree.frontier.root())) fault('has another root than the entries give')
    if (previous && opened.time < previous.time) fault('is older than the one before it')
    if (opened.time < this.#latest) fault('is older than an entry that it covers')
  }

  #checkHead(): void {
    const row = this.#row
    const { frontier } = this.#tree
    const fault = (what: string) => this.#fault('head', `The log's row has another ${what} than its entries give`)
    if (frontier.size !== row.size) fault('size')
    if (toHex(frontier.root()) !== row.root) fault('root')
    if (!equalBytes(frontier.toBytes(), row.frontier)) fault('right frontier')
    if (row.entry_time !== this.#lastTime) fault('last entry time')
    if ((row.closed === 1) !== this.#isClosed) fault('end')
    if (!this.#isPurged && row.bytes !== this.#bytes) fault('number of bytes')
    if (this.#checkpoint)
      this.#fault('checkpoint', `The checkpoint of size ${this.#checkpoint.size} is ahead of the entries`)
    const last = this.#lastCheckpoint
    if (last?.row.size !== row.size) this.#fault('checkpoint', `No checkpoint covers all ${row.size} entries`)
    else if (last.row.note !== row.checkpoint) this.#fault('head', 'The newest checkpoint is not that of the row')
    else if (last.opened && last.opened.time !== row.time) fault('checkpoint time')
  }

  #checkCounts(): void {
    this.#faults.guard({ log: this.#log }, () => {
      for (const { type, status, count } of this.#connection.all(fsck.countsOfWholeLog, this.#row.id)) {
        const key = `${status} ${type}`
        if ((this.#counts.get(key) ?? 0) !== count)
          this.#fault(
            'counts',
            `${count} objects of type ${type} are counted as ${status}; there are ${this.#counts.get(key) ?? 0}`,
          )
        this.#counts.delete(key)
      }
      for (const [key, count] of this.#counts) this.#fault('counts', `${count} objects (${key}) are not counted`)
    })
  }

  #nextCheckpoint(): CheckpointRow | undefined {
    const next = this.#faults.guard({ log: this.#log }, () => this.#checkpoints.next())
    return next?.done === false ? next.value : undefined
  }

  #fault(kind: string, message: string, index?: number): void {
    this.#faults.add(kind, message, index === undefined ? { log: this.#log } : { log: this.#log, index })
  }
}
