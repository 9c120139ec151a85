// For every object and every reader of a small world, over every way out: the reader gets exactly what the rules allow,
// and what it may not have answers like what does not exist.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ask, holds, openWorld, publish, until, type World } from '../alliance/world.ts'
import { fill, MEMBERS, type Oracle, oracleOf, READERS, type Secret, SMALL_WORLD } from './small-world.ts'
import { answersAsAbsent, matched, tellAll, tellPeer } from './ways-out.ts'

/** Faults that a failure lists. */
const SHOWN_FAULTS = 20

type Tokens = Map<string, string>

/** A token of a scope for every reader at every server. */
async function tokensOf(world: World, scope: 'read' | 'telemetry'): Promise<Tokens> {
  const tokens: Tokens = new Map()
  for (const server of MEMBERS) {
    for (const org of READERS) {
      const body = JSON.stringify({ name: `${org} at ${server}`, scope, org })
      const response = await ask(world, server, '/api/v1/tokens', {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/json' },
      })
      if (response.ok) tokens.set(`${server} ${org}`, ((await response.json()) as { text: string }).text)
    }
  }
  return tokens
}

async function settled(world: World, secrets: readonly Secret[], oracle: Oracle): Promise<void> {
  for (const secret of secrets)
    for (const member of MEMBERS)
      if (oracle.mayHold(secret, member))
        await until(`${member} holds ${secret.what} of ${secret.author}`, () => holds(world, member, secret.id))
  await sleep(300)
}

/** Everything that somebody got and should not have, or did not get and should have. */
async function findFaults(world: World, secrets: readonly Secret[], oracle: Oracle): Promise<string[]> {
  const faults: string[] = []
  const judge = (way: string, reader: string, secret: Secret, got: boolean, may: boolean) => {
    if (got !== may)
      faults.push(`${reader} ${got ? 'got' : 'did not get'} "${secret.what}" of ${secret.author} by ${way}`)
  }
  const read = await tokensOf(world, 'read')
  for (const [at, token] of read) {
    const [server = '', reader = ''] = at.split(' ')
    const told = await tellAll(world, server, token, secrets)
    const taxii = told.flatMap(({ way, text }) => (way.includes('/taxii2/_node/') ? text : [])).join('\n')
    const list = told.find(({ way }) => way.includes('all pages'))?.text ?? ''
    for (const secret of secrets) {
      const may = oracle.mayRead(secret, server, reader)
      judge(`listing at ${server}`, reader, secret, list.includes(secret.canary), may)
      judge(`TAXII at ${server}`, reader, secret, taxii.includes(secret.canary), may)
      for (const { way, text } of told)
        if (!may && (text.includes(secret.canary) || text.includes(secret.id) || text.includes(secret.address)))
          judge(`${way} at ${server}`, reader, secret, true, false)
      if (!may && !(await answersAsAbsent(world, server, token, secret.id)))
        faults.push(`${reader} can tell at ${server} that "${secret.what}" of ${secret.author} is withheld`)
    }
  }
  for (const [at, token] of await tokensOf(world, 'telemetry')) {
    const [server = '', reader = ''] = at.split(' ')
    const { way, text } = await matched(world, server, token, secrets)
    for (const secret of secrets) {
      const arms = !secret.what.startsWith('red')
      judge(
        `${way} at ${server}`,
        reader,
        secret,
        text.includes(secret.id),
        arms && oracle.mayRead(secret, server, reader),
      )
    }
  }
  for (const server of MEMBERS) {
    for (const peer of MEMBERS) {
      if (peer === server || !world.node(server).directory.member(peer)) continue
      const { told, absent } = await tellPeer(world, server, peer)
      for (const { way, text } of absent) faults.push(`${peer} at ${server}, ${way}: ${text}`)
      const all = told.map(({ text }) => text).join('\n')
      for (const secret of secrets) {
        judge(
          `the link of ${server}`,
          peer,
          secret,
          all.includes(secret.canary),
          oracle.mayMirror(secret, server, peer),
        )
      }
    }
  }
  return [...new Set(faults)]
}

test('every reader gets exactly what the rules allow, over every way out', async () => {
  await using world = await openWorld(SMALL_WORLD)
  const { secrets, definitions } = await fill(world)
  const oracle = oracleOf(world, definitions)
  await settled(world, secrets, oracle)
  assert.deepEqual((await findFaults(world, secrets, oracle)).slice(0, SHOWN_FAULTS), [])

  const pairs = secrets.flatMap((secret) => MEMBERS.map((member) => oracle.mayHold(secret, member)))
  assert.ok(pairs.includes(true) && pairs.includes(false), 'the world has both answers')
  for (const slug of MEMBERS)
    for (const { canary, address } of secrets)
      assert.ok(!world.log(slug).includes(canary) && !world.log(slug).includes(address), `the log of ${slug}`)
})

