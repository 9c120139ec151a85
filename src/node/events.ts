/**
 * One function per business event: each feeds the log, the metrics, the journal and the live events, and never throws.
 *
 * The journal rows are what drills measure by: times are this node's clock at the moment the event was durable.
 */
import type { Json, JsonObject, LogId, MemberId, Millis } from '#base'
import type { Alarm, LinkState, Mirrored, RecallAck, Receipt } from '#federation'
import type { Store } from '#store'
import type { EventHub, LiveEventName } from './event-hub.ts'
import type { NodeLog } from './logging.ts'
import type { Metrics } from './metrics.ts'

/** Journals that business events write. */
export const JOURNALS = [
  'published',
  'mirrored',
  'armed',
  'hits',
  'sightings',
  'receipts',
  'recalls',
  'alarms',
  'evidence',
] as const

/** An object version that became durable in an own log. */
export interface PublishedRow {
  log: LogId
  index: number
  id: string
  time: Millis
}

/** An indicator that became active, or was refused, in detection. */
export interface ArmedRow {
  log: LogId
  index: number
  id: string
  time: Millis
  kind: string
  refused?: string
}

/** A match of telemetry. */
export interface HitRow {
  indicator: string
  kind: 'stix' | 'sigma'
  log: LogId
  index: number
  author: MemberId
  value: string
  eventTime: Millis
  time: Millis
  name?: string
  /** Of a pattern over several events: how many, and the times of the first and the last. */
  events?: number
  first?: Millis
  last?: Millis
  run?: string
}

/** The business events of one node. */
export interface NodeEvents {
  published(rows: readonly PublishedRow[]): void
  mirrored(event: Mirrored): void
  armed(rows: readonly ArmedRow[], total: number): void
  hits(rows: readonly HitRow[], events: number): void
  sighted(row: { indicator: string; author: MemberId; log: LogId; index: number; time: Millis }): void
  sightingHeld(indicator: string, reason: string): void
  recalled(event: { author: MemberId; log: LogId; index: number; reason: string; own: boolean; time: Millis }): void
  recallAcknowledged(event: RecallAck): void
  /** A grant was made, or ended by its instant or by the operator. */
  granted(event: { id: string; what: 'made' | 'expiry' | 'operator'; grantees: readonly MemberId[] }): void
  receipt(event: Receipt): void
  alarm(event: Alarm): void
  linkChanged(link: LinkState, links: readonly LinkState[]): void
  allianceChanged(event: { alliance: string; what: string; version: number }): void
  drillStored(id: string, state: string): void
  failed(what: string, error: unknown): void
  /** Resolves when every journal row that was handed in so far is durable or has failed. */
  settled(): Promise<void>
}

/** What the events feed. */
export interface EventSinks {
  store: Store
  log: NodeLog
  metrics: Metrics
  hub: EventHub
  now: () => Millis
}

