import type { JsonObject } from '#base'
import {
  type Exposure,
  exposures,
  judge,
  type Judgement,
  type Metrics,
  metricsOf,
  passed,
  violations,
} from './measure.ts'
import type { DrillMember, DrillRecord } from './record.ts'
import { judgementWords, slugOf } from './report-figures.ts'
import { reportWords } from './report-words.ts'

/** The after-action report: what every form of it (HTML, Markdown, JSON) is made from. */
export interface DrillReport {
  drill: string
  scenario: string
  title: Readonly<Record<string, string>>
  summary: Readonly<Record<string, string>>
  passed: boolean
  started: number
  ended: number
  members: DrillMember[]
  exposure: Exposure[]
  violations: { signal: string; reader: string; way: string }[]
  canaries: { signal: string; tlp: string; canary: string; entitled: string[]; holders: string[]; probes: number }[]
  metrics: Metrics
  judgements: Judgement[]
  strengths: string[]
  improvements: { what: string; owner: string; retest: string }[]
  timeline: { time: number; what: string }[]
  /** Signed `received` and `armed` statements. */
  receipts: JsonObject[]
  /** Signed `evidence` statements: the members' journals, from which the first matches are read. */
  evidence: JsonObject[]
  record: DrillRecord
}

/** The report of a drill; every figure in it can be recomputed from `record`, and that from the signed statements. */
export function reportOf(record: DrillRecord): DrillReport {
  const judgements = judge(record)
  const { evidence, receipts, ...rest } = record
  return {
    drill: record.drill,
    scenario: record.scenario,
    title: record.title,
    summary: record.summary,
    passed: passed(record),
    started: record.started,
    ended: record.ended,
    members: record.members,
    exposure: exposures(record),
    violations: violations(record),
    canaries: record.signals.map(({ id, tlp, canary, entitled, holders }) => {
      const probes = record.probes.filter((probe) => probe.signal === id).length
      return { signal: id, tlp, canary, entitled, holders, probes }
    }),
    metrics: metricsOf(record),
    judgements,
    strengths: judgements.filter((j) => j.met).map((j) => sentenceOf(record, j)),
    improvements: improvementsOf(record, judgements),
    timeline: timelineOf(record),
    receipts: receipts.map(({ envelope }) => envelope),
    evidence,
    record: { ...rest, evidence: [], receipts: receipts.map((receipt) => ({ ...receipt, envelope: {} })) },
  }
}

/** One item for each thing that did not come true, with who looks after it and what tests it again. */
function improvementsOf(record: DrillRecord, judgements: readonly Judgement[]): DrillReport['improvements'] {
  const retest = record.scenario
  const slug = (key: string) => slugOf(record, key)
  return [
    ...judgements
      .filter((j) => !j.met)
      .map((j) => ({ what: sentenceOf(record, j), owner: 'member' in j ? slug(j.member) : 'director', retest })),
    ...violations(record).map((v) => ({
      what: `${v.signal} was found at ${slug(v.reader)} through ${v.way}`,
      owner: slug(v.reader),
      retest,
    })),
  ]
}

function sentenceOf(record: DrillRecord, judgement: Judgement): string {
  const { expected, observed } = judgementWords({ members: record.members, record }, judgement, reportWords('en'), 'en')
  return `${expected}: ${observed}`
}

function timelineOf(record: DrillRecord): DrillReport['timeline'] {
  const slug = (key: string) => record.members.find((m) => m.key === key)?.slug ?? key
  const rows = [
    ...record.waves.map((w) => ({ time: w.started, what: `${w.wave} wave starts at ${slug(w.member)}` })),
    ...record.waves.flatMap((w) =>
      (['rule', 'address'] as const).flatMap((by) => {
        const first = w.first[by]
        return first ? [{ time: first.time, what: `${slug(w.member)} matches the ${w.wave} wave by ${by}` }] : []
      }),
    ),
    ...record.signals.map((s) => ({
      time: s.published,
      what: `${slug(s.by)} publishes ${s.id} (TLP:${s.tlp.toUpperCase()}) for ${s.entitled.map(slug).join(', ')}`,
    })),
    ...record.cuts.flatMap((c) => [
      { time: c.from, what: `link ${c.between.map(slug).join(' – ')} is cut` },
      { time: c.until, what: `link ${c.between.map(slug).join(' – ')} heals` },
    ]),
  ]
  return rows.sort((a, b) => a.time - b.time)
}
