// Runs the test suites. `npm test` runs the default ones; a name (`conformance`, `e2e`, `durability`, …) runs that suite.
// The Node version is asserted first: everything else would fail for the wrong reason.
import { globSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { fileURLToPath } from 'node:url'

const HOME = dirname(dirname(fileURLToPath(import.meta.url)))
const CONCURRENCY = 2
const FILE_TIMEOUT_MS = 600_000

const SUITES: Record<string, string[]> = {
  default: [
    '{tests,bench}/*.test.ts',
    'src/**/*.test.ts',
    'tests/{cli,alliance,leak,fuzz,taxii,rogue,chaos,simulation,planted}/**/*.test.ts',
  ],
  conformance: ['tests/conformance/**/*.test.ts'],
  interop: ['tests/interop/**/*.test.ts'],
  durability: ['tests/durability/**/*.test.ts'],
  rogue: ['tests/rogue/**/*.test.ts'],
  chaos: ['tests/chaos/**/*.test.ts'],
  simulation: ['tests/simulation/**/*.test.ts'],
  e2e: ['tests/e2e/**/*.test.ts'],
}

const FIRST = 'tests/node-version.test.ts'
const wanted = process.argv.slice(2)
const patterns = (wanted.length === 0 ? ['default'] : wanted).flatMap((name) => SUITES[name] ?? [name])
const found = globSync(patterns, { cwd: HOME }).filter((path) => !path.includes('node_modules'))
const files = [FIRST, ...found.filter((path) => path !== FIRST).sort()].map((path) => join(HOME, path))
if (found.length === 0) {
  console.error(`No test file matches ${patterns.join(', ')}. Suites: ${Object.keys(SUITES).join(', ')}.`)
  process.exitCode = 2
} else {
  const stream = run({ files, concurrency: CONCURRENCY, timeout: FILE_TIMEOUT_MS, cwd: HOME })
  stream.on('test:fail', () => {
    process.exitCode = 1
  })
  // A suite that was asked for by name and could not run has not passed.
  stream.on('test:pass', ({ name, skip }) => {
    if (wanted.length === 0 || skip === undefined || skip === false) return
    console.error(`Skipped, and so failed: ${name}`)
    process.exitCode = 1
  })
  stream.compose(spec).pipe(process.stdout)
}