/** Binds the business events to their sinks. */
export function bindEvents({ store, log, metrics, hub, now }: EventSinks): NodeEvents {
  let pending: Promise<unknown> = Promise.resolve()
  const told = new Map<MemberId, string>()

  const journal = (stream: (typeof JOURNALS)[number], rows: readonly object[]) => {
    if (rows.length === 0) return
    const time = now()
    const changes = rows.map((value) => ({ op: 'journal' as const, stream, time, value: value as Json }))
    const written = store
      .commit(changes)
      .catch((error: unknown) => log.error({ err: String(error), stream }, 'journal row lost'))
    // Nothing is kept of what was written: a chain of results would grow for as long as the node runs.
    pending = Promise.all([pending, written]).then(() => undefined)
  }
  const live = (name: LiveEventName, data: JsonObject, of?: LogId) =>
    hub.emit({ name, data, ...(of === undefined ? {} : { log: of }) })

  const events: NodeEvents = {
    published(rows) {
      metrics.published.inc(rows.length)
      log.info({ objects: rows.length }, 'published')
      journal('published', rows)
      for (const [of, count] of countBy(rows)) live('published', { count, time: now() }, of)
    },
    mirrored(event) {
      const { log: of, from, size, author, time } = event
      metrics.mirrored.inc(size - from)
      log.debug({ entries: size - from, author }, 'mirrored')
      journal('mirrored', [{ log: of, from, size, author, arrived: time }])
      live('mirrored', { count: size - from, author, time }, of)
    },
    armed(rows, total) {
      const refused = rows.filter((row) => row.refused !== undefined).length
      metrics.armed.set(total)
      metrics.armRefused.inc(refused)
      log.info({ armed: rows.length - refused, refused, total }, 'armed')
      journal('armed', rows)
      live('armed', { count: rows.length - refused, refused, total })
    },
    hits(rows, seen) {
      metrics.events.inc(seen)
      if (rows.length === 0) return
      metrics.hits.inc(rows.length)
      log.info({ hits: rows.length, events: seen }, 'telemetry matched')
      journal('hits', rows)
      live('hit', { count: rows.length, time: now() })
    },
    sighted(row) {
      metrics.sightings.inc()
      log.info({ author: row.author }, 'sighting published')
      journal('sightings', [row])
    },
    sightingHeld(indicator, reason) {
      metrics.sightingsHeld.inc()
      log.info({ indicator, reason }, 'sighting held back')
    },
    recalled({ author, log: of, index, reason, own, time }) {
      metrics.recalls.inc()
      log.info({ author, reason, own }, 'recalled')
      journal('recalls', [{ author, log: of, index, reason, own, time }])
      live('recalled', { time, reason }, of)
    },
    recallAcknowledged(event) {
      log.info({ member: event.member }, 'recall acknowledged')
      journal('recalls', [
        {
          acknowledged: true,
          member: event.member,
          log: event.log,
          index: event.index,
          withheld: event.withheld,
          purged: event.purged,
          arrived: event.arrived,
        },
      ])
    },
    granted({ id, what, grantees }) {
      log.info({ grant: id, grantees }, what === 'made' ? 'granted' : `grant ended by ${what}`)
    },
    receipt(event) {
      metrics.receipts.inc({ kind: event.kind })
      const { kind, member, log: of, from, size, claimed, arrived, verified } = event
      log.debug({ kind, member, verified }, 'receipt')
      journal('receipts', [
        {
          kind,
          member,
          log: of,
          from,
          size,
          claimed,
          arrived,
          verified,
          refused: event.refused ?? [],
          envelope: event.envelope,
        },
      ])
    },
    alarm(event) {
      metrics.alarms.inc({ kind: event.kind })
      log.warn({ kind: event.kind, peer: event.peer }, event.message)
      journal('alarms', [event])
      live('alarm', { kind: event.kind, peer: event.peer, message: event.message, time: event.time })
    },
    linkChanged(link, links) {
      metrics.lag.set({ peer: link.slug }, link.lagEntries)
      for (const state of ['up', 'connecting', 'stale', 'down'] as const)
        metrics.links.set({ state }, links.filter((one) => one.state === state).length)
      for (const state of ['slowed', 'over'] as const)
        metrics.heldBack.set({ state }, links.filter(({ quota }) => quota?.state === state).length)
      const quota = link.quota?.state ?? 'ok'
      if (told.get(link.peer) === `${link.state} ${quota}`) return
      told.set(link.peer, `${link.state} ${quota}`)
      log.info({ peer: link.slug, state: link.state, quota, error: link.lastError }, 'link')
      live('link', { peer: link.slug, state: link.state, quota })
    },
    allianceChanged(event) {
      log.info(event, 'alliance')
      live('alliance', { ...event })
    },
    drillStored(id, state) {
      log.info({ drill: id, state }, 'drill')
      live('drill', { id, state })
    },
    failed(what, error) {
      log.error(
        {
          err:
            error instanceof Error ? { name: error.name, message: error.message, stack: error.stack } : String(error),
        },
        what,
      )
    },
    async settled() {
      await pending
    },
  }
  return shielded(events, log)
}

/** A fault in a sink is logged and goes no further: an event must never undo what it reports. */
function shielded(events: NodeEvents, log: NodeLog): NodeEvents {
  const entries = Object.entries(events).map(([name, run]) => [
    name,
    (...args: unknown[]) => {
      try {
        return (run as (...rest: unknown[]) => unknown)(...args)
      } catch (error) {
        log.error({ err: String(error), event: name }, 'an event could not be recorded')
        return undefined
      }
    },
  ])
  return Object.fromEntries(entries) as NodeEvents
}

function countBy(rows: readonly PublishedRow[]): Map<LogId, number> {
  const counts = new Map<LogId, number>()
  for (const row of rows) counts.set(row.log, (counts.get(row.log) ?? 0) + 1)
  return counts
}
