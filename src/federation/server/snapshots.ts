import type { Hash, MemberId, Slug } from '#base'
import { type Envelope, type LogRow, nextList, signSnapshot, type Snapshot } from '#log'
import type { LogHead } from '#store'
import type { Context } from '../context.ts'
import type { CharterDirectory } from '../directory.ts'
import type { Access } from './access.ts'

/** Earlier lists kept for each reader, so that `since` gets a delta; older ones get the full list. */
const LISTS_KEPT = 4

/** A list that a reader was given. */
export interface Given {
  sequence: number
  logs: readonly LogRow[]
}

/** What a reader may mirror at one moment: everything that a snapshot for it depends on, but for the time. */
export interface View {
  heads: LogHead[]
  logs: readonly LogRow[]
  charters: Readonly<Record<Slug, Hash>>
}

/** Signs, for each reader, what it may mirror of this author: whole, or what changed since a list it was given. */
export class Snapshots {
  readonly #context: Context
  readonly #directory: CharterDirectory
  readonly #access: Access
  readonly #given = new Map<MemberId, Given[]>()

  constructor(context: Context, directory: CharterDirectory, access: Access) {
    this.#context = context
    this.#directory = directory
    this.#access = access
  }

  /** What the reader may mirror now. */
  view(reader: MemberId): View {
    const heads = this.#access.ownFor(reader)
    return { heads, logs: heads.map(rowOf), charters: this.#chartersOf(reader) }
  }

  /**
   * A snapshot of this moment, with the list that the reader had at `since`. Of a list that is too long for one, the next
   * step: then `envelope` says that there is more.
   */
  make(
    reader: MemberId,
    since?: number,
    { logs: whole, charters }: View = this.view(reader),
    most = this.#context.limits.snapshotRows,
  ): { envelope: Envelope<Snapshot>; given: Given; base?: Given } {
    const { self, now } = this.#context
    const lists = this.#given.get(reader) ?? []
    const base = since === undefined ? undefined : lists.find((list) => list.sequence === since)
    const { logs, more } = nextList(base?.logs ?? [], whole, most)
    const envelope = signSnapshot(
      {
        author: self.member,
        reader,
        previousSequence: lists.at(-1)?.sequence ?? 0,
        time: now(),
        charters,
        logs,
        more,
        ...(base ? { since: base } : {}),
      },
      self.nodeKey,
    )
    const given = { sequence: envelope.statement.sequence, logs }
    // The reader's base stays first to go: it is about to be replaced by the list made now.
    this.#given.set(reader, [...lists.slice(-LISTS_KEPT + 1), given])
    return { envelope, given, ...(base ? { base } : {}) }
  }

  /** Only charters in which the reader itself stands or stood: which other alliances exist is not its business. */
  #chartersOf(reader: MemberId): Record<string, Hash> {
    const hashes = (this.#directory.member(reader)?.alliances ?? []).map((alliance) => [
      alliance,
      this.#directory.hashFor(alliance, reader),
    ])
    return Object.fromEntries(hashes.filter(([, hash]) => hash !== undefined)) as Record<string, Hash>
  }
}

const rows = new WeakMap<LogHead, LogRow>()

/** A log's row in snapshots: one for all readers and all lists that hold it. */
export function rowOf(head: LogHead): LogRow {
  const known = rows.get(head)
  if (known) return known
  const { log, size, root } = head
  const row = { log, size, root }
  rows.set(head, row)
  return row
}

/** Whether a reader would be told the same. */
export function isSameView(one: View, other: View): boolean {
  const alliances = Object.keys(one.charters)
  return (
    one.logs.length === other.logs.length &&
    alliances.length === Object.keys(other.charters).length &&
    alliances.every((alliance) => one.charters[alliance] === other.charters[alliance]) &&
    one.logs.every(({ log, size, root }, at) => {
      const row = other.logs[at]
      return row?.log === log && row.size === size && row.root === root
    })
  )
}
