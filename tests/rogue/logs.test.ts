// Lies about logs as wholes: two trees, fewer entries, old states, other members' words, wrong times.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { utf8 } from '#base'
import { decodeFrames, encodeFrame, leafHash, signLinkRequest } from '#log'
import type { Asked, Answer } from './rogue.ts'
import {
  alarmed,
  alarms,
  audience,
  blamesNobodyElse,
  connection,
  convicts,
  evidenceAt,
  honestSignalArrives,
  mirrored,
  openRogueWorld,
  PATIENCE_MS,
  rogueIndicator,
  type RogueWorld,
  telemetry,
  until,
} from './rogue-world.ts'

const MINUTE_MS = 60_000

const value = (address: string) => `[ipv4-addr:value = '${address}']`
const hitsOf = async (world: RogueWorld, slug: string, address: string) =>
  (await telemetry(world, slug, [connection(address)])).hits.length
const sizeAt = async (world: RogueWorld, slug: string, log: string) =>
  (await world.node(slug).store.log(log as never))?.size
const isFor = ({ target }: Asked, what: RegExp) => what.test(target)
const json = (body: unknown): Answer => ({ body: JSON.stringify(body) })

/** A member asks the rogue for everything once more. */
async function linkAnew(world: RogueWorld, slug: string): Promise<void> {
  const { federation } = world.node(slug)
  await federation.removeLink('rogue')
  await federation.addLink('rogue', world.rogue.address)
}

/** What an honest member sends to another, signed by its own key. */
async function sendAs(world: RogueWorld, from: string, to: string, target: string, content: unknown) {
  const body = utf8(JSON.stringify(content))
  const headers = signLinkRequest(
    { method: 'POST', target, body },
    {
      from: world.node(from).config.member,
      to: world.node(to).config.member,
      created: Math.floor(Date.now() / 1_000),
      nonce: Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString('hex'),
      signer: world.node(from).nodeKey,
    },
  )
  return fetch(world.node(to).url() + target, {
    method: 'POST',
    body: body as Uint8Array<ArrayBuffer>,
    headers: { ...headers, 'content-type': 'application/json' },
  })
}

test('split view: an author that shows two members two trees is found out when they compare, and both heads convict', async () => {
  await using world = await openRogueWorld()
  const { rogue } = world
  const log = rogue.log(audience)
  const other = log.branch(1)
  log.publish(rogueIndicator(world, value('192.0.2.11')))
  other.publish(rogueIndicator(world, value('192.0.2.12')))
  const ph = world.node('ph').config.member
  rogue.lie = ({ reader, target }, honest) => {
    const of = reader === ph ? other : log
    if (isFor({ target } as Asked, /^\/link\/v1\/logs(\?|$)/)) return json(rogue.snapshot(reader, [of.row()]))
    if (target.startsWith('/link/v1/stream')) return { status: 404 }
    if (target.includes('/checkpoint')) return { body: of.note() }
    if (!target.includes('/entries')) return honest()
    const from = Number(/from=(\d+)/.exec(target)?.[1])
    return { body: Buffer.concat(of.entries.slice(from).map((bytes) => encodeFrame({ bytes }))) }
  }
  for (const slug of ['jp', 'ph']) await linkAnew(world, slug)
  await mirrored(world, 'jp', log.id, 2)
  await mirrored(world, 'ph', log.id, 2)
  const note = (await world.node('ph').store.log(log.id))!.checkpoint
  assert.equal((await sendAs(world, 'ph', 'jp', '/link/v1/gossip', { checkpoints: [note] })).status, 200)
  await alarmed(world, 'jp', 'fork', /another tree/)
  await honestSignalArrives(world)
  await convicts(world, 'jp', 'fork', /two different trees of 2 entries/)
  await blamesNobodyElse(world)
})

