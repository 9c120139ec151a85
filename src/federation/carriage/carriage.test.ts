// Two members that only reach outwards, and a third that the charter names as their carrier: real nodes, over HTTP on loopback.
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  type Audience,
  encodeFrames,
  FrameDecoder,
  leafHash,
  signStatement,
  SNAPSHOT_FRESH_MS,
  statementHash,
} from '#log'
import type { Alarm, FederationOptions, LinkRequest, LinkResponse } from '../api.ts'
import type { VotedCharter } from '../alliance-api.ts'
import { type MadeMember, makeCharter, makeMember, votedBy } from '../simulation/members.ts'
import { amberFor, indicator } from '../testing/objects.ts'
import { signed } from '../testing/signed-request.ts'
import { openRealNode, type RealNode, reserve, until } from '../testing/real-node.ts'

const audience = amberFor('pacific')
/** Machines may be busy; nothing here is about speed. */
const PATIENCE_MS = 30_000
const limits = { requestTimeoutMs: 5_000, backoffFirstMs: 50, backoffMaxMs: 500 }

const object = (name: string, node: RealNode, more = {}) => indicator(name, node.member.self.member, Date.now(), more)
const sizeAt = async (node: RealNode, log: string) => (await node.store.log(log))?.size ?? 0
const idOf = (node: RealNode) => node.member.self.member

interface World extends AsyncDisposable {
  jp: RealNode
  us: RealNode
  ph: RealNode
  charter: VotedCharter
  made: MadeMember[]
}

