import { setTimeout as sleep } from 'node:timers/promises'
import type { DrillNode } from './launcher.ts'
import { request } from './node-client.ts'
import type { DrillRecord, WaveRecord } from './record.ts'
import { durationMs, type Scenario, type ScenarioWave } from './scenario.ts'
import type { ScenarioFiles } from './scenario-files.ts'
import { type Stimulus, stimulusAt } from './stimulus.ts'

/** Replays that may be unanswered at one member before further ones are left out, and counted as left out. */
const UNANSWERED_LIMIT = 20
/** Benign telemetry goes with each tenth replay: enough to count false alarms, without being the load. */
const BENIGN_EVERY = 10

/** The replay of one wave at one member. */
export interface Replay {
  done: Promise<void>
}

interface ReplayOptions {
  drill: string
  scenario: Scenario
  files: ScenarioFiles
  wave: ScenarioWave
  node: DrillNode
  record: DrillRecord
  now: () => number
  /** Called at the first match of the wave at this member. */
  onMatch: (wave: string) => void
  /** Ends the replay early. */
  signal: AbortSignal
}

/** What the telemetry surface answers. */
interface TelemetryAnswer {
  events: number
  hits: { indicator?: string; rule?: string }[]
}

/** Replays the wave at the member at a fixed interval from now, whatever the answers, until the wave ends. */
export function startReplay(options: ReplayOptions): Replay {
  const { wave, node, record, now } = options
  const every = durationMs(options.scenario.replay.every)
  const row: WaveRecord = {
    wave: wave.id,
    member: node.key,
    started: now(),
    ended: now() + durationMs(wave.for),
    replays: 0,
    skipped: 0,
    first: {},
  }
  record.waves.push(row)
  let unanswered = 0
  const open = new Set<Promise<void>>()

  const send = async (n: number): Promise<void> => {
    unanswered++
    const stimuli = stimulusAt(options.scenario, wave, now(), options.files.telemetry)
    const time = now()
    try {
      const attack = await post(node, `${options.drill}/${wave.id}/${n}`, bodyOf(stimuli, 'attack'))
      noteIngest(record, node.key, time, attack !== undefined)
      if (attack && noteLive(row, n, now(), attack)) options.onMatch(wave.id)
      if (n % BENIGN_EVERY === 0) {
        const benign = await post(node, `${options.drill}/${wave.id}/${n}/benign`, bodyOf(stimuli, 'benign'))
        if (benign) noteBenign(record, node.key, benign)
      }
    } finally {
      unanswered--
    }
  }

  const run = async (): Promise<void> => {
    for (let n = 0; now() < row.ended && !options.signal.aborted; n++) {
      if (unanswered >= UNANSWERED_LIMIT) row.skipped++
      else {
        row.replays = n + 1
        const work = send(n)
        open.add(work)
        void work.finally(() => open.delete(work))
      }
      const wait = Math.max(0, row.started + (n + 1) * every - now())
      await sleep(wait, undefined, { signal: options.signal }).catch(() => undefined)
    }
    await Promise.all(open)
  }
  return { done: run() }
}

const bodyOf = (stimuli: readonly Stimulus[], kind: 'attack' | 'benign') =>
  stimuli
    .filter((stimulus) => stimulus.kind === kind)
    .map(({ body }) => body.trimEnd())
    .join('\n')

/** For the scoreboard only: the figures of the report come from the members' signed journals. */
function noteLive(row: WaveRecord, replay: number, time: number, answer: TelemetryAnswer): boolean {
  let news = false
  for (const hit of answer.hits) {
    const by = hit.rule === undefined ? 'address' : 'rule'
    if (row.first[by]) continue
    row.first[by] = { time, replay, value: '', what: hit.rule ?? hit.indicator ?? '' }
    news = true
  }
  return news
}

/** Undefined where the node did not take it: an outage of one member must not end the drill. */
async function post(node: DrillNode, run: string, body: string): Promise<TelemetryAnswer | undefined> {
  try {
    const path = `/api/v1/telemetry?format=auto&run=${encodeURIComponent(run)}`
    const response = await request(node, 'POST', path, body, 'application/x-ndjson')
    return response.ok ? ((await response.json()) as TelemetryAnswer) : undefined
  } catch {
    return undefined
  }
}

function noteIngest(record: DrillRecord, member: string, time: number, ok: boolean): void {
  const during = record.cuts.some((cut) => cut.between.includes(member) && time >= cut.from && time < cut.until)
  if (during) record.operations.push({ member, operation: 'ingest', time, ok })
}

function noteBenign(record: DrillRecord, member: string, answer: TelemetryAnswer): void {
  let row = record.benign.find((b) => b.member === member)
  if (!row) record.benign.push((row = { member, events: 0, alerted: 0 }))
  row.events += answer.events
  row.alerted += answer.hits.length
}
