// A peer whose stream never stops is read no faster than its share.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { paced } from './stream-pace.ts'

test('events pass at once until a peer has brought its share; then each waits for its time', async () => {
  let now = 0
  let waited = 0
  const timers = {
    set: (ms: number, run: () => void) => {
      now += ms
      waited += ms
      run()
    },
    clear: () => undefined,
  }
  const data = 'x'.repeat(1_024 * 1_024)
  async function* endless() {
    while (true) yield { event: 'snapshot', id: '1', data }
  }
  let count = 0
  for await (const event of paced({ now: () => now, timers }, endless())) {
    assert.equal(event.data, data)
    if (++count === 60) assert.equal(waited, 0, 'sixty megabytes at once')
    if (count === 264) break
  }
  assert.ok(waited > 95_000 && waited < 105_000, `${waited} ms for 200 megabytes more`)
})

test('many small events cost as well', async () => {
  let now = 0
  const timers = { set: (ms: number, run: () => void) => ((now += ms), run()), clear: () => undefined }
  async function* endless() {
    while (true) yield { event: 'keepalive', id: '', data: '' }
  }
  let count = 0
  for await (const _ of paced({ now: () => now, timers }, endless())) if (++count === 100_000) break
  assert.ok(now > 10_000, `${now} ms`)
})
