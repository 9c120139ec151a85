import { setImmediate } from 'node:timers/promises'
import type { JsonObject, LogId, MemberId, Millis } from '#base'
import { fromUtf8, timestampMillis } from '#base'
import type { Detector, PatternCounts, Rule } from '#detect'
import type { Federation, Mirrored, Recalled } from '#federation'
import type { ObjectRow, Store } from '#store'
import type { ArmedRow, NodeEvents, PublishedRow } from './events.ts'

/** Rows read at once. */
const PAGE_ROWS = 1_000
/** Languages of indicators that detection runs. */
const KINDS: Readonly<Record<string, Rule['kind']>> = { stix: 'stix', sigma: 'sigma' }

/** Why an indicator was not armed, besides what detection itself refuses. */
type Held = 'RED_NOT_CORRELATED' | 'DRILL_NOT_ARMED' | 'LANGUAGE_UNSUPPORTED' | 'SUPERSEDED' | 'REVOKED'

/** Codes of detection's guards: an indicator that would match everybody's ordinary traffic, or a member's own. */
const POISON: ReadonlySet<string> = new Set([
  'DETECT_ALLOWED_VALUE',
  'DETECT_ORDINARY',
  'DETECT_OWN_RANGE',
  'DETECT_PUBLIC_SUFFIX',
  'DETECT_RANGE_TOO_BROAD',
  'DETECT_RESERVED_ADDRESS',
])

/** Why a row was not armed, in words where there are some. */
interface Refusal {
  code: string
  message?: string
}

/** A row of a log that was not armed. */
type Refused = Refusal & { index: number }

/** What arming reads of an entry. */
type Row = Pick<ObjectRow, 'log' | 'index' | 'publisher' | 'id' | 'modified' | 'patternType' | 'revoked' | 'json'>

/** Mark before the `modified` of a newest version that is not active. A million of these are held: text is enough. */
const INACTIVE = '-'

/** What arming is handed. */
export interface ArmingOptions {
  store: Store
  detector: Detector
  federation: () => Federation
  events: NodeEvents
  now: () => Millis
  /** Whether drill content arms here: at a rehearsal's sensors, never at production's. */
  armDrills: boolean
}

/**
 * Keeps detection in step with the logs: per publisher and object id, the newest version that is in use is armed, unless
 * it is revoked, RED, or detection refuses it.
 */
export class Arming {
  readonly #o: ArmingOptions
  /** The newest version of each indicator: its `modified`, marked where it is not active. */
  readonly #newest = new Map<string, string>()
  #work: Promise<unknown> = Promise.resolve()
  #rebuilt: Promise<unknown> = Promise.resolve()
  #pending: { done: number; total: number } | undefined
  #stopped = false
  /** Indicators that were looked up in the store again while a start is arming. */
  readonly #lookedUp = new Set<string>()
  readonly #sigma = new Set<string>()
  #refused = 0

  constructor(options: ArmingOptions) {
    this.#o = options
  }

