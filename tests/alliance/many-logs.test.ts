// More logs than one snapshot names: the list comes in steps, by each of the ways in which a reader can learn of it.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { utf8, uuid5 } from '#base'
import { type Audience, ENTRY_KIND } from '#log'
import { objectColumns } from '#stix'
import { makeCharter, makeMember } from '../../src/federation/simulation/members.ts'
import { indicator } from '../../src/federation/testing/objects.ts'
import { openRealNode, type RealNode, reserve, until } from '../../src/federation/testing/real-node.ts'

/** More than three steps. */
const LOGS = 350
const limits = { snapshotRows: 100 }
const LOGS_PER_COMMIT = 50
const PATIENCE_MS = 120_000
/** One step, with room for the entries that come along. */
const MOST_ROWS = 100

const random = (count: number) => new Uint8Array(randomBytes(count))

/** An audience of its own for each log: the members, and one whom nobody knows. */
const audienceOf = (members: readonly string[], n: number): Audience => ({
  v: 1,
  tlp: 'green',
  community: ['pacific'],
  members: [...members, `identity--${uuid5('5f0a2f0e-9d0a-4c8f-a7a0-5a7a0a1b2c3d', `nobody ${n}`)}`].sort(),
})

async function fill(node: RealNode, members: readonly string[]): Promise<void> {
  const { self } = node.member
  const time = Date.now()
  const grown: { log: string; size: number }[] = []
  for (let at = 0; at < LOGS; at += LOGS_PER_COMMIT) {
    const changes = Array.from({ length: Math.min(LOGS_PER_COMMIT, LOGS - at) }, (_, i) => {
      const object = indicator(`object ${at + i}`, self.member, time)
      const columns = { ...objectColumns(object), status: 'accepted' as const }
      const payload = utf8(JSON.stringify(object))
      return {
        op: 'append' as const,
        author: self.member,
        audience: audienceOf(members, at + i),
        genesis: { salt: random(32), time, incarnation: random(16) },
        charters: [],
        entries: [{ kind: ENTRY_KIND.object, salt: random(32), time, payload, object: columns }],
      }
    })
    for (const outcome of await node.store.commit(changes))
      if (outcome.op === 'append') grown.push({ log: outcome.log, size: outcome.size })
  }
  node.federation.announce(grown)
}

async function world(addresses: { jp: boolean; ph: boolean }) {
  const time = Date.now()
  const places = await Promise.all([reserve(), reserve(), reserve()])
  const [jp, us, ph] = ['jp', 'us', 'ph'].map((slug, i) => {
    const isOpen = slug === 'us' || addresses[slug as 'jp' | 'ph']
    return makeMember(slug, time, isOpen ? { address: places[i]!.address } : {})
  })
  const made = [jp!, us!, ph!]
  const charter = makeCharter('pacific', made, time, { carriers: [us!.self.member] })
  const nodes: RealNode[] = []
  for (const [i, member] of made.entries()) {
    const node = await openRealNode(member, places[i]!, { limits })
    await node.federation.alliances.bootstrapCharter(charter)
    nodes.push(node)
  }
  const dispose = async () => {
    for (const node of nodes) await node[Symbol.asyncDispose]()
  }
  return { nodes: nodes as [RealNode, RealNode, RealNode], [Symbol.asyncDispose]: dispose }
}

/** Snapshots of an author that went to or through a node: how many rows each had. */
function rowsIn(node: RealNode): number[] {
  const rows: number[] = []
  node.intercept(async (request, next) => {
    const answer = await next()
    const bodies = [Buffer.from(request.body), 'body' in answer ? Buffer.from(answer.body) : Buffer.alloc(0)]
    for (const body of bodies)
      for (const [, list] of body.toString('utf8').matchAll(/"logs":\[(\{[^\]]*\})\]/g))
        rows.push(list!.split('},{').length)
    return answer
  })
  return rows
}

const heldOf = async (node: RealNode, author: RealNode) =>
  (await node.store.logs()).filter((head) => head.author === author.member.self.member && head.size === 2).length

for (const [way, addresses, reader] of [
  ['asked for', { jp: true, ph: true }, 'us'],
  ['offered', { jp: false, ph: true }, 'us'],
  ['offered, and carried', { jp: false, ph: false }, 'ph'],
] as const)
  test(`a list that is longer than a snapshot may be is ${way} in steps`, async () => {
    await using opened = await world(addresses)
    const [jp, us, ph] = opened.nodes
    await fill(jp, [us.member.self.member, ph.member.self.member])
    const rows = [rowsIn(jp), rowsIn(us)].map((list) => list)
    for (const node of [jp, us, ph]) node.federation.start()
    const at = reader === 'us' ? us : ph
    await until(`all logs at ${reader}`, async () => (await heldOf(at, jp)) === LOGS, PATIENCE_MS)
    const all = rows.flat()
    assert.ok(Math.max(...all) <= MOST_ROWS, `${Math.max(...all)} rows at once`)
    assert.ok(all.filter((count) => count === MOST_ROWS).length >= 3, 'several steps')
    assert.deepEqual([jp.alarms, us.alarms, ph.alarms], [[], [], []])
  })
