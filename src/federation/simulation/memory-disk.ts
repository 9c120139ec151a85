import type { Hash, Json, LogId, MemberId, Millis } from '#base'
import type { Audience, Frontier } from '#log'
import type { LogHead, ObjectColumns } from '#store'

/** One log as the simulated disk holds it. */
export interface DiskLog {
  log: LogId
  author: MemberId
  own: boolean
  audience: Audience
  audienceId: Hash
  incarnation: string
  closed: boolean
  superseded: boolean
  arrived: Millis
  entries: DiskEntry[]
  checkpoints: DiskCheckpoint[]
  frontier: Frontier
  /** Hashes of perfect subtrees, by level and index; leaves come from the entries. */
  tree: Map<string, Uint8Array>
}

export interface DiskCheckpoint {
  size: number
  root: Hash
  note: string
  time: Millis
  arrived: Millis
  /** Of the note, as every row of the store has one, so that damage shows. */
  digest: Hash
}

export interface DiskEntry {
  leaf: Uint8Array
  kind: number
  time: Millis
  bytes?: Uint8Array
  withheld: boolean
  arrived: Millis
  object?: ObjectColumns
}

/** What survives a crash of the simulated process: everything that was synced, and nothing else. */
export class MemoryDisk {
  logs = new Map<LogId, DiskLog>()
  records = new Map<string, Map<string, Json>>()
  journals = new Map<string, { sequence: number; time: Millis; value: Json }[]>()
  /** Put back from a backup, and nobody was asked yet what was lost: the mark of the data directory. */
  isRestored = false

  /** The whole disk as it is now: a backup, a copy that runs twice, or what an unsynced disk falls back to. */
  copy(): MemoryDisk {
    const copy = new MemoryDisk()
    for (const [id, log] of this.logs)
      copy.logs.set(id, {
        ...log,
        entries: log.entries.map((entry) => ({ ...entry })),
        checkpoints: log.checkpoints.map((checkpoint) => ({ ...checkpoint })),
        frontier: log.frontier.clone(),
        tree: new Map(log.tree),
      })
    for (const [name, rows] of this.records) copy.records.set(name, new Map(rows))
    for (const [name, rows] of this.journals) copy.journals.set(name, [...rows])
    copy.isRestored = this.isRestored
    return copy
  }

  /** This disk is another one from now on. */
  become(other: MemoryDisk): void {
    this.logs = other.logs
    this.records = other.records
    this.journals = other.journals
    this.isRestored = other.isRestored
  }
}

/** The head of a log as the store shows it. */
export function headOf(log: DiskLog): LogHead {
  const last = log.checkpoints.at(-1)
  if (!last) throw new Error(`Log ${log.log} has no checkpoint`)
  const { author, own, audience, audienceId, incarnation, closed, superseded, arrived } = log
  return {
    log: log.log,
    author,
    own,
    audience,
    audienceId,
    incarnation,
    closed,
    arrived,
    size: last.size,
    root: last.root,
    time: last.time,
    checkpoint: last.note,
    bytes: log.entries.reduce((sum, { bytes }) => sum + (bytes?.length ?? 0), 0),
    ...(superseded ? { superseded } : {}),
    ...(audience.drill === undefined ? {} : { drill: audience.drill }),
  }
}
