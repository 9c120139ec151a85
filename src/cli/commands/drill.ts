import { join } from 'node:path'
import { openDrillFolder } from '#node'
import { EXIT, examples, type Register, UsageError } from '../command.ts'
import { DRILLS_FOLDER, runDrillWithScoreboard } from '../drill-run.ts'
import { table } from '../output.ts'
import { listenForStop, unlessStopped } from '../stop-request.ts'

interface RunOptions {
  members?: string
  report?: string
  json?: boolean
}

/** `noroshi drill run | list | report` */
export const register: Register = (program, { output, exit }) => {
  const drill = program
    .command('drill')
    .description('Run a scenario, list and read drills.')
    .addHelpText('after', examples(['noroshi drill list', 'noroshi drill run router-botnet']))

  drill
    .command('run <scenario>')
    .description('Run a scenario as a rehearsal: every member a process of this machine, with links that can be cut.')
    .option('--members <n>', 'more members than the scenario names; they join its alliances and receive')
    .option('--report <dir>', `folder for the report (default: ${DRILLS_FOLDER}/ID)`)
    .option('--json', 'print the report as JSON')
    .addHelpText(
      'after',
      examples(['noroshi drill run router-botnet', 'noroshi drill run ./my-scenario --members 8 --report out']),
    )
    .action(async (scenario: string, options: RunOptions) => {
      using stop = listenForStop(() => output.note('Stopping …'))
      const { findScenario, writeReport } = await openDrillFolder()
      await using run = await unlessStopped(stop, () =>
        runDrillWithScoreboard({
          scenarioPath: findScenario(scenario),
          output,
          signal: stop.signal,
          ...(options.members === undefined ? {} : { members: toCount(options.members) }),
        }),
      )
      if (run === undefined) return exit(EXIT.failed)
      const files = await writeReport(options.report ?? join(DRILLS_FOLDER, run.report.drill), run.report)
      if (options.json) await output.line(JSON.stringify(run.report))
      else for (const line of [...run.results, `Report: ${files.html}`]) await output.line(line)
      exit(run.report.passed ? EXIT.done : EXIT.no)
    })

  drill
    .command('list')
    .description('Scenarios that come with Noroshi, and drills whose reports lie here.')
    .option('--dir <dir>', 'folder of reports', DRILLS_FOLDER)
    .option('--json', 'print JSON')
    .addHelpText('after', examples(['noroshi drill list']))
    .action(async (options: { dir: string; json?: boolean }) => {
      const { pastDrills, shippedScenarios } = await openDrillFolder()
      const scenarios = shippedScenarios()
      const drills = await pastDrills(options.dir)
      if (options.json) await output.line(JSON.stringify({ scenarios, drills }))
      else {
        await output.line('Scenarios:')
        for (const line of table(scenarios.map(({ id, title }) => [`  ${id}`, title]))) await output.line(line)
        await output.line(`Drills in ${options.dir}:${drills.length === 0 ? ' none' : ''}`)
        const rows = drills.map((d) => [
          `  ${d.id}`,
          d.title,
          d.passed ? 'passed' : 'failed',
          new Date(d.started).toISOString(),
        ])
        for (const line of table(rows)) await output.line(line)
      }
      exit(EXIT.done)
    })

  drill
    .command('report <id>')
    .description('The report of a drill again; exit code 1 if it failed.')
    .option('--dir <dir>', 'folder of reports', DRILLS_FOLDER)
    .option('--json', 'print the whole report as JSON, with every signed statement')
    .addHelpText('after', examples(['noroshi drill report router-botnet-20260101000000 --json > report.json']))
    .action(async (id: string, options: { dir: string; json?: boolean }) => {
      const { pastDrills, readReport, reportText } = await openDrillFolder()
      const past = (await pastDrills(options.dir)).find((one) => one.id === id)
      const folder = past?.folder ?? join(options.dir, id)
      const report = await readReport(folder)
      if (options.json) await output.line(JSON.stringify(report))
      else await output.line(reportText(report))
      exit(report.passed ? EXIT.done : EXIT.no)
    })
}

function toCount(text: string): number {
  if (!/^\d{1,3}$/.test(text)) throw new UsageError(`--members: ${text} is not a number.`)
  return Number(text)
}
