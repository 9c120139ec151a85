// A node key is replaced while links run, and one that was stolen stops counting.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sha256, toBase64, utf8 } from '#base'
import { type Envelope, type Signer, signStatement, toSigner } from '#log'
import type { Revised } from './api.ts'
import { makeCharter, makeMember } from './simulation/members.ts'
import { amberFor, indicator } from './testing/objects.ts'
import { openRealNode, type RealNode, reserve, until } from './testing/real-node.ts'
import { signed } from './testing/signed-request.ts'

const HOUR_MS = 3_600_000
const AMBER = amberFor('pacific')

/** A key that can be changed in place, as a node's is. */
function changeable(first: Signer): Signer & { use(next: Signer): void } {
  let current = first
  return {
    get publicKey() {
      return current.publicKey
    },
    get keyId() {
      return current.keyId
    },
    sign: (bytes) => current.sign(bytes),
    use: (next) => (current = next),
  }
}

interface Member {
  made: ReturnType<typeof makeMember>
  key: ReturnType<typeof changeable>
  node: RealNode
}

async function open(slugs: readonly string[], events: Record<string, { revised?: (event: Revised) => void }> = {}) {
  const time = Date.now()
  const places = await Promise.all(slugs.map(() => reserve()))
  const limits = { backoffFirstMs: 50, backoffMaxMs: 200, pollMs: 1_000 }
  const made = slugs.map((slug, i) => makeMember(slug, time, { address: places[i]!.address }))
  const charter = makeCharter('pacific', made, time)
  const members: Member[] = []
  for (const [i, one] of made.entries()) {
    const key = changeable(one.self.nodeKey)
    const self = { ...one.self, nodeKey: key }
    const node = await openRealNode({ ...one, self }, places[i]!, { limits, events: events[one.self.slug] ?? {} })
    await node.federation.alliances.bootstrapCharter(charter)
    members.push({ made: one, key, node })
  }
  return Object.assign(members, {
    [Symbol.asyncDispose]: async () => {
      for (const { node } of members) await node[Symbol.asyncDispose]()
    },
  })
}

const nextKey = (name: string) => toSigner(sha256(utf8(name)))

function delegation({ self, root }: Member['made'], key: Signer): Envelope {
  const from = Date.now() - HOUR_MS
  const fields = {
    member: self.member,
    key: toBase64(key.publicKey),
    purpose: 'node',
    from,
    until: from + 99 * HOUR_MS,
  }
  return signStatement('delegation', fields, [root])
}

function end({ self, root }: Member['made'], key: Uint8Array, until: number, reason: string): Envelope {
  const fields = { member: self.member, key: toBase64(key), until, reason, time: Date.now() }
  return signStatement('delegation-end', fields, [root])
}

const sizeAt = async ({ node }: Member, log: string) => (await node.store.log(log))?.size
const rowsAt = async ({ node }: Member, log: string) =>
  (await node.store.objects({ logs: [log], statuses: ['accepted', 'quarantined'], limit: 100 })).rows

test('a key is replaced without interruption: who hears of it at once, and who was away', async () => {
  await using members = await open(['jp-nco', 'us-cisa', 'ph-cert'])
  const [jp, us, ph] = members as unknown as [Member, Member, Member]
  jp.node.federation.start()
  us.node.federation.start()
  const publish = (name: string) => jp.node.publish(AMBER, [indicator(name, jp.made.self.member, Date.now())])
  const { log } = await publish('first')
  await until('the mirror', async () => (await sizeAt(us, log)) === 2)
  ph.node.intercept(async () => ({ status: 503, headers: {}, body: new Uint8Array() }))
  const next = nextKey('next key')
  const told = await jp.node.federation.introduceKeys([delegation(jp.made, next)])
  assert.deepEqual(told, [us.made.self.member], 'who is reached now')
  jp.key.use(next)
  await publish('second')
  await until('the push under the new key', async () => (await sizeAt(us, log)) === 3)
  // It was away and knows the charter alone: both ask each other.
  ph.node.intercept(undefined)
  ph.node.federation.start()
  await until('the mirror of who was away', async () => (await sizeAt(ph, log)) === 3, 10_000)
  await until('both directions', () => jp.node.federation.links().every(({ state }) => state === 'up'))
  const theirs = await ph.node.publish(AMBER, [indicator('theirs', ph.made.self.member, Date.now())])
  await until('theirs here', async () => (await sizeAt(jp, theirs.log)) === 2)
  await until('receipts under the new key', async () => (await ph.node.federation.receipts(theirs.log)).length >= 2)
  const forks = members.flatMap(({ node }) => node.alarms.filter(({ kind }) => kind !== 'bad-signature'))
  assert.deepEqual(forks, [])
})

