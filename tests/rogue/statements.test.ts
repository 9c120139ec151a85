// Lies in what a member signs beside its logs: receipts, charters, votes.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noroshi } from '../cli/command-line.ts'
import { type CharterStatement, decodeFrames, possession, signStatement, statementHash } from '#log'
import {
  alarmed,
  ask,
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
  telemetry,
  until,
} from './rogue-world.ts'

const value = (address: string) => `[ipv4-addr:value = '${address}']`

interface Standing {
  received: { member: string }[]
  missing: { slug: string }[]
}

test('receipts without possession: guessed, copied or in another’s name, they count for nothing, and one convicts', async () => {
  await using world = await openRogueWorld()
  const { rogue } = world
  const { published } = await honestSignalArrives(world)
  const { log } = published[0]!
  const head = (await world.node('ph').store.log(log as never))!
  const range = { log, from: 0, size: head.size, root: head.root, stubs: [] }
  const send = async (receipt: unknown) => {
    const answer = await rogue.ask(world.node('ph'), '/link/v1/receipts', { receipts: [receipt] })
    return (await answer.json()) as { accepted: number; refused: { code: string }[] }
  }
  const guessed = rogue.statement('received', { ...range, possession: 'ab'.repeat(32) })
  assert.deepEqual((await send(guessed)).refused, [{ index: 0, code: 'POSSESSION' }])
  await alarmed(world, 'ph', 'receipt')
  // What another member proved with is of no use to the rogue.
  const { receipts } = (await (await ask(world, 'ph', `/api/v1/receipts?log=${log}`)).json()) as {
    receipts: { kind: string; envelope: { statement: { possession: string; from: number; size: number } } }[]
  }
  const honest = receipts.find(({ kind }) => kind === 'received')!.envelope
  const { possession: copied, from, size } = honest.statement
  const root = await world.node('ph').store.root(log as never, size)
  const again = rogue.statement('received', { log, from, size, root, stubs: [], possession: copied })
  assert.deepEqual((await send(again)).refused, [{ index: 0, code: 'POSSESSION' }])
  assert.deepEqual((await send(honest)).refused, [{ index: 0, code: 'MEMBER' }])
  const other = rogue.statement('received', { ...range, root: 'cd'.repeat(32), possession: 'ab'.repeat(32) })
  assert.deepEqual((await send(other)).refused, [{ index: 0, code: 'ROOT' }])
  const ran = await noroshi(['who', published[0]!.id, '--dir', world.dir('ph'), '--json'])
  const { standing } = ran.json()[0] as unknown as { standing: Standing[] }
  assert.ok(standing.every(({ received }) => !received.some(({ member }) => member === rogue.keys.member)))
  assert.ok(standing.every(({ missing }) => missing.some(({ slug }) => slug === 'rogue')))
  await honestSignalArrives(world)
  await convicts(world, 'ph', 'receipt', /with a proof that these entries do not give/)
  assert.equal((await evidenceAt(world, 'ph')).filter(({ kind }) => kind === 'receipt').length, 1, 'told of once')
  await blamesNobodyElse(world)
  // Whoever holds the entries proves it.
  const frames = await rogue.ask(world.node('ph'), `/link/v1/logs/${log}/entries?from=0&to=${head.size}`)
  const held = decodeFrames(new Uint8Array(await frames.arrayBuffer()))
  const proof = possession(rogue.keys.member, log as never, held)
  assert.equal((await send(rogue.statement('received', { ...range, possession: proof }))).accepted, 1)
})

