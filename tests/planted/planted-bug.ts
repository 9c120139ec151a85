// A planted bug is a real patch under `tests/planted/<suite>/`: the promise that it breaks, the tests to run, the test that must turn red.
import { readFileSync, globSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { parsePatch } from 'diff'
import type { StructuredPatch } from 'diff'

export interface PlantedBug {
  /** `<suite>/<nn>-<name>`, as it is asked for. */
  readonly id: string
  readonly promise: string
  readonly run: Run
  /** Part of the name of a test that must fail. */
  readonly fails: string
  /** What that failure has to speak of, where one test holds many promises. */
  readonly says?: string
  readonly files: readonly StructuredPatch[]
}

export interface Run {
  readonly env: Readonly<Record<string, string>>
  /** Test files, relative to the root. */
  readonly tests: readonly string[]
}

const HEADS = ['Promise', 'Run', 'Fails'] as const

/** Every planted bug under `folder` whose id begins with `asked`, in order of name. */
export function plantedBugs(folder: string, asked: string): PlantedBug[] {
  return globSync('*/*.patch', { cwd: folder })
    .filter((path) => path.startsWith(asked))
    .toSorted()
    .map((path) =>
      readPlantedBug(`${dirname(path)}/${basename(path, '.patch')}`, readFileSync(join(folder, path), 'utf8')),
    )
}

/** @throws Error that names the bug and what its header or its patch lacks. */
export function readPlantedBug(id: string, text: string): PlantedBug {
  const start = text.search(/^(diff --git|--- )/m)
  if (start < 0) throw new Error(`${id}: there is no patch in it: lines "--- a/FILE" and "+++ b/FILE" are missing`)
  const [promise, run, fails] = HEADS.map((head) => headerLine(id, text.slice(0, start), head)) as [
    string,
    string,
    string,
  ]
  const files = parsePatch(text.slice(start))
  if (files.length === 0 || files.some(({ hunks }) => hunks.length === 0))
    throw new Error(`${id}: a file of the patch changes nothing`)
  const says = /^Says: (.+)$/m.exec(text.slice(0, start))?.[1]?.trim()
  return { id, promise, run: readRun(id, run), fails, files, ...(says === undefined ? {} : { says }) }
}

/** The path in the tree that one file of a patch changes. */
export function patchedPath(file: StructuredPatch): string {
  return (file.newFileName ?? '').replace(/^b\//, '')
}

function headerLine(id: string, header: string, head: string): string {
  const line = new RegExp(`^${head}: (.+)$`, 'm').exec(header)?.[1]?.trim()
  if (line === undefined || line === '') throw new Error(`${id}: its header has no line "${head}: …"`)
  return line
}

function readRun(id: string, line: string): Run {
  const words = line.split(/\s+/)
  const env = words
    .filter((word) => /^[A-Z_]+=/.test(word))
    .map((word) => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)])
  const tests = words.filter((word) => word.endsWith('.test.ts'))
  if (tests.length === 0 || tests.length + env.length !== words.length) {
    throw new Error(`${id}: "Run:" takes settings (NAME=value) and test files, and here it says "${line}"`)
  }
  return { env: Object.fromEntries(env), tests }
}
