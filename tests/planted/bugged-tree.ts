// A copy of the whole tree in which a planted bug is applied, its tests are run, and the files are put back.
import { spawn } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative, sep } from 'node:path'
import { applyPatch } from 'diff'
import { patchedPath } from './planted-bug.ts'
import type { PlantedBug } from './planted-bug.ts'

/** What stays out of the copy: the dependencies are linked, the rest no test reads. */
const NOT_COPIED = new Set(['node_modules', '.git'])
/** A bug may make a test hang; its run ends after this time and counts as not caught, since no test said so. */
const RUN_LIMIT_MS = 180_000
const OUTPUT_KEPT = 4_000

export interface Outcome {
  /** The names of the tests that failed. */
  readonly failed: readonly string[]
  readonly timedOut: boolean
  /** The end of what the run printed. */
  readonly output: string
}

export class BuggedTree {
  readonly #root: string
  readonly #home: string

  private constructor(home: string, root: string) {
    this.#home = home
    this.#root = root
  }

  static async copyOf(home: string): Promise<BuggedTree> {
    const root = await mkdtemp(join(tmpdir(), 'noroshi-planted-'))
    await cp(home, root, {
      recursive: true,
      filter: (path) => !NOT_COPIED.has(relative(home, path).split(sep)[0] ?? ''),
    })
    await symlink(join(home, 'node_modules'), join(root, 'node_modules'))
    return new BuggedTree(home, root)
  }

  /** @throws Error where a hunk does not fit the file as it is today. */
  async withBug(bug: PlantedBug): Promise<Outcome> {
    const before = new Map<string, string>()
    try {
      for (const file of bug.files) {
        const path = patchedPath(file)
        const text = await readFile(join(this.#root, path), 'utf8')
        const bugged = applyPatch(text, file)
        if (bugged === false)
          throw new Error(`${bug.id}: the patch no longer fits ${path}; write it anew against the file as it is`)
        before.set(path, text)
        await writeFile(join(this.#root, path), bugged)
      }
      return await this.run(bug)
    } finally {
      for (const [path, text] of before) await writeFile(join(this.#root, path), text)
    }
  }

  /** Runs the tests that hold the bug's promise as the files stand in the copy. */
  async run({ run: { env, tests }, fails }: Pick<PlantedBug, 'run' | 'fails'>): Promise<Outcome> {
    const shared = process.env.NOROSHI_SHARED ?? join(this.#home, '..', 'shared')
    const { NODE_TEST_CONTEXT: _, ...outer } = process.env
    const child = spawn(
      process.execPath,
      ['--test', '--test-reporter=tap', `--test-name-pattern=${RegExp.escape(fails)}`, ...tests],
      {
        cwd: this.#root,
        env: { ...outer, NOROSHI_SHARED: shared, ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    )
    const limit = AbortSignal.timeout(RUN_LIMIT_MS)
    limit.addEventListener('abort', () => child.kill('SIGKILL'))
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (output += text))
    await new Promise((done) => child.once('close', done))
    return { failed: failedTests(output), timedOut: limit.aborted, output: output.slice(-OUTPUT_KEPT) }
  }

  async remove(): Promise<void> {
    await rm(this.#root, { recursive: true, force: true })
  }
}

function failedTests(tap: string): string[] {
  return [...tap.matchAll(/^\s*not ok \d+ - (.+)$/gm)].map((match) => (match[1] ?? '').replaceAll('\\#', '#'))
}
