/**
 * From the record of a drill to its figures. Pure: whoever has the record can compute them again.
 *
 * Definitions: time to detect = first detection at the source − stimulus; time to share = durable publish − detection;
 * time to receive = verified receipt − publish; time to protect = armed − receipt; exposure window = first match at
 * another member − stimulus at the source. Misses stay in the figures as censored values. @see docs/drills.md
 */
import type { Expectation } from './scenario.ts'
import { durationMs } from './scenario.ts'
import type { DrillRecord, SignalRecord, WaveRecord } from './record.ts'

/** From the attack at one member to the first match of the same attack at another. */
export interface Exposure {
  from: string
  to: string
  wave: string
  by: 'rule' | 'address'
  /** Null where the window never closed: then `ms` of a censored value is the time watched, in `censoredAtMs`. */
  ms: number | null
  censored: boolean
  censoredAtMs?: number
  /** Replays up to and with the first match; all of them where there was none. */
  attempts: number
  underCut: boolean
  /** What matched had been shared for an earlier wave: no window was open at all. */
  known: boolean
  /** Bound of the error from both clocks, milliseconds. */
  errorMs: number
}

/** Middle, tail and extreme of a sample with its misses. */
export interface Spread {
  n: number
  censored: number
  p50: number | null
  p90: number | null
  max: number | null
}

export interface Metrics {
  timeToDetect: Spread
  timeToShare: Spread
  timeToReceive: Spread
  timeToProtect: Spread
  exposure: Spread
  exposureUnderCut: Spread
  /** Windows of attacks whose technique had been shared before: what earlier sharing saved. */
  exposureKnown: Spread
  reach: { entitled: number; proved: number }
  coverage: { technique: string; state: 'none' | 'shared' | 'deployed' | 'proved' }[]
  releasabilityViolations: number
  overWithholding: { entitled: number; missing: number }
  falsePositives: { events: number; alerted: number }
  availability: { operation: 'ingest' | 'search' | 'publish'; attempted: number; succeeded: number }[]
  convergenceMs: Spread
  probes: number
}

/** One expectation and what was observed of it. */
export type Judgement =
  | {
      member: string
      wave: string
      by: 'rule' | 'address'
      within: string
      underCut?: boolean
      /** Null: no match. */
      ms: number | null
      wasUnderCut: boolean
      met: boolean
    }
  | {
      signal: string
      members: string[]
      /** Null: it was never published. */
      holders: string[] | null
      met: boolean
    }

/** Exposure windows of all members that were entitled to a signal of the wave. */
export function exposures(record: DrillRecord): Exposure[] {
  return record.waves.flatMap((there) => {
    const source = sourceOf(record, there.wave)
    const here = record.waves.find((w) => w.wave === there.wave && w.member === source)
    if (!here || there.member === source) return []
    return (['rule', 'address'] as const)
      .filter((by) => couldMatch(record, there, by))
      .map((by) => exposureOf(record, here, there, by))
  })
}

function exposureOf(record: DrillRecord, here: WaveRecord, there: WaveRecord, by: 'rule' | 'address'): Exposure {
  const first = there.first[by]
  const base = {
    from: here.member,
    to: there.member,
    wave: there.wave,
    by,
    underCut: isUnderCut(record, here, there, first?.time),
    known: isKnown(record, here, there, by),
    errorMs: clockError(record, here.member) + clockError(record, there.member),
  }
  if (first) return { ...base, ms: first.time - here.started, censored: false, attempts: first.replay + 1 }
  return { ...base, ms: null, censored: true, censoredAtMs: there.ended - here.started, attempts: there.replays }
}

const clockError = (record: DrillRecord, key: string) => record.members.find((m) => m.key === key)?.clock.errorMs ?? 0

/** Whom the wave's attack hit first: the author of what was published on its detection. */
function sourceOf(record: DrillRecord, wave: string): string | undefined {
  return record.signals.find((signal) => signal.wave === wave)?.by
}

/** Whether anything that this member may have could match: a member without the rule owes no rule match. */
function couldMatch(record: DrillRecord, there: WaveRecord, by: 'rule' | 'address'): boolean {
  if (there.first[by]) return true
  return record.signals.some(
    (signal) => signal.wave === there.wave && signal.entitled.includes(there.member) && carries(signal, by),
  )
}

const carries = (signal: SignalRecord, by: 'rule' | 'address') =>
  by === 'rule' ? signal.rules > 0 : signal.addresses > 0