test('by hand: what the oracle must say about the bridge', async () => {
  await using world = await openWorld(SMALL_WORLD)
  const { secrets, definitions } = await fill(world)
  const oracle = oracleOf(world, definitions)
  const holders = (author: string, what: string) => {
    const secret = secrets.find((one) => one.author === author && one.what === what)
    return MEMBERS.filter((member) => secret && oracle.mayHold(secret, member))
  }
  assert.deepEqual(holders('us-cisa', 'green of all its alliances'), ['jp-nco', 'us-cisa', 'ph-ncert'])
  assert.deepEqual(holders('jp-nco', 'green of trilateral'), ['jp-nco', 'us-cisa', 'ph-ncert'])
  assert.deepEqual(holders('jp-nco', 'green of asean-japan'), ['jp-nco', 'ph-ncert', 'th-ncsa'])
  assert.deepEqual(holders('th-ncsa', 'amber'), ['jp-nco', 'ph-ncert', 'th-ncsa'])
  assert.deepEqual(holders('us-cisa', 'red for Japan'), ['jp-nco', 'us-cisa'])
  assert.deepEqual(holders('jp-nco', 'amber for two nations'), ['jp-nco', 'us-cisa', 'th-ncsa'])
  const amber = secrets.find((one) => one.author === 'us-cisa' && one.what === 'amber') as Secret
  assert.equal(oracle.mayRead(amber, 'ph-ncert', 'ph-bank'), true, 'the Philippines pass AMBER on to their own client')
  assert.equal(oracle.mayRead(amber, 'ph-ncert', 'th-ncsa'), false)
  assert.equal(oracle.mayRead(amber, 'jp-nco', 'ph-bank'), false)
})

test('nothing that a reader sees changes when something is published that it may not have', async () => {
  await using world = await openWorld(SMALL_WORLD)
  const { secrets, definitions } = await fill(world)
  await settled(world, secrets, oracleOf(world, definitions))
  const read = await tokensOf(world, 'read')
  const everything = async () => {
    const all = new Map<string, string>()
    for (const at of ['jp-nco th-ncsa', 'ph-ncert ph-bank', 'jp-nco us-cisa', 'ph-ncert us-cisa']) {
      const [server = ''] = at.split(' ')
      const told = await tellAll(world, server, read.get(at) ?? '', secrets.slice(0, 5))
      for (const [i, { way, text }] of told.entries())
        all.set(`${at} ${way} ${i}`, text.replace(/"next":"[^"]*"/, '').replace(/\["content-length","\d+"\],?/, ''))
    }
    return all
  }
  const before = await everything()
  for (const author of ['jp-nco', 'ph-ncert'] as const) {
    const other = author === 'jp-nco' ? 'ph-ncert' : 'jp-nco'
    const { object } = secrets[0] as Secret
    await publish(
      world,
      author,
      [
        {
          ...object,
          id: `indicator--${'0'.repeat(8)}-0000-4000-8000-0000000000${author === 'jp-nco' ? '01' : '02'}`,
          object_marking_refs: undefined,
        },
      ],
      { tlp: 'red', to: [`member:${other}`] },
    )
  }
  await sleep(500)
  assert.deepEqual(await everything(), before)
})

test('live events tell a reader of logs that it may see, and of nothing else', async () => {
  await using world = await openWorld(SMALL_WORLD)
  const { secrets, definitions } = await fill(world)
  await settled(world, secrets, oracleOf(world, definitions))
  const token = (await tokensOf(world, 'read')).get('jp-nco th-ncsa') ?? ''
  const stop = new AbortController()
  const response = await ask(world, 'jp-nco', '/api/v1/events', { token, signal: stop.signal })
  let heard = ''
  const listening = (async () => {
    for await (const chunk of response.body ?? []) heard += Buffer.from(chunk).toString()
  })().catch(() => undefined)
  const { object } = secrets[0] as Secret
  const copy = (n: number) => ({
    ...object,
    id: `indicator--00000000-0000-4000-8000-00000000000${n}`,
    object_marking_refs: undefined,
  })
  await publish(world, 'jp-nco', [copy(3)], { tlp: 'red', to: ['member:ph-ncert'] })
  await publish(world, 'jp-nco', [copy(4)], { tlp: 'amber', to: ['alliance:trilateral'] })
  await sleep(500)
  assert.equal(heard.replace(/^:.*$/gm, '').trim(), '')
  await publish(world, 'jp-nco', [copy(5)], { tlp: 'green', to: ['alliance:asean-japan'] })
  await until('the event', () => heard.includes('event: published'))
  assert.doesNotMatch(heard, /indicator--|[0-9a-f]{64}/)
  stop.abort()
  await listening
})

test('the suite notices a broken rule: one that opens every log, and one that opens none', async () => {
  for (const send of [true, false]) {
    await using world = await openWorld({
      ...SMALL_WORLD,
      seams: { admits: () => ({ send, code: 'CLEAR', redact: [], onward: 'world' }) },
    })
    const { secrets, definitions } = await fill(world)
    await sleep(1_000)
    const faults = await findFaults(world, secrets, oracleOf(world, definitions))
    assert.ok(
      faults.some((fault) => fault.includes(send ? ' got ' : 'did not get') && fault.includes('listing')),
      `admits always ${send}`,
    )
    assert.ok(
      faults.some((fault) => fault.includes(send ? ' got ' : 'did not get') && fault.includes('the link of')),
      `admits always ${send}, over the link`,
    )
  }
})
