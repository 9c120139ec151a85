// Runs the benchmarks: `npm run bench [-- NAME-OR-PREFIX…] [--json FILE]`; medians of at least five samples after a warm-up.
import { globSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import type { Bench } from './bench.ts'
import { chosenBenches } from './chosen.ts'

const SAMPLES = 5
const HOME = dirname(fileURLToPath(import.meta.url))

interface Row {
  name: string
  what: string
  unit: string
  target: number
  median: number
  min: number
  max: number
  reached: boolean
}

const { values, positionals } = parseArgs({ allowPositionals: true, options: { json: { type: 'string' } } })

async function load(): Promise<Bench[]> {
  const modules = globSync('*.bench.ts', { cwd: HOME }).sort()
  const loaded = await Promise.all(
    modules.map(async (file) => (await import(pathToFileURL(join(HOME, file)).href)) as { benches: Bench[] }),
  )
  return loaded.flatMap((module) => module.benches)
}

async function measure(bench: Bench): Promise<Row> {
  process.stderr.write(`${bench.name} …`)
  const { sample, dispose } = await bench.prepare()
  await sample()
  const figures: number[] = []
  for (let i = 0; i < SAMPLES; i++) {
    figures.push(await sample())
    process.stderr.write('.')
  }
  await dispose?.()
  process.stderr.write('\n')
  figures.sort((a, b) => a - b)
  const median = figures[SAMPLES >> 1] ?? NaN
  const reached = bench.better === 'higher' ? median >= bench.target : median <= bench.target
  const { name, what, unit, target } = bench
  return { name, what, unit, target, median, min: figures[0] ?? NaN, max: figures.at(-1) ?? NaN, reached }
}

const figure = (n: number) => (Math.abs(n) >= 100 ? Math.round(n).toLocaleString('en') : n.toPrecision(3))

function print(rows: Row[]): void {
  const cells = rows.map((row) => [
    row.name,
    `${figure(row.median)} ${row.unit}`,
    `${figure(row.min)}–${figure(row.max)}`,
    figure(row.target),
    row.reached ? 'reached' : 'short',
    row.what,
  ])
  const head = ['bench', 'median', 'min–max', 'target', '', 'what']
  const widths = head.map((title, i) => Math.max(title.length, ...cells.map((row) => row[i]?.length ?? 0)))
  for (const row of [head, ...cells])
    console.log(
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
}

const all = await load()
const { wanted, unknown } = chosenBenches(all, positionals)
if (unknown.length > 0) {
  console.error(`No such benchmark: ${unknown.join(', ')}. There are: ${all.map((bench) => bench.name).join(', ')}`)
  process.exitCode = 2
} else {
  const rows: Row[] = []
  for (const bench of wanted) rows.push(await measure(bench))
  print(rows)
  const leftOut = positionals.length === 0 ? all.filter((bench) => bench.byNameOnly).map((bench) => bench.name) : []
  if (leftOut.length > 0)
    console.log(`\nLeft out, since they take minutes: ${leftOut.join(', ')}. Name them to run them.`)
  const machine = { cpu: cpus()[0]?.model, cores: cpus().length, memory: totalmem(), node: process.version }
  if (values.json) writeFileSync(values.json, JSON.stringify({ machine, rows, leftOut }, null, 2))
}
