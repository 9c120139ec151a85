// SIGKILL of a publishing process, again and again on one folder.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { sampleFolder } from '../../src/store/samples.ts'
import { randomOf } from './crash.ts'
import { lossesOf } from './kept.ts'
import { type Ack, Publishing } from '../../src/store/sample-publishing.ts'

const ROUNDS = 20
const SEED = 7

test(`${ROUNDS} kills while publishing lose nothing acknowledged, and the next process takes the folder over at once`, async () => {
  using home = sampleFolder()
  const random = randomOf(SEED)
  const acks: Ack[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const publishing = new Publishing(home.folder, { walPages: 50 })
    await publishing.acknowledged(0)
    for (let burst = 0; burst < 30; burst++)
      publishing.publish(
        Array.from({ length: 20 }, (_, i) => `r${round} b${burst} e${i} ${Math.floor(random() * 3_000)}`),
      )
    await publishing.acknowledged(1 + Math.floor(random() * 300))
    await pause(random() * 10)
    await publishing.kill()
    acks.push(...publishing.acks)
    if (round % 5 === 4) assert.deepEqual(await lossesOf(home.folder, acks), [], `round ${round}`)
  }
  assert.ok(acks.length > ROUNDS * 50)
})