test('stale charter: a member that was suspended goes on by the old charter, and is neither read nor served', async () => {
  await using world = await openRogueWorld()
  const { rogue } = world
  const log = rogue.log(audience)
  log.publish(rogueIndicator(world, value('192.0.2.11')))
  rogue.push()
  await mirrored(world, 'jp', log.id, 2)
  const change = { change: 'standing', member: 'rogue', standing: 'suspended' } as const
  const { alliances } = world.node('ph').federation
  const { hash, version } = await alliances.amend('pacific', change, world.roots.get('ph')!)
  const proposed = async () => (await world.node('jp').federation.alliances.proposals('pacific')).length > 0
  await until('jp is asked to vote', proposed, PATIENCE_MS)
  await world.node('jp').federation.alliances.approve('pacific', world.roots.get('jp')!, version, hash)
  const inForce = (slug: string) => world.node(slug).federation.alliances.list()[0]?.version === version
  await until('both follow it', () => inForce('jp') && inForce('ph'), PATIENCE_MS)
  log.publish(rogueIndicator(world, value('192.0.2.12')))
  rogue.push()
  const { published } = await honestSignalArrives(world)
  const { log: secret } = published[0]!
  for (const tail of ['checkpoint', 'entries?from=0&to=2']) {
    const answer = await rogue.ask(world.node('ph'), `/link/v1/logs/${secret}/${tail}`)
    assert.ok([401, 404].includes(answer.status), `${tail}: ${answer.status}`)
  }
  const listed = await rogue.ask(world.node('ph'), '/link/v1/logs')
  assert.ok(!(await listed.text()).includes(secret), 'what is published now is not named to it')
  const { hits } = await telemetry(world, 'jp', [connection('192.0.2.12')])
  assert.deepEqual(hits, [], 'what it publishes now is not used')
  // The old charter, with all the votes that it had, brings the old standing back to nobody.
  for (const slug of ['jp', 'ph']) {
    const answer = await rogue.ask(world.node(slug), '/link/v1/charters', { charters: [world.charter], proposals: [] })
    assert.ok(answer.status < 500, `${slug} answers ${answer.status}`)
    assert.equal(inForce(slug), true, `${slug} follows the newer charter`)
  }
  await honestSignalArrives(world)
  await blamesNobodyElse(world)
})

test('double vote: votes of one member for both of two charters, and twice for one, make no second quorum', async () => {
  await using world = await openRogueWorld({ honest: ['jp', 'ph', 'us'] })
  const { rogue, charter, roots } = world
  const nodes = ['jp', 'ph', 'us'] as const
  const version = (name: string): { charter: CharterStatement; hash: string } => {
    const members = charter.charter.members.map((one) => (one.slug === 'rogue' ? { ...one, name } : one))
    const previous = statementHash(charter.charter as never)
    const next = { ...charter.charter, version: 2, previous, members, time: Date.now() }
    return { charter: next as CharterStatement, hash: statementHash(next as never) }
  }
  const voteOf = (slug: string, hash: string) => {
    const member = charter.charter.members.find((one) => one.slug === slug)!.id
    const fields = { member, alliance: 'pacific', charter: hash, time: Date.now() }
    return signStatement('vote', fields as never, [roots.get(slug)!])
  }
  // Two honest members were each talked into one version; the rogue votes for both.
  const [left, right] = [version('Left'), version('Right')]
  const votesFor = ({ hash }: { hash: string }, slugs: readonly string[]) => slugs.map((slug) => voteOf(slug, hash))
  const sides = [
    { charter: left.charter, votes: votesFor(left, ['jp', 'ph', 'rogue']) },
    { charter: right.charter, votes: votesFor(right, ['us', 'rogue', 'rogue']) },
  ]
  for (const slug of nodes) {
    const answer = await rogue.ask(world.node(slug), '/link/v1/charters', {
      charters: [charter, ...sides],
      proposals: [],
    })
    assert.ok(answer.status < 500, `${slug} answers ${answer.status}`)
  }
  const names = () => nodes.map((slug) => world.node(slug).federation.directory.member('rogue')?.name)
  await until('the version with a quorum counts', () => names().every((name) => name === 'Left'), PATIENCE_MS)
  await honestSignalArrives(world, 'ph', 'us')
  await honestSignalArrives(world)
  await blamesNobodyElse(world, nodes)
})
