// A member that nobody can call: it fetches as everybody does, and brings its own logs by offers.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { signSnapshot, type SnapshotInput } from '#log'
import type { LinkRequest, LinkResponse } from '../../src/federation/api.ts'
import { makeCharter, makeMember } from '../../src/federation/simulation/members.ts'
import { amberFor, indicator } from '../../src/federation/testing/objects.ts'
import { openRealNode, type RealNode, reserve, until } from '../../src/federation/testing/real-node.ts'
import { signed } from '../../src/federation/testing/signed-request.ts'

const audience = amberFor('pacific')
/** Machines may be busy; nothing here is about speed. */
const PATIENCE_MS = 30_000
/** No poll or refresh comes to help within a test. */
const limits = { requestTimeoutMs: 5_000, backoffFirstMs: 50, backoffMaxMs: 500 }

const object = (name: string, node: RealNode, more = {}) => indicator(name, node.member.self.member, Date.now(), more)
const sizeAt = async (node: RealNode, log: string) => (await node.store.log(log))?.size ?? 0

/** `jp-nco` has no address and refuses whatever comes in; `us-cisa` can be called. */
async function world(more: { pageEntries?: number; pollMs?: number } = {}) {
  const time = Date.now()
  const folder = await mkdtemp(join(tmpdir(), 'noroshi-outbound-'))
  const places = await Promise.all([reserve(), reserve()])
  const inner = makeMember('jp-nco', time)
  const outer = makeMember('us-cisa', time, { address: places[1].address })
  const stranger = makeMember('xx', time)
  const charter = makeCharter('pacific', [inner, outer], time)
  const came: string[] = []
  const offers: { request: LinkRequest; answer: LinkResponse }[] = []
  const open = async () => {
    const place = await reserve()
    const node = await openRealNode(inner, place, { folder, limits: { ...limits, ...more } })
    node.intercept(async ({ target }) => {
      came.push(target)
      return { status: 503, headers: {}, body: new Uint8Array() }
    })
    await node.federation.alliances.bootstrapCharter(charter)
    return node
  }
  const jp = await open()
  const us = await openRealNode(outer, places[1], { limits })
  await us.federation.alliances.bootstrapCharter(charter)
  us.intercept(async (request, next) => {
    const answer = await next()
    if (request.target === '/link/v1/offer') offers.push({ request, answer })
    return answer
  })
  return {
    jp,
    us,
    stranger,
    came,
    offers,
    reopen: open,
    async [Symbol.asyncDispose]() {
      await us[Symbol.asyncDispose]()
      await places[0].close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

test('both directions work though nobody can call one of the two, with receipts', async () => {
  await using opened = await world()
  const { jp, us, came, offers } = opened
  await using _ = jp
  for (const node of [jp, us]) node.federation.start()
  const { log } = await jp.publish(audience, [object('first', jp)])
  const { log: back } = await us.publish(audience, [object('back', us)])
  await until('both mirrors', async () => (await sizeAt(us, log)) === 2 && (await sizeAt(jp, back)) === 2, PATIENCE_MS)
  await jp.publish(audience, [object('second', jp)])
  await until('the next entry', async () => (await sizeAt(us, log)) === 3, PATIENCE_MS)
  await us.federation.armed(log, 3, [])
  await jp.publish(audience, [object('third', jp)])
  await until(
    'receipts of both kinds',
    async () => {
      const kinds = (await jp.federation.receipts(log)).filter(({ verified }) => verified).map(({ kind }) => kind)
      return kinds.includes('armed') && kinds.filter((kind) => kind === 'received').length === 3
    },
    PATIENCE_MS,
  )
  await until(
    'the receipts counted as taken',
    () => {
      const last = offers.at(-1)?.answer
      return last !== undefined && 'body' in last && !Buffer.from(last.body).includes('"receipts"')
    },
    PATIENCE_MS,
  )
  const [link] = us.federation.links()
  assert.deepEqual([link?.state, link?.way, link?.address, link?.lagEntries], ['up', 'offer', '', 0])
  assert.deepEqual(came, [], 'nobody tried to call it')
  assert.deepEqual([jp.alarms, us.alarms], [[], []])
  await jp.federation.recall(log, 1, 'error')
  await until('the recall acknowledged', async () => (await jp.federation.recallAcks(log, 1)).length > 0, PATIENCE_MS)
})

test('what waits for a vote reaches a member that nobody can call, and its vote comes back', async () => {
  await using opened = await world({ pollMs: 200 })
  const { jp, us, came } = opened
  await using _ = jp
  for (const node of [jp, us]) node.federation.start()
  await until('the link', () => jp.federation.links()[0]?.state === 'up', PATIENCE_MS)
  const proposed = await us.federation.alliances.amend(
    'pacific',
    { change: 'rules', set: { observers: 'green' } },
    us.member.root,
  )
  assert.equal(proposed.inForce, false)
  const waiting = () => jp.federation.alliances.proposals('pacific')
  await until('the proposal', async () => (await waiting()).length === 1, PATIENCE_MS)
  assert.equal((await waiting())[0]?.hash, proposed.hash)
  const approved = await jp.federation.alliances.approve('pacific', jp.member.root, proposed.version)
  assert.equal(approved.inForce, true)
  const ruleAt = (node: RealNode) => node.federation.directory.charter('pacific')?.charter.rules.observers
  await until('the charter in force at both', () => ruleAt(us) === 'green' && ruleAt(jp) === 'green', PATIENCE_MS)
  assert.ok(!came.some((target) => target.startsWith('/link/v1/charters')), 'nobody called it')
})

test('an author that was killed in the middle goes on where the peer stands', async () => {
  await using opened = await world({ pageEntries: 3 })
  const { us, offers, reopen } = opened
  let { jp } = opened
  let log = ''
  for (let i = 0; i < 10; i++) ({ log } = await jp.publish(audience, [object(`object ${i}`, jp)]))
  us.federation.start()
  jp.federation.start()
  await until('some entries', async () => (await sizeAt(us, log)) >= 3, PATIENCE_MS)
  await jp[Symbol.asyncDispose]()
  const held = await sizeAt(us, log)
  assert.ok(held < 11, 'the kill came in the middle')
  const before = offers.length
  jp = await reopen()
  await using _ = jp
  jp.federation.start()
  await until('the rest', async () => (await sizeAt(us, log)) === 11, PATIENCE_MS)
  const froms = offers.slice(before).flatMap(({ request }) => {
    const { entries } = JSON.parse(Buffer.from(request.body).toString()) as { entries: { from: number }[] }
    return entries.map(({ from }) => from)
  })
  assert.ok(froms.length > 0 && froms.every((from) => from >= held), `sent again: ${froms.join(' ')} after ${held}`)
  assert.equal((await us.store.fsck()).ok, true)
})

test('entries of one checkpoint that no offer can hold come in parts', async () => {
  await using opened = await world()
  const { jp, us, offers } = opened
  await using _ = jp
  const large = Array.from({ length: 5 }, (_, i) => object(`large ${i}`, jp, { description: 'x'.repeat(900_000) }))
  const { log } = await jp.publish(audience, large)
  us.federation.start()
  jp.federation.start()
  await until('all of it', async () => (await sizeAt(us, log)) === 6, PATIENCE_MS)
  const bodies = offers.map(({ request }) => request.body.length)
  assert.ok(Math.max(...bodies) < 4 * 1_024 * 1_024, `offers of ${bodies.join(', ')} bytes`)
  assert.ok(bodies.filter((bytes) => bytes > 1_000_000).length >= 2, 'several parts')
  assert.deepEqual(us.alarms, [])
  assert.equal((await us.store.fsck()).ok, true)
})

test('entries that do not hold are refused, and those of a log outside of the snapshot as those of no log', async () => {
  await using opened = await world()
  const { jp, us, offers } = opened
  await using _ = jp
  const { log } = await jp.publish(audience, [object('first', jp)])
  us.federation.start()
  jp.federation.start()
  await until('the mirror', async () => (await sizeAt(us, log)) === 2, PATIENCE_MS)
  await jp[Symbol.asyncDispose]()
  const revived = await opened.reopen()
  await using __ = revived
  const last = offers.findLast(({ request }) => Buffer.from(request.body).includes('frames'))
  const { snapshot, entries } = JSON.parse(Buffer.from(last!.request.body).toString()) as {
    snapshot: unknown
    entries: { log: string; frames: string }[]
  }
  const post = async (node: RealNode, body: object) => {
    const request = signed(node, us, '/link/v1/offer', { method: 'POST', body: JSON.stringify(body) })
    const answer = await us.federation.handle(request)
    return { status: answer.status, text: 'body' in answer ? Buffer.from(answer.body).toString() : '' }
  }
  // Played again, it is older than what is held.
  assert.deepEqual(JSON.parse((await post(revived, { snapshot, entries })).text), { want: [], again: true })
  assert.equal((await post(revived, { entries: 'x' })).status, 400)
  assert.equal((await post(revived, { snapshot: { statement: {}, signatures: [] }, entries: [] })).status, 422)
  const withheld = await us.publish({ v: 1, tlp: 'amber', members: [us.member.self.member] }, [object('own', us)])
  const next = snapshots(revived, us)
  const answers = []
  for (const other of [withheld.log, 'f'.repeat(64)]) {
    const { text } = await post(revived, { snapshot: next(), entries: [{ ...entries[0]!, log: other }] })
    answers.push(text.replace(other, 'LOG').replaceAll(/"(since|mark)":\d+/g, ''))
  }
  assert.equal(answers[0], answers[1])
  assert.match(answers[0]!, /"code":"LOG"/)
  const { checkpoint } = (await revived.store.log(log))!
  const forged = next([{ log, size: 3, root: 'a'.repeat(64) as never }])
  const { text } = await post(revived, { snapshot: forged, entries: [{ log, from: 2, checkpoint, frames: 'AAAA' }] })
  assert.match(text, /"code":"FRAMES"/)
  const again = next([{ log, size: 3, root: 'a'.repeat(64) as never }])
  const one = { log, from: 2, checkpoint, frames: entries[0]!.frames }
  assert.match((await post(revived, { snapshot: again, entries: [one] })).text, /"code":"ENTRIES"/)
  const gone = next([{ log, size: 3, root: 'a'.repeat(64) as never }])
  assert.match((await post(revived, { snapshot: gone, entries: [{ ...one, from: 7 }] })).text, /"code":"RANGE"/)
  assert.equal(await sizeAt(us, log), 2)
})

test('a stranger learns nothing from an offer', async () => {
  await using opened = await world()
  const { jp, us, stranger } = opened
  await using _ = jp
  const place = await reserve()
  await using alien = await openRealNode(stranger, place, { limits })
  const bytes = async (node: RealNode, path: string, body: string | undefined) => {
    const more = body === undefined ? {} : { method: 'POST', body }
    const answer = await us.federation.handle(signed(node, us, path, more))
    return [answer.status, 'body' in answer ? Buffer.from(answer.body).toString() : '']
  }
  const offer = JSON.stringify({ snapshot: {}, entries: [] })
  assert.deepEqual(await bytes(alien, '/link/v1/offer', offer), await bytes(alien, '/link/v1/logs', undefined))
  assert.equal((await bytes(alien, '/link/v1/offer', offer))[0], 401)
})

/** Snapshots of `from` for `to`, each newer than the one before. */
function snapshots(from: RealNode, to: RealNode) {
  const [author, reader] = [from.member.self.member, to.member.self.member]
  let previousSequence = Date.now() + 10
  return (logs: SnapshotInput['logs'] = []) =>
    signSnapshot(
      { author, reader, previousSequence: previousSequence++, time: Date.now(), charters: {}, logs },
      from.member.self.nodeKey,
    )
}
