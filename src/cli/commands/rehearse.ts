import { join } from 'node:path'
import { buildWebPage, openDrillFolder } from '#node'
import { EXIT, examples, type Register } from '../command.ts'
import { DRILLS_FOLDER, type DrillRun, runDrillWithScoreboard } from '../drill-run.ts'
import type { Output } from '../output.ts'
import { listenForStop, unlessStopped } from '../stop-request.ts'

/** First port of the rehearsal's web pages; taken ports are passed over. */
const FIRST_PORT = 7341

/** `noroshi rehearse`, which is `npm start` */
export const register: Register = (program, { output, exit }) => {
  program
    .command('rehearse')
    .description(
      'Start four nations in two overlapping alliances on this machine, run one drill, and keep the nodes up until Ctrl-C.',
    )
    .option('--scenario <scenario>', 'name of a shipped scenario, or a path', 'router-botnet')
    .option('--once', 'stop after the drill instead of staying up')
    .option('--json', 'print the addresses and the verdict as JSON')
    .addHelpText('after', examples(['npm start', 'noroshi rehearse --scenario ./my-scenario --once']))
    .action(async (options: { scenario: string; once?: boolean; json?: boolean }) => {
      using stop = listenForStop(() => output.note('Stopping …'))
      output.note('Noroshi: a rehearsal on this machine')
      const page = buildWebPage((text) => output.note(`  ${text} …`))
      page.catch(() => undefined)
      const { findScenario } = await openDrillFolder()
      const scenarioPath = findScenario(options.scenario)
      await Promise.race([page, stop.asked])
      const { signal } = stop
      await using run = await unlessStopped(stop, () =>
        runDrillWithScoreboard({ scenarioPath, firstPort: FIRST_PORT, output, signal }),
      )
      if (run === undefined) return exit(EXIT.failed)
      await tell(run, output, options.json === true)
      if (!options.once) {
        output.note('The nodes stay up until Ctrl-C.')
        await stop.asked
      }
      exit(run.report.passed ? EXIT.done : EXIT.no)
    })
}

async function tell(run: DrillRun, output: Output, asJson: boolean): Promise<void> {
  const { drill, passed } = run.report
  const { writeReport } = await openDrillFolder()
  const files = await writeReport(join(DRILLS_FOLDER, drill), run.report)
  const pages = [...run.network.nodes.values()].map(({ slug, url, token }) => ({ slug, url: `${url}/#token=${token}` }))
  if (asJson) {
    await output.line(JSON.stringify({ drill, passed, pages, files }))
    return
  }
  await output.line('')
  for (const line of run.results) await output.line(line)
  await output.line('')
  await output.line('Web pages:')
  const width = Math.max(...pages.map(({ slug }) => slug.length))
  for (const { slug, url } of pages) await output.line(`  ${slug.padEnd(width)}  ${url}`)
  await output.line(`After-action report: ${files.html} (also .md, .json, and .ja.html in Japanese)`)
}