/** Whether the member was given something of this kind, and nothing of this wave of the kind, before the wave began. */
function isKnown(record: DrillRecord, here: WaveRecord, there: WaveRecord, by: 'rule' | 'address'): boolean {
  const given = record.signals.filter((s) => s.entitled.includes(there.member) && carries(s, by))
  return !given.some((s) => s.wave === there.wave) && given.some((s) => s.published < here.started)
}

/** A window is affected if its link was cut at any moment between the stimulus and the match. */
function isUnderCut(record: DrillRecord, here: WaveRecord, there: WaveRecord, until = there.ended): boolean {
  return record.cuts.some(
    (cut) =>
      cut.between.includes(here.member) &&
      cut.between.includes(there.member) &&
      cut.from < until &&
      cut.until > here.started,
  )
}

/** Spread of a sample in which `null` is a miss: a percentile that falls among the misses is null, never dropped. */
export function spread(sample: readonly (number | null)[]): Spread {
  const known = sample.filter((value) => value !== null).sort((a, b) => a - b)
  const at = (q: number) => (sample.length === 0 ? null : (known[Math.ceil(q * sample.length) - 1] ?? null))
  return {
    n: sample.length,
    censored: sample.length - known.length,
    p50: at(0.5),
    p90: at(0.9),
    max: known.length === sample.length ? (known.at(-1) ?? null) : null,
  }
}

/** All metrics of a drill. @see docs/drills.md */
export function metricsOf(record: DrillRecord): Metrics {
  const windows = exposures(record)
  const flows = record.signals.flatMap((signal) => flowsOf(record, signal))
  return {
    timeToDetect: spread(detections(record).map(({ ms }) => ms)),
    timeToShare: spread(detections(record).map(({ share }) => share)),
    timeToReceive: spread(flows.map((flow) => flow.receive)),
    timeToProtect: spread(flows.filter((flow) => flow.armable).map((flow) => flow.protect)),
    exposure: spread(windows.filter((w) => !w.underCut && !w.known).map((w) => w.ms)),
    exposureUnderCut: spread(windows.filter((w) => w.underCut && !w.known).map((w) => w.ms)),
    exposureKnown: spread(windows.filter((w) => w.known).map((w) => w.ms)),
    reach: { entitled: flows.length, proved: flows.filter((flow) => flow.receive !== null).length },
    coverage: coverage(record),
    releasabilityViolations: violations(record).length,
    overWithholding: withholding(record),
    falsePositives: {
      events: sum(record.benign.map((b) => b.events)),
      alerted: sum(record.benign.map((b) => b.alerted)),
    },
    availability: (['ingest', 'search', 'publish'] as const).map((operation) => {
      const tried = record.operations.filter((o) => o.operation === operation)
      return { operation, attempted: tried.length, succeeded: tried.filter((o) => o.ok).length }
    }),
    convergenceMs: spread(convergence(record)),
    probes: record.probes.length,
  }
}

const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0)

function detections(record: DrillRecord): { ms: number | null; share: number | null }[] {
  const waves = [...new Set(record.waves.map((wave) => wave.wave))]
  return waves.flatMap((wave): { ms: number | null; share: number | null }[] => {
    const source = sourceOf(record, wave)
    const at = record.waves.find((w) => w.wave === wave && w.member === source)
    if (!at) return []
    const detected = at.first.rule?.time ?? at.first.address?.time
    if (detected === undefined) return [{ ms: null, share: null }]
    return record.signals
      .filter((signal) => signal.wave === wave)
      .map((signal) => ({ ms: detected - at.started, share: signal.published - detected }))
  })
}

interface Flow {
  receive: number | null
  protect: number | null
  armable: boolean
}

/** One flow for each signal and entitled member other than its author. */
function flowsOf(record: DrillRecord, signal: SignalRecord): Flow[] {
  const logs = new Map<string, number>()
  for (const { log, index } of signal.objects) logs.set(log, Math.max(logs.get(log) ?? 0, index))
  return signal.entitled
    .filter((key) => key !== signal.by)
    .map((key) => {
      const times = [...logs].map(([log, index]) => ({
        received: earliest(record, 'received', key, log, index),
        armed: earliest(record, 'armed', key, log, index),
      }))
      const received = latest(times.map((t) => t.received))
      const armed = latest(times.map((t) => t.armed))
      return {
        receive: received === null ? null : received - signal.published,
        protect: received === null || armed === null ? null : armed - received,
        armable: signal.tlp !== 'red' && signal.rules + signal.addresses > 0,
      }
    })
}

