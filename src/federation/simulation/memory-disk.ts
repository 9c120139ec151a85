import type { Hash, Json, LogId, MemberId, Millis } from '#base'
import type { Audience } from '#log'
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
  arrived: Millis
  entries: DiskEntry[]
  checkpoints: { size: number; root: Hash; note: string; time: Millis; arrived: Millis }[]
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
  readonly logs = new Map<LogId, DiskLog>()
  readonly records = new Map<string, Map<string, Json>>()
  readonly journals = new Map<string, { sequence: number; time: Millis; value: Json }[]>()
}

/** The head of a log as the store shows it. */
export function headOf(log: DiskLog): LogHead {
  const last = log.checkpoints.at(-1)
  if (!last) throw new Error(`Log ${log.log} has no checkpoint`)
  const { author, own, audience, audienceId, incarnation, closed, arrived } = log
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
    ...(audience.drill === undefined ? {} : { drill: audience.drill }),
  }
}
