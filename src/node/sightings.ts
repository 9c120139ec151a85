import { createHmac } from 'node:crypto'
import type { JsonObject, MemberId, Millis } from '#base'
import { toTimestamp, utf8, uuid5 } from '#base'
import type { LogHead } from '#store'
import type { HitRow, NodeEvents } from './events.ts'
import type { Publisher } from './publish.ts'
import type { RawObject } from './raw-objects.ts'

const HOUR_MS = 3_600_000
/** Telemetry older than this is history: sharing what an ally's guess finds in it is for a person to decide. */
const EVENT_AGE_MS = 86_400_000
const NAMESPACE = '5d2a2c0c-5d09-58a5-93b5-4a9d3c7c2a41'

/** What sightings are handed. */
export interface SightingsOptions {
  publisher: Pick<Publisher, 'publishTo'>
  events: NodeEvents
  now: () => Millis
  self: MemberId
  /** Keys the ids of sightings, so that nobody can guess them. */
  secret: Uint8Array
  perAuthorHour: number
  /** Head of the log that an indicator came from. */
  head: (log: string) => Promise<LogHead | undefined>
}

/**
 * Publishes that an indicator was seen, to its author and its audience: no victim, no count, times rounded to the hour,
 * one per indicator and hour, within a quota per author; never for RED, old telemetry or drills.
 *
 * @see SHARING-RULES, section 6
 */
export class Sightings {
  readonly #o: SightingsOptions
  /** Sightings of the running hour, by author. */
  readonly #used = new Map<MemberId, number>()
  readonly #done = new Set<string>()
  #hour = 0
  #work: Promise<unknown> = Promise.resolve()

  constructor(options: SightingsOptions) {
    this.#o = options
  }

  /** Takes the matches of one batch of telemetry; returns at once. */
  hits(rows: readonly HitRow[]): void {
    const hour = hourOf(this.#o.now())
    if (hour !== this.#hour) {
      this.#hour = hour
      this.#used.clear()
      this.#done.clear()
    }
    for (const row of rows) {
      const seen = seenAt(row)
      const key = `${row.author} ${row.indicator} ${seen.last}`
      if (this.#done.has(key)) continue
      this.#done.add(key)
      this.#work = this.#work
        .then(() => this.#sight(row, seen))
        .catch((error: unknown) => this.#o.events.failed('publishing a sighting', error))
    }
  }

  /** Resolves when everything that was handed in so far is published or held. */
  async settled(): Promise<void> {
    await this.#work
  }

  async #sight(row: HitRow, seen: SeenHours): Promise<void> {
    const head = await this.#o.head(row.log)
    const held = head ? this.#holdBack(row, head) : 'log is gone'
    if (!head || held) return this.#o.events.sightingHeld(row.indicator, held ?? '')
    this.#used.set(row.author, (this.#used.get(row.author) ?? 0) + 1)
    const published = await this.#o.publisher.publishTo(this.#sighting(row, seen), head.audience, row.author)
    for (const { log, index } of published)
      this.#o.events.sighted({ indicator: row.indicator, author: row.author, log, index, time: this.#o.now() })
  }

  #holdBack(row: HitRow, { audience }: LogHead): string | undefined {
    if (audience.tlp === 'red') return 'RED is never correlated automatically'
    if (audience.drill !== undefined) return 'exercise'
    if (this.#o.now() - (row.last ?? row.eventTime) > EVENT_AGE_MS) return 'old telemetry'
    if ((this.#used.get(row.author) ?? 0) >= this.#o.perAuthorHour) return 'quota of its author'
    return undefined
  }

  #sighting({ indicator, author }: HitRow, { first, last }: SeenHours): RawObject {
    const hours = first === last ? `${last}` : `${first} ${last}`
    const name = createHmac('sha256', this.#o.secret)
      .update(`sighting\n${author}\n${indicator}\n${hours}`)
      .digest('hex')
    const time = toTimestamp(last)
    const value: JsonObject = {
      type: 'sighting',
      spec_version: '2.1',
      id: `sighting--${uuid5(NAMESPACE, name)}`,
      created_by_ref: this.#o.self,
      created: time,
      modified: time,
      first_seen: toTimestamp(first),
      last_seen: time,
      sighting_of_ref: indicator,
    }
    return { value, bytes: utf8(JSON.stringify(value)) }
  }
}

/** The hours in which the first and the last event of a match fall. */
interface SeenHours {
  first: Millis
  last: Millis
}

const seenAt = ({ eventTime, first = eventTime, last = eventTime }: HitRow): SeenHours => ({
  first: hourOf(first),
  last: hourOf(last),
})

const hourOf = (time: Millis): Millis => Math.floor(time / HOUR_MS) * HOUR_MS
