// The fault-injected file layer: every write of a publishing process is recorded, the power fails at a random point, and
// the disk keeps what was synced and any part of the rest. Nothing acknowledged may be lost.
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { sampleFolder } from '../../src/store/samples.ts'
import { crash, type Cut, randomOf } from './crash.ts'
import { buildLayer, type FileOp, readTrace } from './file-trace.ts'
import { lossesOf } from './kept.ts'
import { type Ack, Publishing } from '../../src/store/sample-publishing.ts'

const SEED = Number(process.env['NOROSHI_SEED'] ?? 20_260_101)
const TRACES = 8
const ROUNDS = 200
const AT_ONCE = 4
const LYING_ROUNDS = 6
const CUTS: readonly Cut[] = ['drop', 'torn', 'some', 'torn', 'keep']

/** Publishes in bursts of random size and length, with a write-ahead log that is copied back every few commits. */
async function record(home: string, layer: string, seed: number): Promise<FileOp[]> {
  const random = randomOf(seed)
  const folder = join(home, `publishing-${seed}`)
  mkdirSync(folder)
  const file = join(home, `trace-${seed}`)
  const env = { LD_PRELOAD: layer, NOROSHI_TRACE_FILE: file, NOROSHI_TRACE_FOLDER: folder }
  const publishing = new Publishing(folder, { env, walPages: 8 + Math.floor(random() * 60) })
  let count = 0
  for (let burst = 0; burst < 12; burst++) {
    const names = Array.from(
      { length: 1 + Math.floor(random() ** 3 * 30) },
      () => `e ${count++} ${Math.floor(random() ** 4 * 40_000)}`,
    )
    publishing.publish(names)
    if (random() < 0.7) await publishing.acknowledged(count)
  }
  await publishing.acknowledged(count)
  await publishing.finish()
  return readTrace(readFileSync(file))
}

/** What had been acknowledged when the power failed. */
function acksBefore(ops: readonly FileOp[], until: number): Ack[] {
  return ops
    .slice(0, until)
    .flatMap((op) => (op.op === 'say' ? op.text.split('\n') : []))
    .filter((line) => line.startsWith('ack '))
    .map((line) => JSON.parse(line.slice(4)) as Ack)
}

test(`${ROUNDS} power cuts at random points lose nothing that was acknowledged`, async (t) => {
  using sample = sampleFolder()
  const home = realpathSync(sample.folder)
  const layer = buildLayer(home)
  const traces: FileOp[][] = []
  for (let i = 0; i < TRACES; i++) traces.push(await record(home, layer, SEED + i))

  await t.test('rounds', async () => {
    let acknowledged = 0
    const roundOf = async (round: number) => {
      const random = randomOf(SEED * 31 + round)
      const ops = traces[round % TRACES] ?? []
      const until = 1 + Math.floor(random() * ops.length)
      const cut = CUTS[round % CUTS.length] ?? 'drop'
      const folder = join(home, `round-${round}`)
      crash(ops, folder, { until, cut, random })
      const acks = acksBefore(ops, until)
      acknowledged += acks.length
      const losses = await lossesOf(folder, acks)
      assert.deepEqual(losses, [], `seed ${SEED}, round ${round}: ${cut} after ${until} operations`)
      rmSync(folder, { recursive: true })
    }
    for (let round = 0; round < ROUNDS; round += AT_ONCE)
      await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => roundOf(round + i)))
    assert.ok(acknowledged > ROUNDS * 10, `${acknowledged} acknowledgements were at stake`)
  })

  await t.test('a disk that lies about its syncs does lose: the rounds can fail', async () => {
    let losses = 0
    for (let round = 0; round < LYING_ROUNDS; round++) {
      const ops = traces[round % TRACES] ?? []
      const folder = join(home, `lying-${round}`)
      const random = randomOf(SEED + round)
      crash(ops, folder, { until: ops.length, cut: 'drop', random, isLying: true })
      mkdirSync(folder, { recursive: true })
      losses += (await lossesOf(folder, acksBefore(ops, ops.length))).length
    }
    assert.ok(losses > LYING_ROUNDS * 10, `${losses} losses`)
  })
})