test('statements by another root, of another member, or of another kind are refused, and say nothing', async () => {
  await using members = await open(['jp-nco', 'us-cisa'])
  const [jp, us] = members as unknown as [Member, Member]
  const stolen = nextKey('thief')
  const forged = { ...delegation({ ...jp.made, root: us.made.root }, stolen) }
  const post = async (from: Member, statements: unknown, key?: Signer) => {
    if (key) from.key.use(key)
    const request = signed(from.node, us.node, '/link/v1/statements', {
      method: 'POST',
      body: JSON.stringify({ statements }),
    })
    if (key) from.key.use(from.made.self.nodeKey)
    return (await us.node.federation.handle(request)).status
  }
  assert.equal(await post(jp, [forged]), 400)
  assert.equal(await post(jp, [forged], stolen), 401, 'a forged delegation introduces no key')
  assert.equal(await post(jp, [delegation(us.made, stolen)]), 400, 'of another member')
  assert.equal(await post(jp, 'x'), 400)
  assert.equal(await post(jp, [delegation(jp.made, nextKey('good'))], nextKey('good')), 200)
  const ended = end(jp.made, nextKey('good').publicKey, Date.now() - 1, 'lost')
  assert.equal(await post(jp, [ended]), 200)
  assert.equal(await post(jp, [delegation(jp.made, nextKey('good'))], nextKey('good')), 401, 'an end is not lifted')
})

test('after a compromise: what came before stands, what came since waits until the member vouches for its log', async () => {
  const revised: Revised[] = []
  await using members = await open(['jp-nco', 'us-cisa'], { 'us-cisa': { revised: (event) => revised.push(event) } })
  const [jp, us] = members as unknown as [Member, Member]
  for (const { node } of members) node.federation.start()
  const publish = (name: string) => jp.node.publish(AMBER, [indicator(name, jp.made.self.member, Date.now())])
  const { log } = await publish('before')
  await until('the mirror', async () => (await sizeAt(us, log)) === 2)
  await new Promise((resolve) => setTimeout(resolve, 20))
  const since = Date.now()
  await publish('since')
  await until('the mirror', async () => (await sizeAt(us, log)) === 3)

  const old = jp.made.self.nodeKey
  const next = nextKey('after the theft')
  const introduced = delegation(jp.made, next)
  await jp.node.federation.introduceKeys([introduced, end(jp.made, old.publicKey, since, 'compromised')])
  const statuses = async () => (await rowsAt(us, log)).map(({ status, code }) => [status, code])
  await until('what came since is held', async () => (await statuses())[1]?.[0] === 'quarantined')
  assert.deepEqual(await statuses(), [
    ['accepted', undefined],
    ['quarantined', 'QUARANTINE:KEY_COMPROMISED'],
  ])
  assert.deepEqual(
    revised.flatMap(({ objects }) => objects.map(({ index, object }) => [index, object.status])),
    [[2, 'quarantined']],
  )
  assert.ok(us.node.alarms.some(({ kind, evidence }) => kind === 'key' && evidence !== undefined))
  // The thief still has the key: nothing under it counts, nor does a request.
  const thief = signed(jp.node, us.node, '/link/v1/logs')
  assert.equal((await us.node.federation.handle(thief)).status, 401)
  await publish('by the thief')
  await new Promise((resolve) => setTimeout(resolve, 400))
  assert.equal(await sizeAt(us, log), 3)

  jp.key.use(next)
  assert.equal(await jp.node.federation.vouch(introduced), 1)
  await until('vouched', async () => (await sizeAt(us, log)) === 5, 10_000)
  assert.deepEqual(await statuses(), [
    ['accepted', undefined],
    ['accepted', undefined],
    ['accepted', undefined],
  ])
})
