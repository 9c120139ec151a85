// A campaign: the tests are seen green without any bug, then each bug is planted and its test must turn red.
import { rmSync } from 'node:fs'
import { mkdtemp, mkdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bugApplied, BuggedTree, type Outcome } from './bugged-tree.ts'
import type { PlantedBug } from './planted-bug.ts'

/** Longest run of the tests of one bug. */
const RUN_LIMIT_MS = 180_000

/** What became of a bug; all but `caught` are errors, each of its own kind. */
export type Verdict =
  | 'caught'
  /** Every test stayed green: the suite does not hold the promise. */
  | 'unnoticed'
  /** A test turned red, but not the one that is named, or it complains of something else. */
  | 'another-test'
  /** The tests hang with the bug instead of saying what is wrong. */
  | 'hangs'
  /** The named test is red, or absent, in the tree as it is: it would catch everything. */
  | 'red-without-it'
  /** The patch does not fit the files as they are. */
  | 'does-not-fit'

export interface Result {
  readonly bug: PlantedBug
  readonly verdict: Verdict
  /** The name of the test that caught it. */
  readonly by?: string
  readonly seconds: number
  /** Why it was not caught. */
  readonly why?: string
}

export interface Progress {
  /** A run begins: of a bug, or of tests without any. */
  began(what: string): void
  ended(what: string): void
  result(result: Result): void
}

export interface CampaignOptions {
  /** The tree to plant in; it is copied, never changed. */
  readonly home: string
  /** Runs at the same time, each in a copy of its own. */
  readonly lanes: number
  readonly limitMs?: number
}

/** Plants every bug; answers in the order in which they were given. */
export async function campaign(
  bugs: readonly PlantedBug[],
  { home, lanes, limitMs = RUN_LIMIT_MS }: CampaignOptions,
  progress: Progress,
): Promise<Result[]> {
  const results = new Map<PlantedBug, Result>()
  const found = (result: Result) => {
    results.set(result.bug, result)
    progress.result(result)
  }
  const fitting: PlantedBug[] = []
  for (const bug of bugs) {
    try {
      await bugApplied(home, bug)
      fitting.push(bug)
    } catch (error) {
      found({ bug, verdict: 'does-not-fit', seconds: 0, why: (error as Error).message })
    }
  }
  const folder = await mkdtemp(join(tmpdir(), 'noroshi-planted-'))
  const removeAtExit = () => rmSync(folder, { recursive: true, force: true })
  process.on('exit', removeAtExit)
  try {
    const trees = await Promise.all(
      Array.from({ length: Math.min(lanes, fitting.length) }, async (_, lane) => {
        await mkdir(join(folder, String(lane)))
        return BuggedTree.copyOf(home, join(folder, String(lane)))
      }),
    )
    const work = async (tree: BuggedTree, what: string, run: () => Promise<void>) => {
      progress.began(what)
      await run().finally(() => progress.ended(what))
    }
    const clean = new Map<PlantedBug, string | undefined>()
    await inLanes(trees, sharedRuns(fitting), (tree, together) =>
      work(tree, `${together[0]!.run.tests.join(' ')} without any bug`, async () => {
        const names = [...new Set(together.map(({ fails }) => fails))]
        const outcome = await tree.run(together[0]!.run, { names, endsAtFailure: false, limitMs: 2 * limitMs })
        for (const bug of together) clean.set(bug, whyNotGreen(outcome, bug))
      }),
    )
    for (const bug of fitting) {
      const why = clean.get(bug)
      if (why !== undefined) found({ bug, verdict: 'red-without-it', seconds: 0, why })
    }
    const sound = bySuiteInTurn(fitting.filter((bug) => clean.get(bug) === undefined))
    await inLanes(trees, sound, (tree, bug) =>
      work(tree, bug.id, async () => {
        found(judged(bug, await tree.withBug(bug, { names: [bug.fails], endsAtFailure: true, limitMs })))
      }),
    )
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 20 })
    process.off('exit', removeAtExit)
  }
  return bugs.map((bug) => results.get(bug)!)
}

function judged(bug: PlantedBug, { failed, timedOut, seconds, output }: Outcome): Result {
  if (timedOut) return { bug, verdict: 'hangs', seconds, why: output }
  const named = [...failed].find(([name]) => name.includes(bug.fails))
  if (named && (bug.says === undefined || named[1].includes(bug.says)))
    return { bug, verdict: 'caught', by: named[0], seconds }
  if (named)
    return { bug, verdict: 'another-test', seconds, why: `"${named[0]}" says nothing of "${bug.says}":\n${named[1]}` }
  if (failed.size === 0) return { bug, verdict: 'unnoticed', seconds, why: `"${bug.fails}" stayed green` }
  const names = [...failed.keys()].join(' | ')
  return { bug, verdict: 'another-test', seconds, why: `not "${bug.fails}" failed but ${names}\n${output}` }
}

function whyNotGreen({ failed, passed, timedOut, output }: Outcome, { fails }: PlantedBug): string | undefined {
  for (const [name, details] of failed) if (name.includes(fails)) return `without the bug: ${name}\n${details}`
  if (passed.some((name) => name.includes(fails))) return undefined
  return timedOut ? `without the bug the tests hang:\n${output}` : `no test "${fails}" has run:\n${output}`
}

/** Bugs whose tests run in the same files with the same settings: one run without a bug serves them all. */
function sharedRuns(bugs: readonly PlantedBug[]): PlantedBug[][] {
  return [...Map.groupBy(bugs, ({ run }) => JSON.stringify(run)).values()]
}

/** Heavy suites spread over the time, so that they do not run beside each other. */
function bySuiteInTurn(bugs: readonly PlantedBug[]): PlantedBug[] {
  const suites = [...Map.groupBy(bugs, ({ id }) => id.split('/')[0]).values()]
  return suites
    .flatMap((suite) => suite.map((bug, at) => ({ bug, at: (at + 0.5) / suite.length })))
    .toSorted((a, b) => a.at - b.at)
    .map(({ bug }) => bug)
}

async function inLanes<T>(
  trees: readonly BuggedTree[],
  tasks: readonly T[],
  work: (tree: BuggedTree, task: T) => Promise<void>,
) {
  const left = [...tasks]
  await Promise.all(
    trees.map(async (tree) => {
      for (let next = left.shift(); next !== undefined; next = left.shift()) await work(tree, next)
    }),
  )
}
