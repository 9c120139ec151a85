import type { DrillReport } from './report.ts'
import { countRows, formatMs, judgementWords, slugOf, timeRows, waveTitle } from './report-figures.ts'
import { reportWords, type ReportLanguage } from './report-words.ts'

/** The report as Markdown, for mail and ticket systems. */
export function toMarkdown(report: DrillReport, language: ReportLanguage = 'en'): string {
  const w = reportWords(language)
  const title = report.title[language] ?? report.title['en'] ?? report.scenario
  const slug = (key: string) => slugOf(report, key)
  const table = (head: string[], rows: string[][]) =>
    [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.map(escapeCell).join(' | ')} |`).join('\n')
  return `${[
    `# ${title}: ${w.report}`,
    `**${report.passed ? w.passed : w.failed}** · ${w.drill} ${report.drill} · ${w.started} ${new Date(report.started).toISOString()}, ${w.lasted} ${formatMs(report.ended - report.started)}`,
    report.summary[language] ?? report.summary['en'] ?? '',
    `## ${w.headline}`,
    w.headlineNote,
    table(
      [w.member, w.wave, w.by, w.window, w.attempts, '', w.error],
      report.exposure.map((e) => [
        `${slug(e.from)} → ${slug(e.to)}`,
        waveTitle(report, e.wave, language),
        w[e.by],
        e.ms === null ? `${w.open} (> ${formatMs(e.censoredAtMs)})` : formatMs(e.ms),
        String(e.attempts),
        e.known ? w.known : e.underCut ? w.affected : w.unaffected,
        `± ${e.errorMs.toFixed(1)} ms`,
      ]),
    ),
    `## ${w.metrics}`,
    table(
      [w.metric, w.middle, w.tail, w.most, w.sample, w.misses],
      timeRows(report.metrics, w).map((row) => [row.name, ...row.cells]),
    ),
    table(
      [w.metric, ''],
      countRows(report.metrics, w).map((row) => [row.name, ...row.cells]),
    ),
    `## ${w.expectations}`,
    table(
      [w.expectations, '', ''],
      report.judgements.map((j) => {
        const { expected, observed } = judgementWords(report, j, w, language)
        return [expected, j.met ? w.met : `**${w.missed}**`, observed]
      }),
    ),
    `## ${w.holdings}`,
    table(
      [w.signal, 'TLP', w.entitled, w.holds, w.probes],
      report.canaries.map((c) => [
        c.signal,
        `TLP:${c.tlp.toUpperCase()}`,
        c.entitled.map(slug).join(', '),
        c.holders.map(slug).join(', '),
        String(c.probes),
      ]),
    ),
    `## ${w.improvements}`,
    report.improvements.length === 0
      ? w.none
      : table(
          ['', w.owner, w.retest],
          report.improvements.map((i) => [i.what, i.owner, i.retest]),
        ),
    `## ${w.timeline}`,
    report.timeline.map((row) => `- +${formatMs(row.time - report.started)} ${row.what}`).join('\n'),
    `## ${w.evidence}`,
    w.evidenceNote,
    table(
      [w.member, w.clockOffset, w.error],
      report.members.map((m) => [m.slug, `${m.clock.offsetMs} ms`, `± ${m.clock.errorMs.toFixed(1)} ms`]),
    ),
  ].join('\n\n')}\n`
}

const escapeCell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ')
