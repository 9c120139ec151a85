import { setImmediate } from 'node:timers/promises'
import type { LogId, MemberId, Millis } from '#base'
import { fromUtf8 } from '#base'
import type { CharterStanding, Federation } from '#federation'
import type { LogHead, ObjectRow, Store } from '#store'
import type { Arming } from './arming.ts'
import type { NodeConfig } from './config.ts'
import type { DrillResults } from './drill-results.ts'
import type { HitRow } from './events.ts'
import type { Tasks } from './tasks.ts'
import type { Telemetry } from './telemetry.ts'
import { type Reader, tlpLabel, type Visibility } from './visibility.ts'

const HOUR_MS = 3_600_000
/** Hours of arrivals shown. */
const HOURS = 24
const NEWEST_OBJECTS = 50
const NEWEST_HITS = 20
const OLDEST_TASKS = 5
/** Matches counted per indicator: the newest of the journal. */
const COUNTED_HITS = 1_000

/** What the situation is read from. */
export interface SituationOptions {
  store: Store
  federation: Federation
  visibility: Visibility
  arming: Arming
  telemetry: Telemetry
  drills: DrillResults
  tasks: Tasks
  slugOf: (member: MemberId) => string
  config: NodeConfig
  now: () => Millis
}

/** What the web page shows, for one reader: arrivals from the logs it may see; the rest for the operator alone. */
export class Situation {
  readonly #o: SituationOptions
  /** Arrivals by log and hour. */
  readonly #arrivals = new Map<LogId, Map<Millis, number>>()

  constructor(options: SituationOptions) {
    this.#o = options
  }

  /**
   * Counts what arrived in the last hours before the start, from the checkpoints: one row for each batch, however many
   * entries it had. It gives way to requests between pages.
   */
  async rebuild(): Promise<void> {
    const oldest = hourOf(this.#o.now()) - (HOURS - 1) * HOUR_MS
    for (const { log, time, arrived } of await this.#o.store.logs()) {
      if (time < oldest && arrived < oldest) continue
      let before = 0
      for (;;) {
        const page = await this.#o.store.checkpoints(log, { after: before })
        for (const checkpoint of page) {
          // The first entry of a log is its genesis and no signal.
          const count = checkpoint.size - Math.max(before, 1)
          if (checkpoint.arrived >= oldest) this.arrived(log, count, checkpoint.arrived)
          before = checkpoint.size
        }
        if (page.length === 0) break
        await setImmediate()
      }
    }
  }

  /** Notes that objects arrived in a log. */
  arrived(log: LogId, count: number, time: Millis): void {
    if (count <= 0) return
    const hour = hourOf(time)
    const hours = this.#arrivals.get(log) ?? new Map<Millis, number>()
    this.#arrivals.set(log, hours)
    hours.set(hour, (hours.get(hour) ?? 0) + count)
    for (const old of hours.keys()) if (old < hour - HOURS * HOUR_MS) hours.delete(old)
  }

  async of(reader: Reader): Promise<object> {
    const { config, now } = this.#o
    const heads = await this.#o.visibility.logsFor(reader)
    const hits = reader.isOperator ? await this.#hits() : []
    const { rows } = await this.#o.store.objects({
      logs: heads.map(({ log }) => log),
      statuses: ['accepted'],
      order: 'newest',
      limit: NEWEST_OBJECTS,
    })
    return {
      self: { member: config.member, slug: config.slug, name: config.name, nation: config.nation },
      now: now(),
      ...this.peopleOf(reader),
      hours: this.#hours(heads),
      newest: this.#newest(rows, heads, hits, reader),
      hits: hits.slice(0, NEWEST_HITS).map((hit) => this.#hitView(hit)),
      detection: reader.isOperator ? this.#detection() : null,
      drill: reader.isOperator ? await this.#o.drills.latest() : null,
      tasks: reader.isOperator ? await this.#tasks() : null,
    }
  }