test('a changed past: entries that a member holds cannot be replaced, and the author’s own proof convicts it', async () => {
  await using world = await openRogueWorld()
  const { rogue } = world
  const log = rogue.log(audience)
  log.publish(rogueIndicator(world, value('192.0.2.21')))
  log.publish(rogueIndicator(world, value('192.0.2.22')))
  rogue.push()
  await mirrored(world, 'jp', log.id, 3)
  log.entries = log.branch(1).entries
  for (const address of ['192.0.2.23', '192.0.2.24', '192.0.2.25', '192.0.2.26'])
    log.publish(rogueIndicator(world, value(address)))
  rogue.push()
  await alarmed(world, 'jp', 'fork')
  await honestSignalArrives(world)
  await convicts(world, 'jp', 'fork', /does not begin with the 3 entries/)
  assert.equal(await sizeAt(world, 'jp', log.id), 3)
  assert.equal(await hitsOf(world, 'jp', '192.0.2.21'), 1, 'what was held before still protects')
  assert.equal(await hitsOf(world, 'jp', '192.0.2.23'), 0)
  assert.equal((await world.node('jp').store.fsck()).ok, true)
  await blamesNobodyElse(world)
})

test('rollback: a smaller log under a later signature takes nothing away, and the two checkpoints convict', async () => {
  await using world = await openRogueWorld()
  const { rogue } = world
  const log = rogue.log(audience)
  for (const address of ['192.0.2.31', '192.0.2.32', '192.0.2.33']) log.publish(rogueIndicator(world, value(address)))
  rogue.push()
  await mirrored(world, 'jp', log.id, 4)
  await sleep(5)
  log.entries = log.entries.slice(0, 2)
  rogue.push()
  await alarmed(world, 'jp', 'rollback')
  await honestSignalArrives(world)
  await convicts(world, 'jp', 'rollback', /signed 4 entries .* and later only 2/)
  assert.equal(await sizeAt(world, 'jp', log.id), 4)
  for (const address of ['192.0.2.31', '192.0.2.33']) assert.equal(await hitsOf(world, 'jp', address), 1)
  await blamesNobodyElse(world)
})

test('replay across links: another member’s log, a list for another reader and a request to another member count for nothing', async () => {
  await using world = await openRogueWorld()
  const { rogue } = world
  const { published } = await honestSignalArrives(world)
  const of = (await world.node('ph').store.log(published[0]!.log as never))!
  const jp = world.node('jp').config.member
  const ph = world.node('ph').config.member
  // The honest member's log, as if it were the rogue's: with the real note and the real entries.
  const frames = await world.node('ph').store.frames(of.log, 0, of.size, 1_000_000)
  rogue.lie = ({ reader, target }, honest) => {
    if (/^\/link\/v1\/logs(\?|$)/.test(target)) {
      const rows = [{ log: of.log, size: of.size + 5, root: 'ab'.repeat(32) }]
      return json(rogue.snapshot(reader, rows as never))
    }
    if (target.includes('/checkpoint')) return { body: of.checkpoint }
    if (target.includes('/entries')) return { body: Buffer.concat(frames.map(encodeFrame)) }
    return target.startsWith('/link/v1/stream') ? { status: 404 } : honest()
  }
  // The old checkpoint is the honest member's own: it must not be taken for its word of now.
  await honestSignalArrives(world)
  await linkAnew(world, 'jp')
  const refused = () =>
    world
      .node('jp')
      .federation.links()
      .some(({ slug, lastError = '' }) => slug === 'rogue' && /another member/.test(lastError))
  await until('it is refused', refused, PATIENCE_MS)
  await honestSignalArrives(world)
  // A list that was signed for another reader.
  rogue.lie = ({ target }, honest) =>
    /^\/link\/v1\/(logs(\?|$)|stream)/.test(target) ? json(rogue.snapshot(ph)) : honest()
  await linkAnew(world, 'jp')
  await alarmed(world, 'jp', 'bad-answer', /for the reader/)
  // A request that jp signed for the rogue, sent on to ph and back to jp.
  const caught = rogue.requests.findLast(({ reader, method }) => reader === jp && method === 'GET')!
  for (const slug of ['ph', 'jp']) {
    const headers = Object.fromEntries(
      Object.entries(caught.headers).filter(([name]) => /^(noroshi|signature|content-digest)/.test(name)),
    )
    const answer = await fetch(world.node(slug).url() + caught.target, { headers: headers as Record<string, string> })
    assert.equal(answer.status, 401, slug)
  }
  await honestSignalArrives(world)
  assert.equal((await world.node('jp').store.log(of.log))?.author, ph)
  assert.equal((await world.node('jp').store.fsck()).ok, true)
  await blamesNobodyElse(world)
})

