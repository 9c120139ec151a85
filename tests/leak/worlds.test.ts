// Random worlds: whoever reads, by whichever way out, gets what the rules allow and nothing else. `npm test` runs for a
// budget of time; NOROSHI_WORLDS runs so many worlds, NOROSHI_SEED begins elsewhere. A failure is shrunk and tells its seed.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judge } from './judge.ts'
import { type Plan, planOf } from './world-plan.ts'

/** Worlds that stand on one another: charters change between them. */
const STEPS = 2
const BUDGET_MS = 30_000
const SEED = numberOf('NOROSHI_SEED') ?? 20_261_122
/** `npm run leaks` is the long run. */
const LONG_WORLDS = 3_000
const WORLDS = numberOf('NOROSHI_WORLDS') ?? (process.env['npm_lifecycle_event'] === 'leaks' ? LONG_WORLDS : undefined)
/** Every so many stages are asked over sockets, the others in process. */
const SOCKETS_EVERY = 10
const SHRINK_MS = 60_000
const SHOWN = 12

function numberOf(name: string): number | undefined {
  const text = process.env[name] ?? ''
  return text === '' ? undefined : Number(text)
}

test('in every random world every reader gets, by every way out, exactly what the rules allow', async (t) => {
  const started = Date.now()
  let [worlds, triples] = [0, 0]
  const isEnough = () => (WORLDS === undefined ? Date.now() - started > BUDGET_MS : worlds >= WORLDS)
  for (let seed = SEED; worlds === 0 || !isEnough(); seed++) {
    const overSockets = (seed - SEED) % SOCKETS_EVERY === 1
    const plan = planOf(seed, STEPS)
    const verdict = await judge(plan, { overSockets })
    worlds += verdict.worlds
    triples += verdict.triples
    if (verdict.faults.length === 0) continue
    const small = await shrunk(plan)
    assert.fail(
      [
        `${verdict.faults.length} faults with NOROSHI_SEED=${seed} NOROSHI_WORLDS=1:`,
        ...verdict.faults.slice(0, SHOWN),
        `shrunk: ${JSON.stringify(small.plan.steps)}`,
        ...small.faults.slice(0, SHOWN),
      ].join('\n'),
    )
  }
  t.diagnostic(`${worlds} worlds, ${triples} triples of object, reader and way out, from seed ${SEED}`)
})

/** The same with fewer things, as long as a fault is left. */
async function shrunk(plan: Plan): Promise<{ plan: Plan; faults: string[] }> {
  const end = Date.now() + SHRINK_MS
  let [kept, faults] = [plan, [] as string[]]
  for (const { n } of plan.steps.flatMap(({ things }) => things)) {
    if (Date.now() > end) break
    const less = without(kept, n)
    const found = (await judge(less)).faults
    if (found.length > 0) [kept, faults] = [less, found]
  }
  return { plan: kept, faults }
}

const without = (plan: Plan, n: number): Plan => ({
  ...plan,
  steps: plan.steps.map((step) => ({
    ...step,
    recalls: step.recalls.filter((one) => one !== n),
    things: step.things.filter((thing) => thing.n !== n && thing.of !== n && !thing.refs.includes(n)),
  })),
})
