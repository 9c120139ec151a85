import type { Hash, MemberId } from '#base'
import { type Envelope, type LogRow, signSnapshot, type Snapshot } from '#log'
import type { LogHead } from '#store'
import type { Context } from '../context.ts'
import type { CharterDirectory } from '../directory.ts'
import type { Access } from './access.ts'

/** Earlier lists kept for each reader, so that `since` gets a delta; older ones get the full list. */
const LISTS_KEPT = 4

/** A list that a reader was given. */
export interface Given {
  sequence: number
  logs: LogRow[]
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

  /** A snapshot of this moment, with the heads it names and the list that the reader had at `since`. */
  make(
    reader: MemberId,
    since?: number,
  ): { envelope: Envelope<Snapshot>; heads: LogHead[]; given: Given; base?: Given } {
    const { self, now } = this.#context
    const heads = this.#access.ownFor(reader)
    const logs = heads.map(({ log, size, root }) => ({ log, size, root }))
    const lists = this.#given.get(reader) ?? []
    const base = since === undefined ? undefined : lists.find((list) => list.sequence === since)
    const envelope = signSnapshot(
      {
        author: self.member,
        reader,
        previousSequence: lists.at(-1)?.sequence ?? 0,
        time: now(),
        charters: this.#chartersOf(reader),
        logs,
        ...(base ? { since: base } : {}),
      },
      self.nodeKey,
    )
    const given = { sequence: envelope.statement.sequence, logs }
    // The reader's base stays first to go: it is about to be replaced by the list made now.
    this.#given.set(reader, [...lists.slice(-LISTS_KEPT + 1), given])
    return { envelope, heads, given, ...(base ? { base } : {}) }
  }

  /** Only charters in which the reader itself stands: which other alliances exist is not its business. */
  #chartersOf(reader: MemberId): Record<string, Hash> {
    const alliances = this.#directory.member(reader)?.alliances ?? []
    return Object.fromEntries(this.#directory.charterLines().filter(([alliance]) => alliances.includes(alliance)))
  }
}
