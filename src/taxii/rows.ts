import type { LogId } from '#base'
import type { BodyStore, Micros, ObjectBody, ReaderBounds, Side } from '#store'

/** One object version in a collection. */
export interface Row {
  /** Its date_added: unique in its collection, and ascending in the order in which rows appear there. */
  added: Micros
  id: string
  type: string
  /** Version key, '' for an unversioned object. */
  modified: string
  /** No other row has its id; false also where nobody knows. */
  isOnly: boolean
  json: Uint8Array
  /** When it last became the newest or the oldest version again, because another one was taken back. */
  again?: Partial<Record<Side, Micros>>
}

/** An object of which another version became the newest, or the oldest, again. */
export interface Again {
  at: Micros
  id: string
}

/** The rows of a collection, as one reader may see them. */
export interface RowSource {
  /** Rows added after, ascending; `more` tells whether others follow. */
  rows(query: {
    after: Micros
    limit: number
    ids?: readonly string[] | undefined
    types?: readonly string[] | undefined
    /** Names may be left out of rows that are the only ones of their object. */
    nameless?: boolean
  }): Promise<{ rows: readonly Row[]; more: boolean }>
  /** All rows of these objects. */
  rowsOf(ids: readonly string[]): Promise<Row[]>
  /** What became the newest or oldest again after `after`, and up to `until` if that is given; ascending. */
  again(query: {
    after: Micros
    until: Micros | undefined
    limit: number
    sides: readonly Side[]
    ids?: readonly string[] | undefined
    types?: readonly string[] | undefined
  }): Promise<{ rows: readonly Again[]; more: boolean }>
}

const READABLE = ['accepted'] as const
/** Rows of objects with several versions, read at a time; ids of one query. */
const LOOKUP_ROWS = 10_000
const LOOKUP_IDS = 500

/** The rows of logs that the reader may see, as it sees them, perhaps of some types only. */
export class LogRows implements RowSource {
  readonly #store: BodyStore
  readonly #logs: readonly LogId[]
  readonly #bounds: ReaderBounds
  readonly #types: readonly string[] | undefined

  constructor(store: BodyStore, logs: readonly LogId[], bounds: ReaderBounds = {}, types?: readonly string[]) {
    this.#store = store
    this.#logs = logs
    this.#bounds = bounds
    this.#types = types
  }

  async rows({
    after,
    limit,
    ids,
    types,
    nameless,
  }: Parameters<RowSource['rows']>[0]): Promise<{ rows: Row[]; more: boolean }> {
    const both = this.#typesAmong(types)
    if (this.#logs.length === 0 || both?.length === 0) return { rows: [], more: false }
    const query = {
      ...this.#bounds,
      logs: this.#logs,
      statuses: READABLE,
      addedAfter: after,
      limit,
      ...(both ? { types: both } : {}),
      ...(ids ? { ids } : {}),
    }
    return nameless ? this.#store.texts(query) : this.#store.bodies(query)
  }

  async rowsOf(ids: readonly string[]): Promise<Row[]> {
    const found: ObjectBody[] = []
    for (let from = 0; from < ids.length; from += LOOKUP_IDS) {
      let addedAfter = 0
      for (let more = true; more;) {
        const page = await this.rows({ after: addedAfter, limit: LOOKUP_ROWS, ids: ids.slice(from, from + LOOKUP_IDS) })
        found.push(...(page.rows as ObjectBody[]))
        more = page.more
        addedAfter = page.rows.at(-1)?.added ?? 0
      }
    }
    return found
  }

  async again({ after, until, limit, sides, ids, types }: Parameters<RowSource['again']>[0]) {
    const both = this.#typesAmong(types)
    if (this.#logs.length === 0 || both?.length === 0) return { rows: [], more: false }
    const { addedUpTo = Infinity } = this.#bounds
    return this.#store.resurfaced({
      ...this.#bounds,
      logs: this.#logs,
      sides,
      addedAfter: after,
      ...(until === undefined ? {} : { addedUpTo: Math.min(until, addedUpTo) }),
      limit,
      ...(both ? { types: both } : {}),
      ...(ids ? { ids } : {}),
    })
  }

  #typesAmong(asked: readonly string[] | undefined): readonly string[] | undefined {
    if (!this.#types) return asked
    return asked ? this.#types.filter((type) => asked.includes(type)) : this.#types
  }
}