/** `jp` and `ph` can't be called by anybody; `us` can, and carries unless told otherwise. */
async function world(more: { carriers?: boolean; options?: Partial<FederationOptions> } = {}): Promise<World> {
  const time = Date.now()
  const folder = await mkdtemp(join(tmpdir(), 'noroshi-carriage-'))
  const places = await Promise.all([reserve(), reserve(), reserve()])
  const made = [makeMember('jp', time), makeMember('us', time, { address: places[1]!.address }), makeMember('ph', time)]
  const carriers = more.carriers === false ? [] : [made[1]!.self.member]
  const charter = makeCharter('pacific', made, time, { carriers })
  const nodes: RealNode[] = []
  for (const [i, member] of made.entries()) {
    await mkdir(join(folder, member.self.slug))
    const node = await openRealNode(member, places[i]!, {
      folder: join(folder, member.self.slug),
      ...more.options,
      limits: { ...limits, ...more.options?.limits },
    })
    await node.federation.alliances.bootstrapCharter(charter)
    nodes.push(node)
  }
  const [jp, us, ph] = nodes as [RealNode, RealNode, RealNode]
  return {
    jp,
    us,
    ph,
    charter,
    made,
    async [Symbol.asyncDispose]() {
      for (const node of nodes) await node[Symbol.asyncDispose]()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

test('what one publishes reaches the other through the carrier, and its receipt, recall and acknowledgement come back', async () => {
  await using opened = await world()
  const { jp, us, ph } = opened
  for (const node of [jp, us, ph]) node.federation.start()
  const { log } = await jp.publish(audience, [object('first', jp)])
  await until('it at ph', async () => (await sizeAt(ph, log)) === 2, PATIENCE_MS)
  await jp.publish(audience, [object('second', jp)])
  await until('the next at ph', async () => (await sizeAt(ph, log)) === 3, PATIENCE_MS)
  await ph.federation.armed(log, 3, [])
  await until(
    'receipts of both kinds at jp',
    async () => {
      const kinds = (await jp.federation.receipts(log)).filter(({ member }) => member === idOf(ph))
      return ['received', 'armed'].every((kind) => kinds.some((one) => one.kind === kind && one.verified))
    },
    PATIENCE_MS,
  )
  const receipts = (await jp.federation.receipts(log)).filter(({ member }) => member === idOf(ph))
  assert.ok(receipts.every(({ via }) => via === idOf(us)))
  assert.ok((await jp.federation.receipts(log)).some(({ member, via }) => member === idOf(us) && via === undefined))
  await jp.federation.recall(log, 1, 'error')
  await until(
    'the recall acknowledged',
    async () =>
      (await jp.federation.recallAcks(log, 1)).some(({ member, via }) => member === idOf(ph) && via === idOf(us)),
    PATIENCE_MS,
  )
  const link = ph.federation.links().find(({ peer }) => peer === idOf(jp))
  assert.deepEqual([link?.state, link?.way, link?.via, link?.lagEntries], ['up', 'carrier', idOf(us), 0])
  assert.deepEqual([jp.alarms, us.alarms, ph.alarms], [[], [], []])
  for (const node of [jp, us, ph]) assert.equal((await node.store.fsck()).ok, true)
})

test('RED, and what the carrier may not hold, does not travel through it', async () => {
  await using opened = await world()
  const { jp, us, ph } = opened
  for (const node of [jp, us, ph]) node.federation.start()
  const red: Audience = { v: 1, tlp: 'red', participants: [idOf(us), idOf(ph)].sort() }
  const hidden: Audience = { v: 1, tlp: 'amber', members: [idOf(ph)] }
  const { log: named } = await jp.publish(red, [object('red', jp)])
  const { log: aside } = await jp.publish(hidden, [object('aside', jp)])
  const { log } = await jp.publish(audience, [object('for all', jp)])
  await until('it at ph', async () => (await sizeAt(ph, log)) === 2, PATIENCE_MS)
  await until('RED at us', async () => (await sizeAt(us, named)) === 2, PATIENCE_MS)
  await jp.publish(audience, [object('after', jp)])
  await until('the next at ph', async () => (await sizeAt(ph, log)) === 3, PATIENCE_MS)
  assert.deepEqual([await sizeAt(ph, named), await sizeAt(ph, aside), await sizeAt(us, aside)], [0, 0, 0])
  assert.deepEqual([jp.alarms, us.alarms, ph.alarms], [[], [], []])
})

test('without a carrier in the charter nothing is carried, and nothing is asked', async () => {
  await using opened = await world({ carriers: false })
  const { jp, us, ph } = opened
  const targets: string[] = []
  us.intercept(async (request, next) => {
    targets.push(request.target)
    return next()
  })
  for (const node of [jp, us, ph]) node.federation.start()
  const { log } = await jp.publish(audience, [object('first', jp)])
  await until('it at us', async () => (await sizeAt(us, log)) === 2, PATIENCE_MS)
  await new Promise((resolve) => setTimeout(resolve, 4_000))
  assert.equal(await sizeAt(ph, log), 0)
  assert.deepEqual(
    targets.filter((target) => /author=|reader=/.test(target)),
    [],
  )
  const { member, nodeKey } = ph.member.self
  const armed = { member, log, from: 0, size: 2, refused: [], time: Date.now() }
  const body = JSON.stringify({ receipts: [signStatement('armed', armed, [nodeKey])] })
  const post = async (from: RealNode, to: RealNode) =>
    textOf(await to.federation.handle(signed(from, to, '/link/v1/receipts', { method: 'POST', body })))
  assert.match(await post(ph, us), /"accepted":0,.*"LOG"/, 'who is no carrier forwards nothing')
  assert.match(await post(us, jp), /"accepted":0,.*"MEMBER"/, 'and brings nothing')
  const asked = async (from: RealNode, to: RealNode, path: string) =>
    textOf(await to.federation.handle(signed(from, to, path)))
  const absent = await asked(ph, us, `/link/v1/logs/${'f'.repeat(64)}/checkpoint`)
  for (const [from, to, path] of [
    [ph, us, `/link/v1/logs?author=${idOf(jp)}`],
    [ph, us, `/link/v1/statements?author=${idOf(jp)}`],
    [us, jp, `/link/v1/logs?reader=${idOf(ph)}`],
  ] as const)
    assert.equal(await asked(from, to, path), absent, path)
})

/** What a carrier does with requests of `ph`; undefined: what an honest one does. */
type Mischief = (request: LinkRequest, next: () => Promise<LinkResponse>) => Promise<LinkResponse> | undefined

const NOTHING: LinkResponse = { status: 404, headers: {}, body: new Uint8Array() }
const textOf = (answer: LinkResponse) => ('body' in answer ? Buffer.from(answer.body).toString() : '')
const withBody = (answer: LinkResponse, body: Uint8Array): LinkResponse => ({
  status: answer.status,
  headers: { 'content-type': answer.headers['content-type'] ?? '' },
  body,
})

/** A world with two entries of `jp` at `ph`, whose carrier is about to misbehave. */
async function misled(mischief: Mischief, options: Partial<FederationOptions> = {}) {
  const opened = await world({ options: { ...options, limits: { pollMs: 1_000 } } })
  const { jp, us, ph } = opened
  let isBad = false
  us.intercept(async (request, next) => {
    const isReader = request.headers['noroshi-from'] === idOf(ph)
    if (!isReader) return next()
    if (isBad) return mischief(request, next) ?? next()
    if (request.target.startsWith('/link/v1/stream')) return withoutCarried(await next(), () => isBad)
    return next()
  })
  for (const node of [jp, us, ph]) node.federation.start()
  const { log } = await jp.publish(audience, [object('first', jp)])
  await until('it at ph', async () => (await sizeAt(ph, log)) === 2, PATIENCE_MS)
  const alarmOf = async (kind: Alarm['kind'], ms = PATIENCE_MS): Promise<Alarm> => {
    await until(`${kind} of us`, () => ph.alarms.some((one) => one.kind === kind && one.peer === idOf(us)), ms)
    return ph.alarms.find((one) => one.kind === kind && one.peer === idOf(us))!
  }
  const begin = () => {
    isBad = true
  }
  return { ...opened, log, begin, alarmOf, [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose]() }
}

/** A stream that keeps carried lists back while `isBad`, so that what is asked for alone tells. */
function withoutCarried(answer: LinkResponse, isBad: () => boolean): LinkResponse {
  if ('body' in answer) return answer
  const { stream } = answer
  const kept = async function* () {
    for await (const chunk of stream) if (!isBad() || !Buffer.from(chunk).includes('event: carried')) yield chunk
  }
  return { ...answer, stream: kept() }
}

/** Nobody but the carrier is accused, also not by anybody else. */
function blamesTheCarrierAlone({ jp, us, ph }: Pick<World, 'jp' | 'us' | 'ph'>): void {
  assert.deepEqual([jp.alarms, us.alarms], [[], []])
  assert.deepEqual([...new Set(ph.alarms.map(({ peer }) => peer))], [idOf(us)])
}

const isList = ({ target }: LinkRequest) => target.startsWith('/link/v1/logs?author=')

test('faults of a carrier are found, and named as its own', { concurrency: 3 }, async (t) => {
  const found = [
    t.test('a log that stands in the list and is not given', async () => {
      await using opened = await misled(({ target }) =>
        /\/(?:entries|checkpoint)/.test(target) ? Promise.resolve(NOTHING) : undefined,
      )
      const { jp, ph, begin, alarmOf, log } = opened
      begin()
      await jp.publish(audience, [object('second', jp)])
      const alarm = await alarmOf('omission', 60_000)
      assert.deepEqual([alarm.log, alarm.evidence === undefined], [log, false])
      assert.match(alarm.message, /us does not give a log/)
      assert.equal(await sizeAt(ph, log), 2)
      blamesTheCarrierAlone(opened)
    }),
    t.test('a list that freezes', async () => {
      let ahead = 0
      const now = () => Date.now() + ahead
      let frozen: LinkResponse | undefined
      await using opened = await misled(
        (request, next) => (isList(request) ? (async () => (frozen ??= await next()))() : undefined),
        { now },
      )
      const { begin, alarmOf, ph, jp } = opened
      begin()
      await until('the frozen list', () => frozen !== undefined, PATIENCE_MS)
      // Everybody's clock goes on in steps in which all that is honest is fresh again.
      for (; ahead <= SNAPSHOT_FRESH_MS; ahead += 50_000) await new Promise((resolve) => setTimeout(resolve, 2_500))
      const { message } = await alarmOf('stale')
      assert.match(message, /jp does not reach us, or us holds it back/)
      assert.equal(ph.federation.links().find(({ peer }) => peer === idOf(jp))?.state, 'stale')
      blamesTheCarrierAlone(opened)
    }),
    t.test('an older list than it showed before', async () => {
      let [first, isBack]: [LinkResponse | undefined, boolean] = [undefined, false]
      await using opened = await misled((request, next) => {
        if (!isList(request)) return undefined
        return (async () => (isBack && first ? first : (first ??= await next())))()
      })
      const { begin, alarmOf, jp, us, ph, log } = opened
      begin()
      await until('a list', () => first !== undefined, PATIENCE_MS)
      us.intercept(undefined)
      await jp.publish(audience, [object('second', jp)])
      await until('the next at ph', async () => (await sizeAt(ph, log)) === 3, PATIENCE_MS)
      isBack = true
      us.intercept(async (request, next) =>
        isBack && first && isList(request) && request.headers['noroshi-from'] === idOf(ph) ? first : next(),
      )
      const { evidence } = await alarmOf('rollback')
      assert.notEqual(evidence, undefined)
      blamesTheCarrierAlone(opened)
    }),
    t.test('a row that it put into the list itself', async () => {
      await using opened = await misled((request, next) =>
        isList(request)
          ? next().then((answer) => withBody(answer, Buffer.from(textOf(answer).replace(/"size":\d+/, '"size":1'))))
          : undefined,
      )
      opened.begin()
      await opened.jp.publish(audience, [object('second', opened.jp)])
      const { message } = await opened.alarmOf('bad-signature')
      assert.match(message, /^us, which carries jp:/)
      blamesTheCarrierAlone(opened)
    }),
    t.test('entries with another content', async () => {
      await using opened = await misled(({ target }, next) =>
        target.includes('/entries')
          ? next().then((answer) => {
              const body = Buffer.from('body' in answer ? answer.body : [])
              body[body.length - 3]! ^= 1
              return withBody(answer, body)
            })
          : undefined,
      )
      const { begin, alarmOf, jp, ph, log } = opened
      begin()
      await jp.publish(audience, [object('second', jp)])
      await alarmOf('bad-answer')
      assert.equal(await sizeAt(ph, log), 2)
      blamesTheCarrierAlone(opened)
    }),
    t.test('content that it leaves out', async () => {
      await using opened = await misled(({ target }, next) =>
        target.includes('/entries')
          ? next().then((answer) => {
              const frames = new FrameDecoder().push('body' in answer ? answer.body : new Uint8Array())
              const leaves = frames.map((frame) => ({ leaf: 'bytes' in frame ? leafHash(frame.bytes) : frame.leaf }))
              return withBody(answer, encodeFrames(leaves))
            })
          : undefined,
      )
      const { begin, alarmOf, jp, ph, log } = opened
      begin()
      for (const [i, name] of ['second', 'third', 'fourth'].entries()) {
        await jp.publish(audience, [object(name, jp)])
        await until(`${name} at ph`, async () => (await sizeAt(ph, log)) === 3 + i, PATIENCE_MS)
      }
      const { message } = await alarmOf('omission')
      assert.match(message, /by its author or by this member, which carried it here/)
      blamesTheCarrierAlone(opened)
    }),
  ]
  await Promise.all(found)
})

test('a carrier that is suspended stops carrying; a link to the author itself takes its place', async () => {
  await using opened = await world()
  const { jp, us, ph, charter, made } = opened
  for (const node of [jp, us, ph]) node.federation.start()
  const { log } = await jp.publish(audience, [object('first', jp)])
  await until('it at ph', async () => (await sizeAt(ph, log)) === 2, PATIENCE_MS)
  const wayTo = () => ph.federation.links().find(({ peer }) => peer === idOf(jp))
  await until('the way', () => wayTo()?.way === 'carrier', PATIENCE_MS)

  await ph.federation.addLink('jp', jp.address)
  await until('the link itself', () => wayTo()?.state === 'up' && wayTo()?.way === undefined, PATIENCE_MS)
  await jp.publish(audience, [object('second', jp)])
  await until('the next at ph', async () => (await sizeAt(ph, log)) === 3, PATIENCE_MS)
  await until(
    'a receipt without a carrier',
    async () =>
      (await jp.federation.receipts(log)).some(({ member, size, via }) => member === idOf(ph) && size === 3 && !via),
    PATIENCE_MS,
  )

  await ph.federation.removeLink('jp')
  await until('the carrier again', () => wayTo()?.way === 'carrier' && wayTo()?.state === 'up', PATIENCE_MS)
  await jp.publish(audience, [object('third', jp)])
  await until('the third at ph', async () => (await sizeAt(ph, log)) === 4, PATIENCE_MS)

  const members = charter.charter.members.map((row) =>
    row.id === idOf(us) ? { ...row, standing: 'suspended' as const } : row,
  )
  const next = {
    ...charter.charter,
    version: 2,
    previous: statementHash(charter.charter),
    members,
    rules: { ...charter.charter.rules, carriers: [] },
    time: Date.now(),
  }
  const voted = votedBy(next, made)
  for (const node of [jp, us, ph]) await node.federation.alliances.bootstrapCharter([charter, voted])
  await jp.publish(audience, [object('fourth', jp)])
  await new Promise((resolve) => setTimeout(resolve, 4_000))
  assert.equal(await sizeAt(ph, log), 4)
  assert.notEqual(wayTo()?.way, 'carrier')
})

test('a carrier that never answers costs others nothing', async () => {
  await using opened = await world()
  const { jp, us, ph } = opened
  let asked = 0
  us.intercept(async (request, next) => {
    if (!isList(request)) return next()
    asked++
    return new Promise<never>(() => undefined)
  })
  for (const node of [jp, us, ph]) node.federation.start()
  await until('a question', () => asked > 0, PATIENCE_MS)
  const { log } = await us.publish(audience, [object('own', us)])
  await until('it at both', async () => (await sizeAt(ph, log)) === 2 && (await sizeAt(jp, log)) === 2, PATIENCE_MS)
  assert.deepEqual([jp.alarms, us.alarms, ph.alarms], [[], [], []])
})
