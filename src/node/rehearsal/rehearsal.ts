import { randomUUID } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import {
  type DrillNetwork,
  type DrillNode,
  type DrillReport,
  openScenario,
  reportOf,
  resultLines,
  runDrill,
  type Scenario,
  scoreboardLines,
} from '#drill'
import { rehearsalLauncher } from './launcher.ts'
import { type ReportFiles, writeReport } from './past-drills.ts'
import { withMembers } from './more-members.ts'

/** How a rehearsal is run. */
export interface RehearsalRunOptions {
  scenarioPath: string
  /** Gets one folder per member, and the report. */
  folder: string
  /** How many members take part; absent = those of the scenario. */
  members?: number
  firstPort?: number
  /** Script and arguments that serve a node; tests swap in a broken one. */
  serve?: readonly string[]
  now: () => number
  onProgress: (text: string) => void
  /** Called with the lines of the scoreboard at each change while the drill runs. */
  onScoreboard?: (lines: string[], phase: string) => void
  /** Gives the rehearsal up, at any moment: its nodes are stopped, and it rejects with the signal's reason. */
  signal?: AbortSignal
}

/** A rehearsal whose nodes are still up; dispose to stop them. */
export interface Rehearsal extends AsyncDisposable {
  network: DrillNetwork
  scenario: Scenario
  report: DrillReport
  /** The scoreboard after the run. */
  results: string[]
  /** Files of the report, by form. */
  files: ReportFiles
}

/** Starts the members of a scenario as processes of this machine, runs the drill, writes and stores its report. */
export async function runRehearsal(options: RehearsalRunOptions): Promise<Rehearsal> {
  const opened = openScenario(options.scenarioPath)
  const scenario = options.members === undefined ? opened.scenario : withMembers(opened.scenario, options.members)
  const drill = `${scenario.scenario}-${new Date(options.now()).toISOString().replace(/\D/g, '').slice(0, 14)}`
  const { folder, now, signal } = options
  const abortable = signal ? { signal } : {}
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const launch = rehearsalLauncher({
    folder,
    now,
    ...abortable,
    ...(options.firstPort === undefined ? {} : { firstPort: options.firstPort }),
    ...(options.serve === undefined ? {} : { serve: options.serve }),
  })
  const network = await launch(scenario, options.onProgress)
  try {
    signal?.throwIfAborted()
    await storeAtNodes(network, drill, () => ({ title: scenario.title, state: 'running', started: now() }))
    const record = await runDrill({
      drill,
      scenario,
      files: opened.files,
      network,
      now,
      uuid: randomUUID,
      ...abortable,
      onChange: (record, phase) => options.onScoreboard?.(scoreboardLines(record, phase, now()), phase),
    })
    const report = reportOf(record)
    const files = await writeReport(folder, report)
    await storeResult(network, report)
    const results = resultLines(report)
    return { network, scenario, report, results, files, [Symbol.asyncDispose]: () => network[Symbol.asyncDispose]() }
  } catch (error) {
    await network[Symbol.asyncDispose]()
    throw error
  }
}

/**
 * Every member gets the windows that it is an end of, and no others: whatever is computed from several signals is for
 * those alone who may have them all. The report itself stays with the director's files.
 */
async function storeResult(network: DrillNetwork, report: DrillReport): Promise<void> {
  const slug = (key: string) => report.members.find((m) => m.key === key)?.slug ?? key
  await storeAtNodes(network, report.drill, ({ key }) => ({
    title: report.title,
    state: report.passed ? 'passed' : 'failed',
    started: report.started,
    exposure: report.exposure
      .filter(({ from, to }) => from === key || to === key)
      .map((window) => ({
        ...window,
        from: slug(window.from),
        to: slug(window.to),
        waveTitle: report.record.waveTitles[window.wave] ?? {},
      })),
  }))
}

async function storeAtNodes(network: DrillNetwork, drill: string, bodyOf: (node: DrillNode) => unknown): Promise<void> {
  for (const node of network.nodes.values()) {
    await fetch(`${node.url}/api/v1/drills/${drill}`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${node.token}`, 'content-type': 'application/json' },
      body: JSON.stringify(bodyOf(node)),
    })
  }
}