  /**
   * Begins to arm what the store holds, once, at start: page by page, and everything else gets its turns in between.
   * What arrives meanwhile is armed as ever; the newer version of an indicator stays, whichever came first.
   */
  rebuild(): void {
    this.#rebuilt = this.#rebuild().catch((error: unknown) =>
      this.#o.events.failed('arming what the store holds', error),
    )
  }

  async #rebuild(): Promise<void> {
    const logs = (await this.#o.store.logs()).filter(({ audience }) => !this.#holdsLog(audience))
    const sizes = new Map(logs.map(({ log, size }) => [log, size]))
    const held = { logs: [...sizes.keys()], statuses: ['accepted'], types: ['indicator'] } as const
    const counts = logs.length === 0 ? [] : await this.#o.store.countObjects(held)
    this.#pending = { done: 0, total: counts.reduce((sum, { count }) => sum + count, 0) }
    let cursor: string | undefined
    while (this.#pending.total > 0 && !this.#stopped) {
      const page = await this.#o.store.objects({
        ...held,
        limit: PAGE_ROWS,
        ...(cursor === undefined ? {} : { cursor }),
      })
      for (const row of page.rows) {
        const isOld = row.index < (sizes.get(row.log) ?? 0)
        // What was looked up again meanwhile, after a recall for example, is known better than this page knows it.
        if (isOld && !this.#lookedUp.has(keyOf(row.publisher, row.id))) this.#take(row)
      }
      this.#pending.done += page.rows.length
      cursor = page.next
      if (cursor === undefined) break
      await setImmediate()
    }
    if (this.#stopped) return
    this.#pending = undefined
    this.#lookedUp.clear()
    this.#o.events.armed([], this.size)
    this.#queue('claiming what was armed before the start', () => this.#claimRest())
  }

  /** Mirrors that were durable before a kill, and whose authors were not told any more that they are armed. */
  async #claimRest(): Promise<void> {
    for (const { log, size, own, audience } of await this.#o.store.logs()) {
      if (own) continue
      const from = this.#o.federation().armedSize(log)
      if (from >= size || this.#stopped) continue
      const refused: Refused[] = []
      let cursor: string | undefined
      do {
        const query = { logs: [log], statuses: ['accepted'], types: ['indicator'], limit: PAGE_ROWS } as const
        const page = await this.#o.store.objects({ ...query, ...(cursor === undefined ? {} : { cursor }) })
        const rest = page.rows.filter(({ index }) => index >= from && index < size)
        refused.push(...this.#armRows(log, this.#holdsLog(audience), rest))
        cursor = page.next
      } while (cursor !== undefined)
      await this.#tell(log, size, refused)
    }
  }

  /** Tells an author what is armed of its log, and everybody what of it is poison. */
  async #tell(log: LogId, size: number, refused: readonly Refused[]): Promise<void> {
    await this.#o.federation().armed(log, size, refused)
    const poison = refused.flatMap(({ index, code, message = code }) => (POISON.has(code) ? [{ index, message }] : []))
    if (poison.length > 0) await this.#o.federation().poisoned(log, poison)
  }

  /** How much of what the store held at start is still to be armed; undefined once that is done. */
  get pending(): { done: number; total: number } | undefined {
    return this.#pending
  }

  /** Resolves when everything that the store held at start is armed or refused. */
  async rebuilt(): Promise<void> {
    await this.#rebuilt
  }

  /** Gives up what `rebuild` has left. */
  stop(): void {
    this.#stopped = true
  }

  get size(): number {
    return this.#o.detector.size
  }

  /** Whether an entry's version is the one that is active. */
  isArmed(publisher: MemberId, id: string, modified: string): boolean {
    return this.#newest.get(keyOf(publisher, id)) === modified
  }

  /** What is active; `evaluated` tells how patterns outside of the index fare, and what their bounds cost. */
  summary(): {
    active: number
    rules: number
    refused: number
    pending?: { done: number; total: number }
    evaluated: PatternCounts & { patterns: number }
  } {
    const { patterns, evaluated } = this.#o.detector.memory()
    return {
      active: this.size,
      rules: this.#sigma.size,
      refused: this.#refused,
      ...(this.#pending ? { pending: this.#pending } : {}),
      evaluated: { patterns, ...evaluated },
    }
  }

  /** Entries of a mirror became durable: arms them and tells the author. */
  mirrored({ log, author: publisher, audience, size, objects }: Mirrored): void {
    const rows = objects.flatMap(({ index, object, json }) =>
      object.type === 'indicator' && object.status === 'accepted' ? { ...object, log, index, publisher, json } : [],
    )
    this.#queue('arming a mirror', async () => {
      const refused = this.#armRows(log, this.#holdsLog(audience), rows)
      await this.#tell(log, size, refused)
    })
  }

  /** Own entries became durable. */
  published(rows: readonly PublishedRow[]): void {
    const indicators = rows.filter(({ id }) => id.startsWith('indicator--'))
    if (indicators.length === 0) return
    this.#queue('arming own entries', async () => {
      for (const [log, some] of Map.groupBy(indicators, (row) => row.log))
        await this.#arm(
          log,
          some.map(({ index }) => index),
        )
    })
  }

  /** An entry was taken back: what it armed goes out, unless another entry in use still carries it. */
  recalled(event: Pick<Recalled, 'author' | 'log' | 'index' | 'alertOnly' | 'object'>): void {
    if (event.alertOnly || event.object?.type !== 'indicator') return
    const { id } = event.object
    this.#queue('disarming', () => this.#reconsider(event.author, id))
  }

  /** An own entry was taken back; resolves when it is out of detection. */
  async disarmEntry(author: MemberId, entry: Pick<Recalled, 'log' | 'index' | 'object'>): Promise<void> {
    this.recalled({ author, ...entry, alertOnly: false })
    await this.settled()
  }

  /** Objects were judged anew: what is in use now is looked up again. */
  revised(author: MemberId, ids: readonly string[]): void {
    this.#queue('arming after a new judgement', async () => {
      for (const id of new Set(ids)) await this.#reconsider(author, id)
    })
  }

  /** Resolves when everything that was handed in so far is armed or refused. */
  async settled(): Promise<void> {
    await this.#work
  }

  #queue(what: string, work: () => Promise<unknown>): void {
    this.#work = this.#work.then(work).catch((error: unknown) => this.#o.events.failed(what, error))
  }

  #holdsLog({ tlp, drill }: { tlp: string; drill?: string }): Held | undefined {
    if (tlp === 'red') return 'RED_NOT_CORRELATED'
    if (drill !== undefined && !this.#o.armDrills) return 'DRILL_NOT_ARMED'
    return undefined
  }

  async #arm(log: LogId, indexes: readonly number[]): Promise<{ index: number; code: string }[]> {
    const head = await this.#o.store.log(log)
    if (!head || indexes.length === 0) return []
    const held = this.#holdsLog(head.audience)
    return this.#armRows(log, held, held ? indexes.map((index) => ({ index })) : await this.#rowsAt(log, indexes))
  }

  /** Arms the rows, unless their log is held out of detection. */
  #armRows(log: LogId, held: Held | undefined, found: readonly Row[] | readonly { index: number }[]): Refused[] {
    if (found.length === 0) return []
    if (held) {
      this.#refused += found.length
      return found.map(({ index }) => ({ index, code: held }))
    }
    const rows: ArmedRow[] = []
    const refusals: Refused[] = []
    for (const row of found as readonly Row[]) {
      const { refusal, kind } = this.#take(row)
      if (refusal) refusals.push({ index: row.index, ...refusal })
      rows.push({
        log,
        index: row.index,
        id: row.id,
        time: this.#o.now(),
        kind,
        ...(refusal ? { refused: refusal.code } : {}),
      })
    }
    this.#o.events.armed(rows, this.size)
    return refusals
  }

  /** Rows of the entries that are in use. */
  async #rowsAt(log: LogId, indexes: readonly number[]): Promise<ObjectRow[]> {
    const rows: ObjectRow[] = []
    for (const [from, to] of runsOf(indexes)) {
      for (let at = from; at < to;) {
        const entries = await this.#o.store.entries(log, at, to)
        if (entries.length === 0) break
        for (const entry of entries) {
          if (!entry.bytes || entry.object?.status !== 'accepted' || entry.object.type !== 'indicator') continue
          const head = await this.#o.store.log(log)
          if (head)
            rows.push({
              ...entry.object,
              log,
              index: entry.index,
              publisher: head.author,
              entryTime: entry.time,
              arrived: entry.arrived,
              json: payloadOf(entry.bytes),
            })
        }
        at = (entries.at(-1)?.index ?? to) + 1
      }
    }
    return rows
  }

  /** Arms one row if it is the newest version; says what it was and why it was refused. */
  #take(row: Row): { kind: string; refusal?: Refusal } {
    const key = keyOf(row.publisher, row.id)
    const kind = row.patternType ?? 'unknown'
    const known = this.#newest.get(key)
    if (known !== undefined && modifiedOf(known) > row.modified)
      return { kind, refusal: { code: 'SUPERSEDED' satisfies Held } }
    const refusal = this.#armRow(key, kind, row)
    this.#newest.set(key, refusal ? INACTIVE + row.modified : row.modified)
    if (!refusal && kind === 'sigma') this.#sigma.add(key)
    if (refusal) {
      this.#refused++
      this.#disarm(key)
    }
    return { kind, ...(refusal ? { refusal } : {}) }
  }

  #armRow(key: string, kind: string, row: Row): Refusal | undefined {
    const language = KINDS[kind]
    if (row.revoked) return { code: 'REVOKED' satisfies Held }
    if (!language) return { code: 'LANGUAGE_UNSUPPORTED' satisfies Held }
    // Read strictly when it was published or mirrored: what is in use parses.
    const object = JSON.parse(fromUtf8(row.json)) as JsonObject
    const result = this.#o.detector.arm({
      id: key,
      member: row.publisher,
      source: { log: row.log, index: row.index },
      kind: language,
      pattern: String(object['pattern']),
      validFrom: timestampMillis(String(object['valid_from'])),
      ...(typeof object['valid_until'] === 'string' ? { validUntil: timestampMillis(object['valid_until']) } : {}),
    })
    return result.armed ? undefined : { code: result.code, message: result.message }
  }

  #disarm(key: string): void {
    this.#sigma.delete(key)
    this.#o.detector.disarm(key)
  }

  /** Looks again which version of an object is in use, after one went out. */
  async #reconsider(publisher: MemberId, id: string): Promise<void> {
    const key = keyOf(publisher, id)
    this.#newest.delete(key)
    if (this.#pending) this.#lookedUp.add(key)
    this.#disarm(key)
    const logs = (await this.#o.store.logs({ author: publisher })).filter(({ audience }) => !this.#holdsLog(audience))
    if (logs.length > 0) {
      const { rows } = await this.#o.store.objects({
        logs: logs.map(({ log }) => log),
        ids: [id],
        statuses: ['accepted'],
        limit: PAGE_ROWS,
      })
      for (const row of rows) this.#take(row)
    }
    this.#o.events.armed([], this.size)
  }
}

const modifiedOf = (known: string) => (known.startsWith(INACTIVE) ? known.slice(INACTIVE.length) : known)

/** Name under which an indicator is armed: ids are their publisher's own. */
export const keyOf = (publisher: MemberId, id: string): string => `${publisher} ${id}`

/** The object id out of a name under which an indicator is armed. */
export const idOfKey = (key: string): string => key.slice(key.indexOf(' ') + 1)

/** Bytes before an entry's payload: version, kind, salt, time, length. @see WIRE, Entry */
const payloadOf = (entry: Uint8Array): Uint8Array => entry.subarray(1 + 1 + 32 + 8 + 4)

/** Runs of neighbouring indexes, as [from, to). */
function runsOf(indexes: readonly number[]): [number, number][] {
  const runs: [number, number][] = []
  for (const index of [...indexes].sort((a, b) => a - b)) {
    const last = runs.at(-1)
    if (last && last[1] === index) last[1] = index + 1
    else runs.push([index, index + 1])
  }
  return runs
}
