import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { encodeEvent, KEEPALIVE, parseEvents, type StreamEvent, StreamTooLong } from './event-stream.ts'

async function* cutAt(bytes: Uint8Array, cuts: readonly number[]) {
  let from = 0
  for (const cut of [...cuts].map((n) => n % (bytes.length + 1)).sort((a, b) => a - b)) {
    yield bytes.subarray(from, cut)
    from = cut
  }
  yield bytes.subarray(from)
}

test('events come out as they went in, wherever the chunks are cut', async () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 40 }).map((value) => JSON.stringify(value))
  await fc.assert(
    fc.asyncProperty(fc.array(text, { maxLength: 6 }), fc.array(fc.nat(), { maxLength: 20 }), async (texts, cuts) => {
      const events = texts.map((data, i): StreamEvent => ({ event: 'snapshot', id: String(i), data }))
      const bytes = Buffer.concat(events.flatMap((event) => [encodeEvent(event), KEEPALIVE]))
      const read: StreamEvent[] = []
      for await (const event of parseEvents(cutAt(bytes, cuts), 10_000)) if (event.event) read.push(event)
      assert.deepEqual(read, events)
    }),
  )
})

test('an event that does not end is given up at the limit', async () => {
  const chunks = (async function* () {
    while (true) yield new Uint8Array(100).fill(0x61)
  })()
  await assert.rejects(async () => {
    for await (const event of parseEvents(chunks, 1_000)) assert.fail(event.data)
  }, StreamTooLong)
})
