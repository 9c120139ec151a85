import type { DrillReport } from './report.ts'
import { formatMs, slugOf, waveTitle } from './report-figures.ts'
import type { ReportLanguage, ReportWords } from './report-words.ts'

const WIDTH = 860

/** Text as it may stand in HTML and SVG. */
export const escapeHtml = (text: string) => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`)

/** Exposure windows as bars on one scale: whole links, links under a cut, and windows that never closed (open end). */
export function exposureBars(report: DrillReport, words: ReportWords, language: ReportLanguage): string {
  const rows = report.exposure
  const longest = Math.max(1, ...rows.map((row) => row.ms ?? row.censoredAtMs ?? 0))
  const bars = rows.map((row) => {
    const ms = row.ms ?? row.censoredAtMs ?? 0
    const kind = row.ms === null ? 'open' : row.known ? 'known' : row.underCut ? 'cut' : 'whole'
    const ends = `${slugOf(report, row.from)} → ${slugOf(report, row.to)}`
    const label = [ends, waveTitle(report, row.wave, language), words.byWords[row.by]].join(' · ')
    const value = row.ms === null ? `> ${formatMs(ms)} · ${words.open}` : formatMs(ms)
    const width = ((ms / longest) * 100).toFixed(2)
    return `<span>${escapeHtml(label)}</span><i class="bar ${kind}" style="width:${width}%"></i><b>${escapeHtml(value)}</b>`
  })
  return `<div class="bars">${bars.join('')}</div>`
}

/** The run as lanes, one a member: waves as bands, publishing and first matches as marks, cuts as a hatched band. */
export function timelineChart(report: DrillReport): string {
  const total = Math.max(1, report.ended - report.started)
  const x = (time: number) => 110 + Math.max(0, Math.min(1, (time - report.started) / total)) * (WIDTH - 130)
  const lane = (key: string) => report.members.findIndex((m) => m.key === key)
  const height = report.members.length * 46 + 34
  const parts: string[] = []
  for (const cut of report.record.cuts) {
    const width = x(cut.until) - x(cut.from)
    for (const key of cut.between)
      parts.push(`<rect class="cutband" x="${x(cut.from)}" y="${lane(key) * 46 + 4}" width="${width}" height="38"/>`)
  }
  report.members.forEach((member, i) => {
    parts.push(`<text class="label" x="0" y="${i * 46 + 28}">${escapeHtml(member.slug)}</text>`)
    parts.push(`<line class="lane" x1="110" x2="${WIDTH - 20}" y1="${i * 46 + 23}" y2="${i * 46 + 23}"/>`)
  })
  for (const wave of report.record.waves) {
    const y = lane(wave.member) * 46
    parts.push(
      `<rect class="waveband" x="${x(wave.started)}" y="${y + 15}" width="${x(wave.ended) - x(wave.started)}" height="16" rx="8"/>`,
    )
    for (const by of ['rule', 'address'] as const) {
      const first = wave.first[by]
      if (!first) continue
      const title = `<title>${escapeHtml(`${by}: ${first.value}`)}</title>`
      parts.push(
        by === 'rule'
          ? `<circle class="mark rule" cx="${x(first.time)}" cy="${y + 23}" r="6">${title}</circle>`
          : `<rect class="mark address" x="${x(first.time) - 5}" y="${y + 18}" width="10" height="10">${title}</rect>`,
      )
    }
  }
  for (const signal of report.record.signals) {
    if (signal.published < report.started) continue
    const y = lane(signal.by) * 46
    const at = x(signal.published)
    parts.push(
      `<path class="mark publish" d="M${at} ${y + 2}l6 10h-12z"><title>${escapeHtml(signal.id)}</title></path>`,
    )
  }
  const seconds = Math.ceil(total / 1000)
  const step = Math.max(1, Math.ceil(seconds / 10))
  for (let s = 0; s <= seconds; s += step)
    parts.push(
      `<text class="tick" x="${x(report.started + s * 1000)}" y="${height - 6}" text-anchor="middle">${s} s</text>`,
    )
  return `<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="timeline">${parts.join('')}</svg>`
}
