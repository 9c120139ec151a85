import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'

/** Everything a node counts. No label holds a log id, an audience id, an object id or an address. */
export interface Metrics {
  registry: Registry
  published: Counter
  mirrored: Counter
  armed: Gauge
  armRefused: Counter
  events: Counter
  hits: Counter
  sightings: Counter
  sightingsHeld: Counter
  recalls: Counter
  receipts: Counter<'kind'>
  alarms: Counter<'kind'>
  denied: Counter<'route'>
  links: Gauge<'state'>
  lag: Gauge<'peer'>
  heldBack: Gauge<'state'>
  store: Gauge<'what'>
  evaluated: Gauge<'what'>
  requests: Histogram<'method' | 'route' | 'status'>
}

/** Opens the metrics of one node in a registry of its own, so that several nodes fit into one process. */
export function openMetrics(): Metrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry, prefix: 'noroshi_' })
  const counter = (name: string, help: string) => new Counter({ name: `noroshi_${name}`, help, registers })
  return {
    registry,
    published: counter('published_objects_total', 'Object versions appended to own logs.'),
    mirrored: counter('mirrored_entries_total', 'Verified entries of mirrors made durable.'),
    armed: new Gauge({ name: 'noroshi_armed', help: 'Indicators and rules active in detection.', registers }),
    armRefused: counter('arm_refused_total', 'Indicators that detection refused.'),
    events: counter('telemetry_events_total', 'Telemetry events looked at.'),
    hits: counter('hits_total', 'Matches of telemetry with indicators and rules.'),
    sightings: counter('sightings_total', 'Sightings published on their own.'),
    sightingsHeld: counter('sightings_held_total', 'Sightings held back by level, age or quota.'),
    recalls: counter('recalls_total', 'Recalls executed, own and mirrored.'),
    receipts: new Counter({
      name: 'noroshi_receipts_total',
      help: 'Receipts that arrived.',
      labelNames: ['kind'],
      registers,
    }),
    alarms: new Counter({ name: 'noroshi_alarms_total', help: 'Alarms by kind.', labelNames: ['kind'], registers }),
    denied: new Counter({
      name: 'noroshi_denied_total',
      help: 'Requests refused for lack of a valid token or scope.',
      labelNames: ['route'],
      registers,
    }),
    links: new Gauge({ name: 'noroshi_links', help: 'Links by state.', labelNames: ['state'], registers }),
    lag: new Gauge({
      name: 'noroshi_link_lag_entries',
      help: 'Entries a peer offers that are not yet here.',
      labelNames: ['peer'],
      registers,
    }),
    heldBack: new Gauge({
      name: 'noroshi_authors_held_back',
      help: 'Authors that their quota slows down, or stops.',
      labelNames: ['state'],
      registers,
    }),
    store: new Gauge({ name: 'noroshi_store', help: 'Totals of the store.', labelNames: ['what'], registers }),
    evaluated: new Gauge({
      name: 'noroshi_evaluated_patterns',
      help: 'Patterns outside of the index: armed; events kept, their observers; since the start: events dropped for lack of room, evaluations over budget, incomparable values.',
      labelNames: ['what'],
      registers,
    }),
    requests: new Histogram({
      name: 'noroshi_http_request_seconds',
      help: 'HTTP requests by route and status.',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
      registers,
    }),
  }
}
