import type { Metrics, Spread } from './measure.ts'
import type { DrillReport } from './report.ts'
import type { ReportLanguage, ReportWords } from './report-words.ts'

/** One row of the table of figures, in words. */
export interface FigureRow {
  name: string
  cells: string[]
}

/** `1 234 ms` as people read it: milliseconds below ten seconds, else seconds. */
export function formatMs(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return '–'
  return ms < 10_000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`
}

/** Spread of every time: p50, p90, max, sample, misses. */
export function timeRows(metrics: Metrics, words: ReportWords): FigureRow[] {
  const row = (name: string, s: Spread): FigureRow => ({
    name,
    cells: [formatMs(s.p50), formatMs(s.p90), formatMs(s.max), String(s.n), String(s.censored)],
  })
  return [
    row(words.timeToDetect, metrics.timeToDetect),
    row(words.timeToShare, metrics.timeToShare),
    row(words.timeToReceive, metrics.timeToReceive),
    row(words.timeToProtect, metrics.timeToProtect),
    row(words.exposureWhole, metrics.exposure),
    row(words.exposureCut, metrics.exposureUnderCut),
    row(words.exposureKnown, metrics.exposureKnown),
    row(words.convergence, metrics.convergenceMs),
  ].filter(({ cells }) => cells[3] !== '0')
}

/** Figures that are counts or ratios. */
export function countRows(metrics: Metrics, words: ReportWords): FigureRow[] {
  const { reach, overWithholding: withheld, falsePositives } = metrics
  return [
    { name: words.reach, cells: [`${reach.proved} / ${reach.entitled}`] },
    { name: words.withheld, cells: [`${withheld.missing} / ${withheld.entitled}`] },
    { name: words.leaks, cells: [`${metrics.releasabilityViolations} (${metrics.probes} ${words.probes})`] },
    { name: words.falseAlarms, cells: [`${falsePositives.alerted} / ${falsePositives.events}`] },
    ...metrics.availability
      .filter(({ attempted }) => attempted > 0)
      .map((a) => ({ name: `${words.availability}: ${a.operation}`, cells: [`${a.succeeded} / ${a.attempted}`] })),
    ...metrics.coverage.map((c) => ({ name: `${words.coverage}: ${c.technique}`, cells: [c.state] })),
  ]
}

/** Title of a wave in the reader's language. */
export function waveTitle(report: DrillReport, wave: string, language: ReportLanguage): string {
  const titles = report.record.waveTitles[wave]
  return titles?.[language] ?? titles?.['en'] ?? wave
}

/** Slug of a member key. */
export const slugOf = (report: DrillReport, key: string) => report.members.find((m) => m.key === key)?.slug ?? key
