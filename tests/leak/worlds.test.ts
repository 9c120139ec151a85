// Random worlds: whoever reads, by whichever way out, gets what the rules allow and nothing else. This runs for a budget of
// time; NOROSHI_WORLDS asks for so many worlds, NOROSHI_SEED begins elsewhere. `npm run leaks` is the long run.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { campaign, FIRST_SEED, seedsFrom, setNumber, type Tally } from './campaign.ts'

const BUDGET_MS = 30_000

test('in every random world every reader gets, by every way out, exactly what the rules allow', async (t) => {
  const end = Date.now() + BUDGET_MS
  const [first, wanted] = [setNumber('NOROSHI_SEED') ?? FIRST_SEED, setNumber('NOROSHI_WORLDS')]
  let done: Tally = { worlds: 0, triples: 0 }
  const isEnough = ({ worlds }: Tally) => (wanted === undefined ? Date.now() > end : worlds >= wanted)
  for await (done of campaign(seedsFrom(first), isEnough)) if (done.failure) assert.fail(done.failure)
  t.diagnostic(`${done.worlds} worlds, ${done.triples} triples of object, reader and way out, from seed ${first}`)
})