function earliest(record: DrillRecord, kind: 'received' | 'armed', from: string, log: string, index: number) {
  const times = record.receipts
    .filter((r) => r.kind === kind && r.from === from && r.log === log && r.size > index)
    .map((r) => r.time)
  return times.length === 0 ? null : Math.min(...times)
}

const latest = (times: readonly (number | null)[]) =>
  times.length === 0 || times.some((time) => time === null) ? null : Math.max(...(times as number[]))

/** From the healing of a cut to the receipt of what was published during it. */
function convergence(record: DrillRecord): (number | null)[] {
  return record.cuts.flatMap((cut) =>
    record.signals
      .filter((s) => s.published >= cut.from && s.published < cut.until && cut.between.includes(s.by))
      .flatMap((signal) => {
        const other = cut.between.find((key) => key !== signal.by)
        if (!other || !signal.entitled.includes(other)) return []
        const times = signal.objects.map(({ log, index }) => earliest(record, 'received', other, log, index))
        const received = latest(times)
        return [received === null ? null : Math.max(0, received - cut.until)]
      }),
  )
}

/** Probes that found what may not be there, and holders that nobody entitled. */
export function violations(record: DrillRecord): { signal: string; reader: string; way: string }[] {
  const held = record.signals.flatMap((signal) =>
    signal.holders
      .filter((key) => key !== signal.by && !signal.entitled.includes(key))
      .map((reader) => ({ signal: signal.id, reader, way: 'object by id' })),
  )
  return [...record.probes.filter((p) => p.found).map(({ signal, reader, way }) => ({ signal, reader, way })), ...held]
}

function withholding(record: DrillRecord): { entitled: number; missing: number } {
  const pairs = record.signals.flatMap((s) => s.entitled.map((key) => s.holders.includes(key)))
  return { entitled: pairs.length, missing: pairs.filter((held) => !held).length }
}

/** Only a match at another member proves; a shared or armed rule does not. */
function coverage(record: DrillRecord): Metrics['coverage'] {
  const elsewhere = record.waves.filter((w) => w.member !== sourceOf(record, w.wave))
  const byAddress = (wave: string) => record.signals.filter((s) => s.wave === wave).flatMap((s) => s.techniques.address)
  const proved = new Set(
    elsewhere.flatMap((w) => [...(w.techniques ?? []), ...(w.first.address ? byAddress(w.wave) : [])]),
  )
  const given = record.signals.filter((s) => s.entitled.length > 1)
  const shared = new Set(given.flatMap((s) => [...s.techniques.rule, ...s.techniques.address]))
  const armed = record.receipts.some((r) => r.kind === 'armed')
  return record.techniques.map((technique) => ({
    technique,
    state: proved.has(technique) ? 'proved' : shared.has(technique) ? (armed ? 'deployed' : 'shared') : 'none',
  }))
}

/** The scenario's expectations, each with what was observed. A drill passes if all are met and nothing leaked. */
export function judge(record: DrillRecord): Judgement[] {
  const windows = exposures(record)
  return (record.expectations as unknown as Expectation[]).map((expectation): Judgement => {
    if ('holds' in expectation) {
      const signal = record.signals.find((s) => s.id === expectation.holds)
      const members = [...expectation.members].sort()
      const holders = signal ? [...signal.holders].sort() : null
      return { signal: expectation.holds, members, holders, met: holders?.join() === members.join() }
    }
    const { member, wave, by, within } = expectation
    const underCut = expectation['under-cut']
    const window = windows.find((w) => w.to === member && w.wave === wave && w.by === by)
    const isAsSaid = underCut === undefined || window?.underCut === underCut
    const ms = window?.ms ?? null
    const met = ms !== null && ms <= durationMs(within) && isAsSaid
    return {
      member,
      wave,
      by,
      within,
      ms,
      wasUnderCut: window?.underCut === true,
      met,
      ...(underCut ? { underCut } : {}),
    }
  })
}

/** Whether the drill passed: expectations met, nothing leaked, nothing withheld from whom it was for, no false alarm. */
export function passed(record: DrillRecord): boolean {
  return (
    judge(record).every((judgement) => judgement.met) &&
    violations(record).length === 0 &&
    withholding(record).missing === 0 &&
    record.benign.every(({ alerted }) => alerted === 0)
  )
}
