import type { Millis } from '#base'
import { type Detector, type Hit, type HitEnd, LineMatcher } from '#detect'
import type { Store } from '#store'
import { idOfKey } from './arming.ts'
import type { HitRow, NodeEvents } from './events.ts'
import type { Reader, Visibility } from './visibility.ts'

/** Answer to a telemetry request. */
export interface TelemetryAnswer {
  events: number
  /** Lines that are no events of the format. */
  bad: number
  hits: {
    indicator?: string
    rule?: string
    name?: string
    value: string
    time: Millis | null
    event: { line: number }
    /** Of a pattern over several events: how many, the first and the last; with a line where it is of this request. */
    events?: number
    first?: TelemetryEnd
    last?: TelemetryEnd
  }[]
}

/** One end of a match over several events. */
interface TelemetryEnd {
  time: Millis
  event?: { line: number }
}

/** What telemetry is handed. */
export interface TelemetryOptions {
  detector: Detector
  store: Store
  events: NodeEvents
  visibility: Visibility
  now: () => Millis
  onHits: (rows: readonly HitRow[]) => void
  /** Resolves when everything that was held at the start is armed. */
  rebuilt: () => Promise<void>
}

/** Names of indicators remembered, so that a burst of matches does not read the same entry again. */
const NAMES_REMEMBERED = 10_000

/** Bytes matched before the event loop gets a turn. */
const TURN_BYTES = 262_144

/** Matches telemetry with what is armed. */
export class Telemetry {
  readonly #o: TelemetryOptions
  readonly #names = new Map<string, string | undefined>()
  #seen = 0
  #requests = 0

  constructor(options: TelemetryOptions) {
    this.#o = options
  }

  /** Events looked at since the start. */
  get seen(): number {
    return this.#seen
  }

  /**
   * Matches the lines; a client learns of indicators that it may see itself, the operator of all. Events of one token
   * and run go on from request to request, those of two never meet.
   */
  async take(body: Uint8Array, options: { format: string; reader: Reader; run?: string }): Promise<TelemetryAnswer> {
    const request = String(++this.#requests)
    // What is armed late would be missed without a word.
    await this.#o.rebuilt()
    const { format, reader, run } = options
    const matcher = new LineMatcher(this.#o.detector, {
      format,
      file: request,
      stream: reader.tokenId,
      ...(run === undefined ? {} : { part: run }),
    })
    const hits: Hit[] = []
    for (let at = 0; at < body.length; at += TURN_BYTES) {
      if (at > 0) await new Promise(setImmediate)
      hits.push(...matcher.push(body.subarray(at, at + TURN_BYTES)))
    }
    hits.push(...matcher.end())
    const { events, badLines: bad } = matcher.report
    const time = this.#o.now()
    this.#seen += events
    const rows = await Promise.all(hits.map(async (hit) => ({ hit, row: await this.#rowOf(hit, time, run) })))
    this.#o.events.hits(
      rows.map(({ row }) => row),
      events,
    )
    this.#o.onHits(rows.map(({ row }) => row))
    const shown = await this.#shownTo(reader, rows)
    return {
      events,
      bad,
      hits: shown.map(({ hit, row }) => ({
        [hit.kind === 'sigma' ? 'rule' : 'indicator']: row.indicator,
        ...(row.name === undefined ? {} : { name: row.name }),
        value: hit.value,
        time: hit.time ?? null,
        event: { line: hit.event.line },
        ...(hit.span === undefined
          ? {}
          : { events: hit.span.events, first: toEnd(hit.span.first, request), last: toEnd(hit.span.last, request) }),
      })),
    }
  }

  async #rowOf(hit: Hit, time: Millis, run: string | undefined): Promise<HitRow> {
    const id = idOfKey(hit.id)
    const { log = '', index = 0 } = hit.source ?? {}
    const name = await this.#nameOf(hit.id, log, index)
    return {
      [hit.kind === 'sigma' ? 'rule' : 'indicator']: id,
      id,
      indicator: id,
      kind: hit.kind,
      log,
      index,
      author: hit.member ?? this.#o.visibility.self,
      value: hit.value,
      eventTime: hit.time ?? time,
      time,
      ...(name === undefined ? {} : { name }),
      ...(hit.span === undefined
        ? {}
        : { events: hit.span.events, first: hit.span.first.time, last: hit.span.last.time }),
      ...(run === undefined ? {} : { run }),
    } as HitRow
  }

  async #shownTo<T extends { row: HitRow }>(reader: Reader, rows: readonly T[]): Promise<T[]> {
    if (reader.isOperator) return [...rows]
    const allowed = new Map<string, boolean>()
    for (const log of new Set(rows.map(({ row }) => row.log)))
      allowed.set(log, await this.#o.visibility.mayReadLog(reader, log))
    return rows.filter(({ row }) => allowed.get(row.log))
  }

  async #nameOf(key: string, log: string, index: number): Promise<string | undefined> {
    const at = `${key} ${log} ${index}`
    if (this.#names.has(at)) return this.#names.get(at)
    const { rows } = await this.#o.store.objects({ logs: [log], ids: [idOfKey(key)], limit: 10 })
    const row = rows.find((one) => one.index === index)
    const name = row && (JSON.parse(Buffer.from(row.json).toString()) as { name?: unknown }).name
    if (this.#names.size >= NAMES_REMEMBERED) this.#names.clear()
    this.#names.set(at, typeof name === 'string' ? name : undefined)
    return typeof name === 'string' ? name : undefined
  }
}

/** An end of a match; the lines of earlier requests say nothing to the asker any more. */
const toEnd = ({ time, event }: HitEnd, request: string): TelemetryEnd => ({
  time,
  ...(event.file === request ? { event: { line: event.line } } : {}),
})
