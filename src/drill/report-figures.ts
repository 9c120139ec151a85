import type { Judgement, Metrics, Spread } from './measure.ts'
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
      .map((a) => ({
        name: `${words.availability}: ${words.operations[a.operation]}`,
        cells: [`${a.succeeded} / ${a.attempted}`],
      })),
    ...metrics.coverage.map((c) => ({ name: `${words.coverage}: ${c.technique}`, cells: [words.states[c.state]] })),
  ]
}

/** Title of a wave in the reader's language. */
export function waveTitle(report: Pick<DrillReport, 'record'>, wave: string, language: ReportLanguage): string {
  const titles = report.record.waveTitles[wave]
  return titles?.[language] ?? titles?.['en'] ?? wave
}

/** What was expected and what was observed, in words. */
export function judgementWords(
  report: Pick<DrillReport, 'members' | 'record'>,
  judgement: Judgement,
  w: ReportWords,
  language: ReportLanguage,
): { expected: string; observed: string } {
  const slug = (key: string) => slugOf(report, key)
  const cut = (is: boolean | undefined) => (is ? w.underTheCut : '')
  if ('signal' in judgement) {
    const list = (keys: readonly string[]) => keys.map(slug).join(', ') || w.nobody
    const { signal, members, holders } = judgement
    return {
      expected: fill(w.standsOnly, { signal, members: list(members) }),
      observed: holders ? fill(w.standsAt, { members: list(holders) }) : w.neverPublished,
    }
  }
  const { member, wave, by, within, underCut, ms, wasUnderCut } = judgement
  const title = waveTitle(report, wave, language)
  return {
    expected: fill(w.matchesWithin, {
      member: slug(member),
      wave: title,
      by: w.byWords[by],
      within,
      cut: cut(underCut),
    }),
    observed: ms === null ? w.noMatch : `${formatMs(ms)}${cut(wasUnderCut)}`,
  }
}

const fill = (text: string, values: Readonly<Record<string, string>>) =>
  text.replace(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole)

/** Slug of a member key. */
export const slugOf = (report: Pick<DrillReport, 'members'>, key: string) =>
  report.members.find((m) => m.key === key)?.slug ?? key