test('replay across audiences: entries of one log do not pass as another’s, and a wider log of an honest member’s words convicts', async () => {
  await using world = await openRogueWorld()
  const { rogue } = world
  const narrow = rogue.log({ v: 1, tlp: 'red', participants: [world.node('jp').config.member] })
  const wide = rogue.log(audience)
  narrow.publish(rogueIndicator(world, value('192.0.2.41')))
  wide.publish(rogueIndicator(world, value('192.0.2.42')))
  rogue.lie = ({ target }, honest) => {
    if (!target.includes(wide.id) || !target.includes('/entries')) return undefined
    const from = Number(/from=(\d+)/.exec(target)?.[1])
    return from > 0 ? honest() : { body: Buffer.concat(narrow.entries.map((bytes) => encodeFrame({ bytes }))) }
  }
  rogue.push()
  await alarmed(world, 'jp', 'bad-answer')
  rogue.lie = undefined
  const { published } = await honestSignalArrives(world)
  // What ph published to its allies, word for word in a log of the rogue's for a reader of its choice.
  const [, entry] = await world.node('ph').store.entries(published[0]!.log as never, 0, 2)
  const words = JSON.parse(Buffer.from(entry!.bytes!.subarray(46)).toString()) as object
  wide.publish({ ...words, created_by_ref: world.node('ph').config.member })
  rogue.push()
  await alarmed(world, 'jp', 'forged-author')
  await convicts(world, 'jp', 'forged-author', /in the name of ph/)
  await blamesNobodyElse(world)
})

test('freezing: an old list that is shown again and again goes stale with an alarm, and no proof is made of silence', async () => {
  let ahead = 0
  await using world = await openRogueWorld({ now: () => Date.now() + ahead })
  const { rogue } = world
  const log = rogue.log(audience)
  log.publish(rogueIndicator(world, value('192.0.2.51')))
  rogue.push()
  await mirrored(world, 'jp', log.id, 2)
  const frozen = rogue.snapshot(world.node('jp').config.member)
  rogue.lie = ({ target }, honest) => {
    if (/^\/link\/v1\/logs(\?|$)/.test(target)) return json(frozen)
    return target.startsWith('/link/v1/stream') ? { status: 404 } : honest()
  }
  log.publish(rogueIndicator(world, value('192.0.2.52')))
  await linkAnew(world, 'jp')
  await until(
    'the old list is taken once',
    async () =>
      world
        .node('jp')
        .federation.links()
        .some(({ slug, state }) => slug === 'rogue' && state === 'up'),
    PATIENCE_MS,
  )
  ahead = 9 * MINUTE_MS
  await honestSignalArrives(world)
  ahead = 11 * MINUTE_MS
  await honestSignalArrives(world)
  await alarmed(world, 'jp', 'stale')
  assert.equal(await hitsOf(world, 'jp', '192.0.2.51'), 1, 'what was held still protects')
  assert.deepEqual(
    (await evidenceAt(world, 'jp')).filter(({ proved }) => proved),
    [],
  )
  const states = world
    .node('jp')
    .federation.links()
    .map(({ slug, state }) => [slug, state])
  assert.deepEqual(new Map(states as [string, string][]).get('ph'), 'up')
  assert.notEqual(new Map(states as [string, string][]).get('rogue'), 'up')
  await blamesNobodyElse(world)
})

