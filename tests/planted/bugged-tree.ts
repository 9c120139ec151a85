// A copy of the whole tree in which a planted bug is applied, its tests are run, and the files are put back.
import { spawn } from 'node:child_process'
import { cp, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { applyPatch } from 'diff'
import { patchedPath } from './planted-bug.ts'
import type { PlantedBug, Run } from './planted-bug.ts'
import { TapReader } from './tap-reader.ts'

/** What stays out of the copy: the dependencies are linked, the rest no test reads. */
const NOT_COPIED = new Set(['node_modules', '.git'])
const OUTPUT_KEPT = 4_000

export interface Outcome {
  /** The names of the tests that failed, and what each said. */
  readonly failed: ReadonlyMap<string, string>
  /** The names of the tests that passed. */
  readonly passed: readonly string[]
  readonly timedOut: boolean
  readonly seconds: number
  /** The end of what the run printed. */
  readonly output: string
}

export interface RunOptions {
  /** Parts of the names of the tests to run. */
  readonly names: readonly string[]
  /** The first failure of a test of these names ends the run: the rest would tell nothing new. */
  readonly endsAtFailure: boolean
  /** A bug may make a test hang; its run ends after this time, and no test has said anything. */
  readonly limitMs: number
}

export class BuggedTree {
  readonly #home: string
  readonly #root: string
  /** What tests leave behind when they are ended goes with it. */
  readonly #scratch: string
  readonly #cache: string

  private constructor(home: string, folder: string) {
    this.#home = home
    this.#root = join(folder, 'tree')
    this.#scratch = join(folder, 'tmp')
    this.#cache = join(folder, 'compiled')
  }

  /** Copies the tree at `home` into a folder that is there and empty. */
  static async copyOf(home: string, folder: string): Promise<BuggedTree> {
    const tree = new BuggedTree(home, folder)
    await cp(home, tree.#root, {
      recursive: true,
      filter: (path) => !NOT_COPIED.has(relative(home, path).split(sep)[0] ?? ''),
    })
    await symlink(join(home, 'node_modules'), join(tree.#root, 'node_modules'))
    return tree
  }

  /** @throws Error where a hunk does not fit the file as it is today. */
  async withBug(bug: PlantedBug, options: RunOptions): Promise<Outcome> {
    const { before, bugged } = await bugApplied(this.#root, bug)
    try {
      for (const [path, text] of bugged) await writeFile(join(this.#root, path), text)
      return await this.run(bug.run, options)
    } finally {
      for (const [path, text] of before) await writeFile(join(this.#root, path), text)
    }
  }

  /** Runs tests as the files stand in the copy. */
  async run({ env, tests }: Run, { names, endsAtFailure, limitMs }: RunOptions): Promise<Outcome> {
    await mkdir(this.#scratch, { recursive: true })
    const shared = process.env.NOROSHI_SHARED ?? join(this.#home, '..', 'shared')
    const { NODE_TEST_CONTEXT: _, ...outer } = process.env
    const patterns = names.map((name) => `--test-name-pattern=${RegExp.escape(name)}`)
    const began = performance.now()
    const child = spawn(
      process.execPath,
      ['--test', '--test-isolation=none', '--test-reporter=tap', ...patterns, ...tests],
      {
        cwd: this.#root,
        env: {
          ...outer,
          NOROSHI_SHARED: shared,
          TMPDIR: this.#scratch,
          NODE_COMPILE_CACHE: this.#cache,
          ...env,
        },
        stdio: ['ignore', 'pipe', 'pipe'],
        detached: true,
      },
    )
    const end = () => {
      try {
        process.kill(-child.pid!, 'SIGKILL')
      } catch {
        // It has ended meanwhile.
      }
    }
    process.on('exit', end)
    const limit = AbortSignal.timeout(limitMs)
    limit.addEventListener('abort', end)
    const tap = new TapReader()
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        output = (output + text).slice(-OUTPUT_KEPT)
        if (stream !== child.stdout) return
        tap.push(text)
        if (endsAtFailure && tap.hasFailed(names)) end()
      })
    const code = await new Promise<number | null>((done) => child.once('close', done))
    process.off('exit', end)
    const { failed, passed } = tap
    const seconds = (performance.now() - began) / 1_000
    // Processes that the tests started may be writing for a moment longer.
    await rm(this.#scratch, { recursive: true, force: true, maxRetries: 3 }).catch(() => undefined)
    // A file that can't even be loaded says so to nobody but the exit code.
    const wasEnded = limit.aborted || (endsAtFailure && tap.hasFailed(names))
    if (!wasEnded && code !== 0 && failed.size === 0) failed.set(`the run itself (exit code ${code})`, output)
    return { failed, passed, timedOut: limit.aborted && !tap.hasFailed(names), seconds, output }
  }
}

/**
 * The files that a bug changes, as they are under `root` and as they are with the bug.
 * @throws Error where a hunk does not fit the file as it is today
 */
export async function bugApplied(
  root: string,
  bug: PlantedBug,
): Promise<{ before: Map<string, string>; bugged: Map<string, string> }> {
  const before = new Map<string, string>()
  const bugged = new Map<string, string>()
  for (const file of bug.files) {
    const path = patchedPath(file)
    const text = await readFile(join(root, path), 'utf8').catch(() => {
      throw new Error(`${bug.id}: there is no ${path} any more; write the patch anew against the files as they are`)
    })
    const with_ = applyPatch(text, file)
    if (with_ === false)
      throw new Error(`${bug.id}: the patch no longer fits ${path}; write it anew against the file as it is`)
    before.set(path, text)
    bugged.set(path, with_)
  }
  return { before, bugged }
}
