import type { DrillReport } from './report.ts'
import { escapeHtml as esc, exposureBars, timelineChart } from './report-chart.ts'
import { countRows, formatMs, judgementWords, slugOf, timeRows, waveTitle } from './report-figures.ts'
import { REPORT_STYLE } from './report-style.ts'
import { reportWords, type ReportLanguage, type ReportWords } from './report-words.ts'

/** The report as one HTML file: charts inside, no network, no script, printable. */
export function toHtml(report: DrillReport, language: ReportLanguage = 'en'): string {
  const w = reportWords(language)
  const title = report.title[language] ?? report.title['en'] ?? report.scenario
  return `<!doctype html>
<html lang="${language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${esc(title)} – ${esc(w.report)}</title><style>${REPORT_STYLE}</style></head><body><main>
<h1>${esc(title)}</h1>
<p class="meta"><span class="verdict ${report.passed ? '' : 'failed'}">${esc(report.passed ? w.passed : w.failed)}</span> ${esc(w.report)} · ${esc(report.drill)} · ${new Date(report.started).toISOString()} · ${esc(w.lasted)} ${formatMs(report.ended - report.started)}</p>
<p class="lead">${esc(report.summary[language] ?? report.summary['en'] ?? '')}</p>
${tiles(report, w)}
<h2>${esc(w.headline)}</h2><p class="note">${esc(w.headlineNote)}</p>
${exposureBars(report, w, language)}
<p class="key"><span><i class="i-whole"></i>${esc(w.unaffected)}</span><span><i class="i-cut"></i>${esc(w.affected)}</span><span><i class="i-known"></i>${esc(w.known)}</span><span><i class="i-open"></i>${esc(w.open)}</span></p>
${exposureTable(report, w, language)}
<h2>${esc(w.timeline)}</h2><div class="scroll">${timelineChart(report)}</div>
<p class="key"><span>▲ ${esc(w.signal)}</span><span>● ${esc(w.rule)}</span><span>■ ${esc(w.address)}</span></p>
<h2>${esc(w.metrics)}</h2>
${table(
  [w.metric, w.middle, w.tail, w.most, w.sample, w.misses],
  timeRows(report.metrics, w).map((row) => [row.name, ...row.cells]),
)}
${table(
  [w.metric, ''],
  countRows(report.metrics, w).map((row) => [row.name, ...row.cells]),
)}
<h2>${esc(w.expectations)}</h2>
${judgements(report, w, language)}
<h2>${esc(w.holdings)}</h2>
${table(
  [w.signal, 'TLP', w.entitled, w.holds, w.probes],
  report.canaries.map((c) => [
    c.signal,
    `TLP:${c.tlp.toUpperCase()}`,
    c.entitled.map((key) => slugOf(report, key)).join(', '),
    c.holders.map((key) => slugOf(report, key)).join(', '),
    String(c.probes),
  ]),
)}
<h2>${esc(w.improvements)}</h2>
${
  report.improvements.length === 0
    ? `<p>${esc(w.none)}</p>`
    : table(
        ['', w.owner, w.retest],
        report.improvements.map((i) => [i.what, i.owner, i.retest]),
      )
}
<h2>${esc(w.evidence)}</h2><p class="note">${esc(w.evidenceNote)}</p>
${table(
  [w.member, w.clockOffset, w.error],
  report.members.map((m) => [`${m.slug} · ${m.name}`, `${m.clock.offsetMs} ms`, `± ${m.clock.errorMs.toFixed(1)} ms`]),
)}
</main></body></html>
`
}

function tiles(report: DrillReport, w: ReportWords): string {
  const m = report.metrics
  const tile = (value: string, name: string) => `<div class="tile"><b>${esc(value)}</b><span>${esc(name)}</span></div>`
  return `<div class="tiles">${[
    tile(formatMs(m.exposure.p50), `${w.exposureWhole}, ${w.middle}`),
    tile(formatMs(m.exposureUnderCut.max), `${w.exposureCut}, ${w.most}`),
    tile(`${m.reach.proved} / ${m.reach.entitled}`, w.reach),
    tile(String(m.releasabilityViolations), `${w.leaks} (${m.probes} ${w.probes})`),
  ].join('')}</div>`
}

function exposureTable(report: DrillReport, w: ReportWords, language: ReportLanguage): string {
  return table(
    [w.member, w.window, w.wave, w.by, w.attempts, w.error],
    report.exposure.map((e) => [
      `${slugOf(report, e.from)} → ${slugOf(report, e.to)}`,
      e.ms === null ? `${w.open} (> ${formatMs(e.censoredAtMs)})` : formatMs(e.ms),
      waveTitle(report, e.wave, language),
      w[e.by],
      String(e.attempts),
      `± ${e.errorMs.toFixed(1)} ms`,
    ]),
  )
}

function judgements(report: DrillReport, w: ReportWords, language: ReportLanguage): string {
  const rows = report.judgements.map((j) => {
    const { expected, observed } = judgementWords(report, j, w, language)
    const verdict = `<td class="n ${j.met ? 'good' : 'bad'}">${esc(j.met ? w.met : w.missed)}</td>`
    return `<tr><td>${esc(expected)}</td>${verdict}<td>${esc(observed)}</td></tr>`
  })
  return `<div class="scroll"><table><tbody>${rows.join('')}</tbody></table></div>`
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = (row: readonly string[], tag: string) => row.map((cell) => `<${tag}>${esc(cell)}</${tag}>`).join('')
  return `<div class="scroll"><table><thead><tr>${cells(head, 'th')}</tr></thead><tbody>${rows
    .map((row) => `<tr>${cells(row, 'td')}</tr>`)
    .join('')}</tbody></table></div>`
}