test('hiding a log: what a member once showed stays where it was shown, and content that it then withholds is named with the place in its tree', async () => {
  await using world = await openRogueWorld()
  const { rogue } = world
  const log = rogue.log(audience)
  const next = rogue.log({ ...audience, tlp: 'green' })
  log.publish(rogueIndicator(world, value('192.0.2.61')))
  next.publish(rogueIndicator(world, value('192.0.2.62')))
  const stubbed = (body: Uint8Array, from: number) =>
    Buffer.concat(
      decodeFrames(body).map((frame, at) =>
        encodeFrame(from + at === 1 && 'bytes' in frame ? { leaf: leafHash(frame.bytes) } : frame),
      ),
    )
  rogue.lie = ({ target }, honest) => {
    if (!target.includes(next.id) || !target.includes('/entries')) return undefined
    return { body: stubbed(honest().body as Uint8Array, Number(/from=(\d+)/.exec(target)?.[1])) }
  }
  rogue.push()
  await mirrored(world, 'jp', log.id, 2)
  await mirrored(world, 'jp', next.id, 2)
  // From now on the first log is not offered any more; the second goes on without a word on what it kept back.
  rogue.logs.splice(rogue.logs.indexOf(log), 1)
  next.publish(rogueIndicator(world, value('192.0.2.63')))
  rogue.push()
  await alarmed(world, 'jp', 'omission')
  await honestSignalArrives(world)
  assert.equal(await sizeAt(world, 'jp', log.id), 2)
  for (const address of ['192.0.2.61', '192.0.2.63']) assert.equal(await hitsOf(world, 'jp', address), 1)
  const row = (await evidenceAt(world, 'jp')).find(({ kind }) => kind === 'omission')
  assert.equal(row?.proved, false, 'that something was not sent is the holder’s word')
  await blamesNobodyElse(world)
})

test('clock lies: a list or a checkpoint from the future, and one that never expires, count for nothing', async () => {
  await using world = await openRogueWorld()
  const { rogue } = world
  const log = rogue.log(audience)
  log.publish(rogueIndicator(world, value('192.0.2.71')))
  rogue.lie = ({ reader, target }, honest) => {
    const ahead = rogue.snapshot(reader, undefined, Date.now() + 20 * MINUTE_MS)
    if (/^\/link\/v1\/logs(\?|$)/.test(target)) return json(ahead)
    return target.startsWith('/link/v1/stream') ? { status: 404 } : honest()
  }
  await linkAnew(world, 'jp')
  await alarmed(world, 'jp', 'clock')
  assert.equal(await sizeAt(world, 'jp', log.id), undefined)
  await honestSignalArrives(world)
  // One that never expires is of another form.
  rogue.lie = ({ reader, target }, honest) => {
    const { statement } = rogue.snapshot(reader)
    const never = { ...statement, expires: Date.now() + 10 * 365 * 24 * 60 * MINUTE_MS }
    if (/^\/link\/v1\/logs(\?|$)/.test(target)) return json(rogue.signed(never))
    return target.startsWith('/link/v1/stream') ? { status: 404 } : honest()
  }
  await linkAnew(world, 'jp')
  await until(
    'it is called down',
    () =>
      world
        .node('jp')
        .federation.links()
        .some(({ slug, failures }) => slug === 'rogue' && failures > 0),
    PATIENCE_MS,
  )
  assert.equal(await sizeAt(world, 'jp', log.id), undefined)
  // A checkpoint from the future under a list of now.
  const note = log.sign(2, log.root(), Date.now() + 20 * MINUTE_MS)
  rogue.lie = ({ target }) => (target.includes('/checkpoint') ? { body: note } : undefined)
  await linkAnew(world, 'jp')
  await alarmed(world, 'jp', 'clock', /checkpoint/)
  await honestSignalArrives(world)
  assert.equal(await sizeAt(world, 'jp', log.id), undefined)
  await blamesNobodyElse(world)
})

test('stalling: a rogue that answers nothing, or without end, delays no honest member, also at its start', async () => {
  await using world = await openRogueWorld()
  const { rogue } = world
  const [slow, endless] = [rogue.log(audience), rogue.log({ ...audience, tlp: 'green' })]
  for (const log of [slow, endless]) log.publish(rogueIndicator(world, value('192.0.2.81')))
  const forever = async function* () {
    for (;;) {
      yield new Uint8Array(65_536)
      await sleep(5)
    }
  }
  rogue.lie = ({ target }) => {
    if (target.includes(slow.id)) return new Promise(() => undefined)
    if (target.includes(endless.id)) return { body: forever() }
    return undefined
  }
  rogue.push()
  await until(
    'both are asked for',
    () => [slow, endless].every(({ id }) => rogue.wasAsked(new RegExp(id))),
    PATIENCE_MS,
  )
  await honestSignalArrives(world)
  rogue.lie = () => new Promise(() => undefined)
  await world.restart('jp')
  await honestSignalArrives(world)
  await honestSignalArrives(world, 'jp', 'ph')
  assert.ok((await alarms(world, 'jp')).every(({ peer }) => peer === rogue.keys.member))
  await blamesNobodyElse(world)
})