  async #tasks(): Promise<object> {
    const open = await this.#o.tasks.list(false)
    const oldest = open.slice(0, OLDEST_TASKS).map(({ id, time, kind, type, count, recalled }) => ({
      id,
      time,
      kind,
      ...(type === undefined ? {} : { type }),
      count,
      slug: this.#o.slugOf(recalled.author),
      recalled: recalled.id,
    }))
    return { count: open.length, oldest }
  }

  /** Members and alliances that the reader may know: all for the operator, else those of its own alliances. */
  peopleOf(reader: Reader): {
    alliances: { slug: string; version: number; members: string[]; hash?: string; differ?: string[] }[]
    members: object[]
  } {
    const { federation, visibility } = this.#o
    const { directory } = federation
    const providers = new Set<string>([reader.org, ...(directory.register().org(reader.org)?.clientOf ?? [])])
    const isOwn = providers.has(visibility.self)
    const standings = reader.isOperator ? federation.charterStandings() : []
    const alliances = directory
      .charters()
      .filter(({ charter }) => reader.isOperator || isOwn || charter.members.some(({ id }) => providers.has(id)))
      .map(({ charter }) => ({
        slug: charter.alliance,
        version: charter.version,
        members: charter.members.map(({ id }) => id as string),
        ...differing(standings, charter.alliance),
      }))
    const shown = new Set(alliances.flatMap(({ members }) => members))
    const links = new Map(federation.links().map((link) => [link.peer, link]))
    const members = directory
      .members()
      .filter(({ id }) => shown.has(id))
      .map((member) => {
        const self = member.id === visibility.self
        const link = links.get(member.id)
        return {
          member: member.id,
          slug: member.slug,
          name: member.name,
          nation: member.nation,
          kind: member.kind,
          standing: member.standing,
          alliances: member.alliances.filter((slug) => alliances.some((one) => one.slug === slug)),
          self,
          ...(reader.isOperator ? { charters: seenOf(standings, member.id) } : {}),
          link: {
            state: self ? 'self' : reader.isOperator ? (link?.state ?? 'down') : 'unknown',
            lagEntries: reader.isOperator ? (link?.lagEntries ?? 0) : null,
            clockOffsetMs: reader.isOperator ? (link?.clockOffsetMs ?? null) : null,
            lastSeen: reader.isOperator ? (link?.lastSeen ?? null) : null,
            quota: reader.isOperator ? (link?.quota?.state ?? null) : null,
          },
        }
      })
    return { alliances, members }
  }

  #hours(heads: readonly LogHead[]): { from: Millis; origin: string; count: number }[] {
    const oldest = hourOf(this.#o.now()) - (HOURS - 1) * HOUR_MS
    const counts = new Map<string, { from: Millis; origin: string; count: number }>()
    for (const { log, author } of heads) {
      for (const [from, count] of this.#arrivals.get(log) ?? []) {
        if (from < oldest) continue
        const origin = this.#slugOf(author)
        const known = counts.get(`${from} ${origin}`)
        counts.set(`${from} ${origin}`, { from, origin, count: (known?.count ?? 0) + count })
      }
    }
    return [...counts.values()].sort((a, b) => a.from - b.from || (a.origin < b.origin ? -1 : 1))
  }

  #newest(rows: readonly ObjectRow[], heads: readonly LogHead[], hits: readonly HitRow[], reader: Reader): object[] {
    const headOf = new Map(heads.map((head) => [head.log, head]))
    const counts = new Map<string, number>()
    for (const { author, indicator } of hits)
      counts.set(`${author} ${indicator}`, (counts.get(`${author} ${indicator}`) ?? 0) + 1)
    return rows.map((row) => {
      const { audience } = headOf.get(row.log) as LogHead
      const object = JSON.parse(fromUtf8(row.json)) as { name?: unknown; value?: unknown }
      return {
        id: row.id,
        type: row.type,
        name: String(object.name ?? object.value ?? row.type),
        origin: this.#slugOf(row.publisher),
        ...(row.creator === undefined || row.creator === row.publisher
          ? {}
          : { creator: this.#slugOf(row.creator as MemberId) }),
        tlp: tlpLabel(audience.tlp),
        alliances: [...new Set([...(audience.alliances ?? []), ...(audience.community ?? [])])],
        arrived: row.arrived,
        published: row.entryTime,
        armed: reader.isOperator && this.#o.arming.isArmed(row.publisher, row.id, row.modified),
        hits: counts.get(`${row.publisher} ${row.id}`) ?? 0,
      }
    })
  }

  async #hits(): Promise<HitRow[]> {
    const rows = await this.#o.store.journal('hits', { newestFirst: true, limit: COUNTED_HITS })
    return rows.map(({ value }) => value as unknown as HitRow)
  }

  #hitView(hit: HitRow): object {
    const { kind, indicator, name = indicator, value, eventTime, time, author } = hit
    return {
      [kind === 'sigma' ? 'rule' : 'indicator']: indicator,
      name,
      value,
      time: eventTime,
      seen: time,
      origin: this.#slugOf(author),
    }
  }

  #detection(): object {
    const { active, refused, rules } = this.#o.arming.summary()
    return { indicators: active - rules, rules, eventsSeen: this.#o.telemetry.seen, refused }
  }

  #slugOf(member: MemberId): string {
    if (member === this.#o.config.member) return this.#o.config.slug
    return this.#o.federation.directory.member(member)?.slug ?? member
  }
}

/** The hash that counts here, and the slugs of those who were last seen with another. */
function differing(standings: readonly CharterStanding[], alliance: string): { hash?: string; differ?: string[] } {
  const found = standings.find((one) => one.alliance === alliance)
  if (!found) return {}
  const differ = found.members.filter(({ state }) => state === 'older' || state === 'unknown')
  return { hash: found.hash, differ: differ.map(({ slug }) => slug) }
}

/** The charters that a member was last seen with. */
const seenOf = (standings: readonly CharterStanding[], member: MemberId): object[] =>
  standings.flatMap(({ alliance, members }) =>
    members
      .filter((one) => one.member === member)
      .map(({ state, version, hash, since, seen }) => ({ alliance, state, version, hash, since, seen })),
  )

const hourOf = (time: Millis) => Math.floor(time / HOUR_MS) * HOUR_MS
