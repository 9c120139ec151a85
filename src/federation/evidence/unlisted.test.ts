// An author that hides a log from one reader alone is named by what the others hold.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isJsonObject, type Json } from '#base'
import { allHash, logIdOf, type LogRow, statementHash } from '#log'
import { admits } from '#policy'
import type { VotedCharter } from '../alliance-api.ts'
import { EVIDENCE } from '../context.ts'
import { votedBy } from '../simulation/members.ts'
import { amberFor, indicator } from '../testing/objects.ts'
import { openNodes } from '../testing/pair.ts'
import { openRealNode, type RealNode, reserve, until } from '../testing/real-node.ts'
import { signed } from '../testing/signed-request.ts'

const shown = amberFor('pacific')
const hidden = { ...shown, tlp: 'green' } as const
const limits = { pollMs: 300, backoffFirstMs: 50, backoffMaxMs: 200 }
/** As many polls as an author has, and some more. */
const LONG_MS = limits.pollMs * 12

/** Three nodes; the first hides its green log from the second, if it lies. */
async function openWorld(isLying: boolean) {
  let liar = ''
  let victim = ''
  const world = await openNodes(['jp-nco', 'us-cisa', 'ph-cert'], {
    'jp-nco': {
      limits,
      admits: (question) =>
        isLying && question.server === liar && question.reader === victim && question.audience.tlp === 'green'
          ? admits({ ...question, audience: { v: 1, tlp: 'red', participants: [] } })
          : admits(question),
    },
    'us-cisa': { limits },
    'ph-cert': { limits },
  })
  const [jp, us, ph] = world.nodes as [RealNode, RealNode, RealNode]
  liar = jp.member.self.member
  victim = us.member.self.member
  const publish = async (audience: typeof shown, name: string) =>
    (await jp.publish(audience, [indicator(name, liar as never, Date.now())])).log
  return { world, jp, us, ph, logs: [await publish(shown, 'shown'), await publish(hidden, 'green')] as const }
}

test('a log that its author hides from one reader is named there, with what the author signed', async () => {
  const { world, jp, us, ph, logs } = await openWorld(true)
  await using _ = world
  us.federation.start()
  ph.federation.start()
  await until('ph holds both', async () => (await Promise.all(logs.map((log) => ph.store.log(log)))).every(Boolean))
  await until('us holds the other', async () => (await us.store.log(logs[0])) !== undefined)
  await until('the alarm', () => us.alarms.some(({ kind }) => kind === 'omission'), 15_000)
  const [alarm, ...more] = us.alarms
  assert.deepEqual(more, [], 'told once')
  assert.equal(alarm?.peer, jp.member.self.member)
  assert.equal(alarm?.log, logs[1])
  assert.match(alarm?.message ?? '', /jp-nco.*ph-cert/)
  assert.equal(await us.store.log(logs[1]), undefined)
  const kept: Json[] = []
  for (const { value } of await us.store.journal(EVIDENCE)) kept.push(value)
  const [row] = kept
  assert.ok(isJsonObject(row) && isJsonObject(row['evidence']))
  const { note, genesis, snapshot, logs: rows } = row['evidence'] as Record<string, Json>
  assert.equal(logIdOf(Buffer.from(String(genesis), 'base64')), logs[1])
  assert.match(String(note), new RegExp(`^noroshi/v1/${logs[1]}\n`))
  const { statement } = snapshot as unknown as { statement: { all: string } }
  assert.equal(allHash(rows as unknown as LogRow[]), statement.all, 'the list is the one that was signed')
  assert.ok(!(rows as unknown as LogRow[]).some(({ log }) => log === logs[1]))
  assert.deepEqual(ph.alarms, [])
})

test('nobody is named where every log is listed, or is not for the reader', async () => {
  const { world, jp, us, ph, logs } = await openWorld(false)
  await using _ = world
  ph.federation.start()
  await until('ph holds both', async () => (await Promise.all(logs.map((log) => ph.store.log(log)))).every(Boolean))
  us.federation.start()
  const red = { v: 1, tlp: 'red', participants: [ph.member.self.member] } as const
  const secret = await jp.publish(red, [indicator('secret', jp.member.self.member, Date.now())])
  await until('ph holds the secret', async () => (await ph.store.log(secret.log)) !== undefined)
  await until('us has both', async () => (await Promise.all(logs.map((log) => us.store.log(log)))).every(Boolean))
  const ask = async (genesis: unknown) => {
    const body = JSON.stringify({ checkpoints: [], genesis })
    const answer = await ph.federation.handle(signed(us, ph, '/link/v1/gossip', { method: 'POST', body }))
    return { status: answer.status, text: 'body' in answer ? Buffer.from(answer.body).toString() : '' }
  }
  const absent = await ask(['0'.repeat(64)])
  assert.deepEqual(await ask([secret.log]), absent, 'the first entry of a log that is not for the asker is absent')
  assert.deepEqual(JSON.parse(absent.text), { checkpoints: [], genesis: [] })
  assert.equal(JSON.parse((await ask([...logs, 7, null])).text).genesis.length, 2)
  assert.equal((await ask(Array(17).fill(logs[0]))).status, 400)
  assert.equal((await ask('x')).status, 400)
  // A peer that speaks of it all the same makes nobody a suspect.
  const note = (await ph.store.log(secret.log))!.checkpoint
  const told = JSON.stringify({ checkpoints: [note, note.replace('noroshi', 'other')] })
  await us.federation.handle(signed(ph, us, '/link/v1/gossip', { method: 'POST', body: told }))
  await new Promise((resolve) => setTimeout(resolve, LONG_MS))
  for (const node of [us, ph]) assert.deepEqual(node.alarms, [])
})

test('nobody is named who lists nothing by an older charter, in which it is suspended', async () => {
  const { world, jp, us, ph, logs } = await openWorld(false)
  await using _ = world
  const { charter } = world.charter
  const [second, third] = ['suspended' as const, 'active' as const].reduce<VotedCharter[]>((chain, standing) => {
    const { charter: before } = chain.at(-1) ?? world.charter
    const members = before.members.map((row) => (row.slug === 'jp-nco' ? { ...row, standing } : row))
    const next = { ...charter, version: before.version + 1, previous: statementHash(before), members, time: Date.now() }
    return [...chain, votedBy(next, [us.member, ph.member])]
  }, []) as [VotedCharter, VotedCharter]
  await using behind = await openRealNode(jp.member, await reserve(), { limits })
  await behind.federation.alliances.bootstrapCharter([world.charter, second])
  const lists: number[] = []
  jp.intercept(async (request, next) => {
    if (request.headers['noroshi-from'] !== us.member.self.member) return next()
    // Nobody brings it the newer charter.
    if (request.method === 'POST') return { status: 503, headers: {}, body: new Uint8Array() }
    const answer = await behind.federation.handle(request)
    lists.push(answer.status)
    return answer
  })
  ph.federation.start()
  await until('ph holds both', async () => (await Promise.all(logs.map((log) => ph.store.log(log)))).every(Boolean))
  for (const node of [us, ph]) await node.federation.alliances.bootstrapCharter([world.charter, second, third])
  us.federation.start()
  await until('lists', () => lists.filter((status) => status === 200).length > 1)
  await new Promise((resolve) => setTimeout(resolve, LONG_MS))
  assert.equal(await us.store.log(logs[0]), undefined)
  assert.deepEqual(us.alarms, [])
})
