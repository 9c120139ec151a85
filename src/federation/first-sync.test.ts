// A log of many batches: the next is got ready while one is written, and counts only as if it had come in its turn.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { leafHash } from '#log'
import type { LinkRequest, LinkResponse } from './api.ts'
import { amberFor, indicator } from './testing/objects.ts'
import { openNodes } from './testing/pair.ts'
import { type RealNode, until } from './testing/real-node.ts'

const audience = amberFor('pacific')
const ENTRIES = 10
/** Machines may be busy; nothing here is about speed. */
const PATIENCE_MS = 30_000
/** Of 0.9 MB each: more than one batch. */
const LARGE_ENTRIES = 60
/** Batches of two entries each: with its genesis, the log takes six. */
const limits = { requestTimeoutMs: 2_000, backoffFirstMs: 20, backoffMaxMs: 100, pageEntries: 2 }

async function world() {
  const opened = await openNodes(['jp-nco', 'us-cisa'], { 'us-cisa': { limits } })
  const [jp, us] = opened.nodes as [RealNode, RealNode]
  let log = ''
  for (let i = 0; i < ENTRIES; i++)
    ({ log } = await jp.publish(audience, [indicator(`object ${i}`, jp.member.self.member, Date.now())]))
  const asked: string[] = []
  const listen = (spoil: (range: string, answer: LinkResponse) => LinkResponse) =>
    jp.intercept(async (request: LinkRequest, next) => {
      const answer = await next()
      const range = /entries\?(.*)$/.exec(request.target)?.[1]
      if (range === undefined) return answer
      asked.push(range)
      return spoil(range, answer)
    })
  const isWhole = async () => (await us.store.log(log))?.size === ENTRIES + 1
  return { opened, jp, us, log, asked, listen, isWhole }
}

function flipped(answer: LinkResponse): LinkResponse {
  if (!('body' in answer)) return answer
  const body = Uint8Array.from(answer.body)
  body[body.length - 2]! ^= 1
  return { ...answer, body }
}

test('every batch is fetched once, in order, and the mirror is the log', async () => {
  const { opened, jp, us, log, asked, listen, isWhole } = await world()
  await using _ = opened
  listen((_range, answer) => answer)
  us.federation.start()
  await until('the mirror', isWhole, PATIENCE_MS)
  assert.deepEqual(asked, ['from=0&to=2', 'from=2&to=4', 'from=4&to=6', 'from=6&to=8', 'from=8&to=10', 'from=10&to=11'])
  const [kept, sent] = await Promise.all([us, jp].map((node) => node.store.entries(log, 0, ENTRIES + 1)))
  assert.deepEqual(
    kept!.map(({ bytes }) => Buffer.from(leafHash(bytes!)).toString('hex')),
    sent!.map(({ leaf }) => leaf),
  )
  assert.equal((await us.store.objects({ logs: [log], limit: 99 })).rows.length, ENTRIES)
  assert.equal((await us.store.fsck()).ok, true)
  await until(
    'proof of all of it',
    async () => (await jp.federation.receipts(log)).some(({ size }) => size === ENTRIES + 1),
    PATIENCE_MS,
  )
  assert.ok((await jp.federation.receipts(log)).every(({ verified }) => verified))
})

test('a batch that was broken when it was fetched early is fetched again in its turn, without an alarm', async () => {
  const { opened, us, asked, listen, isWhole } = await world()
  await using _ = opened
  let broken = 0
  listen((range, answer) => (range === 'from=4&to=6' && broken++ === 0 ? flipped(answer) : answer))
  us.federation.start()
  await until('the mirror', isWhole, PATIENCE_MS)
  assert.equal(asked.filter((range) => range === 'from=4&to=6').length, 2)
  assert.deepEqual(us.alarms, [])
})

test('a batch that stays broken stops the mirror before it, with an alarm, until it is whole again', async () => {
  const { opened, us, log, listen, isWhole } = await world()
  await using _ = opened
  listen((range, answer) => (range.startsWith('from=4') ? flipped(answer) : answer))
  us.federation.start()
  await until('the alarm', () => us.alarms.length > 0, PATIENCE_MS)
  assert.equal(us.alarms[0]!.kind, 'bad-answer')
  assert.equal((await us.store.log(log))?.size, 4)
  listen((_range, answer) => answer)
  await until('the mirror', isWhole, PATIENCE_MS)
  assert.equal((await us.store.fsck()).ok, true)
})

test('a batch that was got ready early is judged together with what was written before it', async () => {
  const { opened, jp, us, listen } = await world()
  await using _ = opened
  const creator = jp.member.self.member
  const time = Date.now()
  // One id and time, two contents, in neighbouring batches of a log of their own.
  const other = amberFor('pacific')
  const spoiled = { ...other, tlp: 'green' as const }
  let log = ''
  for (let i = 0; i < 2; i++) {
    ;({ log } = await jp.publish(spoiled, [indicator('same', creator, time, { description: `content ${i}` })]))
    ;({ log } = await jp.publish(spoiled, [indicator(`between ${i}`, creator, time)]))
  }
  listen((_range, answer) => answer)
  us.federation.start()
  await until('the mirror', async () => (await us.store.log(log))?.size === 5, PATIENCE_MS)
  const rejected = await us.store.objects({ logs: [log], statuses: ['rejected'], limit: 9 })
  assert.deepEqual(
    rejected.rows.map(({ code }) => code),
    ['REJECT:EQUIVOCATION', 'REJECT:EQUIVOCATION'],
  )
})

test('large entries come in batches of some megabytes, ended by checkpoints between', async () => {
  await using opened = await openNodes(['jp-nco', 'us-cisa'])
  const [jp, us] = opened.nodes as [RealNode, RealNode]
  const description = 'long '.repeat(180_000)
  let log = ''
  for (let i = 0; i < LARGE_ENTRIES; i++) {
    const object = indicator(`large ${i}`, jp.member.self.member, Date.now(), { description })
    ;({ log } = await jp.publish(audience, [object]))
  }
  const read = new Map<string, number>()
  jp.intercept(async ({ target }, next) => {
    const answer = await next()
    const from = /entries\?from=(\d+)/.exec(target)?.[1]
    if (from !== undefined && 'body' in answer) read.set(from, answer.body.length)
    return answer
  })
  us.federation.start()
  await until('the mirror', async () => (await us.store.log(log))?.size === LARGE_ENTRIES + 1, PATIENCE_MS)
  assert.equal((await us.store.fsck()).ok, true)
  const proofs = (await jp.federation.receipts(log)).map(({ from, size }) => size - from)
  assert.ok(Math.max(...proofs) < LARGE_ENTRIES / 1.3, `batches of ${proofs.join(', ')} entries`)
  assert.ok(read.size > 1)
})
