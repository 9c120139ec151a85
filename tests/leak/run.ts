// `npm run leaks`: thousands of random worlds, in as many processes as there are processors. NOROSHI_WORLDS and NOROSHI_SEED say
// how many and from where, NOROSHI_LANES in how many processes.
import { fork } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { FIRST_SEED, setNumber, type Tally } from './campaign.ts'

const DEFAULT_WORLDS = 3_000
/** Between two lines of a run that is not on a terminal. */
const LINE_MS = 60_000

const first = setNumber('NOROSHI_SEED') ?? FIRST_SEED
const worlds = setNumber('NOROSHI_WORLDS') ?? DEFAULT_WORLDS
const lanes = Math.max(1, Math.min(setNumber('NOROSHI_LANES') ?? availableParallelism(), worlds))
const started = Date.now()
const tallies = new Map<number, Tally>()
let shown = started

const children = Array.from({ length: lanes }, (_, lane) => {
  const args = [first + lane, lanes, Math.ceil(worlds / lanes)].map(String)
  const child = fork(join(import.meta.dirname, 'lane.ts'), args)
  child.on('message', (tally: Tally) => {
    tallies.set(lane, tally)
    show()
    if (tally.failure !== undefined) fail(tally.failure)
  })
  child.on('exit', (code) => {
    if (code !== 0 && process.exitCode === undefined) fail(`The lane from seed ${first + lane} ended with ${code}.`)
  })
  return child
})
await Promise.all(children.map((child) => new Promise((done) => child.once('exit', done))))
process.stdout.write(`\n${lineOf()}${process.exitCode === 1 ? ', and then a fault' : ', all as the rules say'}\n`)

function fail(text: string): void {
  process.exitCode = 1
  process.stdout.write(`\n${text}\n`)
  for (const child of children) child.kill('SIGTERM')
}

function show(): void {
  if (process.stdout.isTTY) process.stdout.write(`\r${lineOf()} `)
  else if (Date.now() - shown > LINE_MS) {
    shown = Date.now()
    process.stdout.write(`${lineOf()}\n`)
  }
}

function lineOf(): string {
  const sum = (of: 'worlds' | 'triples') => [...tallies.values()].reduce((all, tally) => all + tally[of], 0)
  const perSecond = (sum('worlds') * 1_000) / Math.max(1, Date.now() - started)
  return `${sum('worlds')} of ${worlds} worlds from seed ${first}, ${sum('triples')} triples of object, reader and way out, ${perSecond.toFixed(2)} worlds a second`
}
