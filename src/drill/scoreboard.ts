import type { DrillRecord, WaveRecord } from './record.ts'
import { formatMs, judgementWords } from './report-figures.ts'
import type { Judgement } from './measure.ts'
import { reportWords } from './report-words.ts'
import type { DrillReport } from './report.ts'

/** The live scoreboard: a line a member, what it has matched in each wave so far, and the phase. */
export function scoreboardLines(record: DrillRecord, phase: string, now: number): string[] {
  const waves = [...new Set(record.waves.map((wave) => wave.wave))]
  const seconds = record.started === 0 ? '  –  ' : `${((now - record.started) / 1000).toFixed(1).padStart(5)} s`
  const width = Math.max(8, ...record.members.map((m) => m.slug.length))
  return [
    `${seconds}  ${phase}`,
    ...record.members.map((member) => {
      const cells = waves.map((wave) => {
        const row = record.waves.find((w) => w.wave === wave && w.member === member.key)
        return `${wave}: ${row ? caught(record, row) : 'not yet'}`.padEnd(44)
      })
      return `  ${member.slug.padEnd(width)}  ${cells.join('  ')}`.trimEnd()
    }),
  ]
}

/** What a member has caught of a wave, measured from the first stimulus anywhere. */
function caught(record: DrillRecord, row: WaveRecord): string {
  const start = Math.min(...record.waves.filter((w) => w.wave === row.wave).map((w) => w.started))
  const parts = (['rule', 'address'] as const).flatMap((by) => {
    const first = row.first[by]
    return first ? [`${by} ${formatMs(first.time - start)}`] : []
  })
  return parts.length === 0 ? `exposed, ${row.replays} replays` : parts.join(', ')
}

/** The scoreboard after the run: exposure windows, leaks, verdict. */
export function resultLines(report: DrillReport): string[] {
  const slug = (key: string) => report.members.find((m) => m.key === key)?.slug ?? key
  const rows = report.exposure.map((e) => [
    `${slug(e.from)} → ${slug(e.to)}`,
    e.wave,
    e.by,
    e.ms === null ? `open after ${formatMs(e.censoredAtMs)}` : formatMs(e.ms),
    `${e.attempts} replays`,
    e.known ? 'shared before the wave' : e.underCut ? 'link cut meanwhile' : '',
  ])
  const widths = [0, 1, 2, 3, 4].map((i) => Math.max(...rows.map((row) => row[i]?.length ?? 0), 0))
  const m = report.metrics
  const missed = report.judgements.filter((j) => !j.met)
  return [
    'Exposure window: from the attack at one member to the first match of the same attack at another',
    ...rows.map((row) => `  ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ')}`.trimEnd()),
    `Receipts proved: ${m.reach.proved} of ${m.reach.entitled}   Leaks found: ${m.releasabilityViolations} in ${m.probes} probes   ` +
      `False alarms: ${m.falsePositives.alerted} of ${m.falsePositives.events} benign events`,
    ...missed.map((j) => `  missed: ${missedWords(report, j)}`),
    ...report.violations.map((v) => `  leak: ${v.signal} found at ${slug(v.reader)} through ${v.way}`),
    report.passed ? 'Drill passed.' : 'Drill FAILED.',
  ]
}

function missedWords(report: DrillReport, judgement: Judgement): string {
  const { expected, observed } = judgementWords(report, judgement, reportWords('en'), 'en')
  return `${expected} (${observed})`
}
