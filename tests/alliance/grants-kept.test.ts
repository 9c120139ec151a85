// Grants as one node keeps them: instants, overlaps, cut copies, plans that were overtaken, a store that lost its records.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { decodeEntry, ENTRY_KIND, keyIdOf } from '#log'
import { openSealSigner } from '#node'
import { ask, indicator, openWorld, publish, until, type World } from './world.ts'

const ALLIANCES = { trilateral: ['jp', 'us'], 'asean-japan': ['jp', 'th'] }
const GREEN = { tlp: 'green', to: ['alliance:trilateral'] }
const HOUR_MS = 3_600_000

/** Grants at jp as a running node does, with the seal key; answers what the node kept. */
async function grant(world: World, object: string, to: string[], more: { until?: number; at?: number } = {}) {
  const node = world.node('jp')
  const signer = await sealOf(world)
  const { at, ...wish } = more
  return node.grants.grant({ object, to, ...wish }, { ...signer, ...(at === undefined ? {} : { at }) })
}

async function sealOf(world: World) {
  const { readFile } = await import('node:fs/promises')
  const { publicKey } = JSON.parse(await readFile(`${world.dir('jp')}/keys/seal.json`, 'utf8')) as { publicKey: string }
  return openSealSigner(world.dir('jp'), 'noroshi demo', keyIdOf(new Uint8Array(Buffer.from(publicKey, 'base64'))))
}

/** Whether bytes of the entry are answered at jp. */
async function isServed(world: World, { log, index }: { log: string; index: number }): Promise<boolean> {
  const [entry] = await world.node('jp').store.entries(log, index, index + 1)
  return entry?.bytes !== undefined
}

const states = async (world: World) => (await world.node('jp').grants.list()).map(({ state }) => state).sort()

test('a copy that two grants cover ends with the later one, and the first read after an instant sees it gone', async () => {
  let now = Date.now()
  await using world = await openWorld({ alliances: ALLIANCES, links: false, now: () => now })
  const object = indicator('198.51.100.1')
  await publish(world, 'jp', [object], GREEN)
  const [short] = await grant(world, object.id, ['th'], { until: now + HOUR_MS })
  const [long] = await grant(world, object.id, ['th'], { until: now + 2 * HOUR_MS })
  assert.ok(short && long)
  assert.deepEqual([long.log, long.index], [short.log, short.index], 'one copy')
  now += HOUR_MS - 1
  assert.ok(await isServed(world, short))
  now += 1
  assert.ok(await isServed(world, short), 'the other grant goes on')
  await until('the first is over', async () => (await states(world)).join() === 'expired,in-force')
  now += HOUR_MS
  assert.equal(await isServed(world, short), false)
  assert.deepEqual(await states(world), ['expired', 'expired'])
  const node = world.node('jp')
  await until('its log says so', async () => (await kinds(world, short.log)).includes(ENTRY_KIND.expire))
  assert.equal((await kinds(world, short.log)).filter((kind) => kind === ENTRY_KIND.expire).length, 1)
  assert.equal((await node.publisher.standing(object.id)).filter(({ recalled }) => !recalled).length, 1)
})

test('what ended while the node was stopped is answered to nobody after its start', async () => {
  let now = Date.now()
  await using world = await openWorld({ alliances: ALLIANCES, links: false, now: () => now })
  const object = indicator('198.51.100.2')
  await publish(world, 'jp', [object], GREEN)
  const [kept] = await grant(world, object.id, ['th'], { until: now + HOUR_MS })
  assert.ok(kept)
  await world.stop('jp')
  now += HOUR_MS
  await world.restart('jp')
  assert.equal(await isServed(world, kept), false)
  await until('its log says so', async () => (await kinds(world, kept.log)).includes(ENTRY_KIND.expire))
  assert.deepEqual(await states(world), ['expired'])
})

test('a grant whose record is lost is read back from its log, and ends in time', async () => {
  let now = Date.now()
  await using world = await openWorld({ alliances: ALLIANCES, links: false, now: () => now })
  const object = indicator('198.51.100.3')
  await publish(world, 'jp', [object], GREEN)
  const [kept] = await grant(world, object.id, ['th'], { until: now + HOUR_MS })
  assert.ok(kept)
  await world.node('jp').store.commit([{ op: 'delete', collection: 'grants', key: kept.id }])
  await world.restart('jp')
  const [found] = await world.node('jp').grants.list()
  assert.deepEqual([found?.id, found?.state, found?.until], [kept.id, 'in-force', kept.until])
  now += HOUR_MS
  assert.equal(await isServed(world, kept), false)
})

test('a plan that was signed is kept to the byte; one that another grant overtook is signed anew', async () => {
  await using world = await openWorld({ alliances: ALLIANCES, links: false })
  const [one, two] = [indicator('198.51.100.4'), indicator('198.51.100.5')]
  await publish(world, 'jp', [one, two], GREEN)
  const post = async (body: object) => {
    const response = await ask(world, 'jp', '/api/v1/grants', {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    })
    return { status: response.status, answer: (await response.json()) as Answer }
  }
  const signer = await sealOf(world)
  const sign = ({ sign: { bytes } }: Answer) => ({
    bytes,
    sig: Buffer.from(signer.sign(new Uint8Array(Buffer.from(bytes, 'base64')))).toString('base64'),
  })
  const wish = { object: one.id, to: ['th'] }
  const first = await post(wish)
  assert.equal(first.status, 202)
  assert.deepEqual((await world.node('jp').grants.list()).length, 0, 'nothing is granted before it is signed')
  await grant(world, two.id, ['th'])
  const { time } = first.answer
  const second = await post({ ...wish, time, signatures: [sign(first.answer)] })
  assert.equal(second.status, 202, 'the log has grown')
  const signatures = [sign(first.answer), sign(second.answer)]
  const third = await post({ ...wish, time, signatures })
  assert.equal(third.status, 200)
  assert.deepEqual(await states(world), ['in-force', 'in-force'])
  const foreign = await post({ ...wish, time, signatures: [{ ...sign(second.answer), sig: 'A'.repeat(86) + '==' }] })
  assert.equal(foreign.status, 400)
})

test('a copy that is cut tells neither what was cut nor whose copy it is', async () => {
  await using world = await openWorld({ alliances: ALLIANCES, links: false })
  const hidden = indicator('198.51.100.6')
  const seen = indicator('198.51.100.7')
  await publish(world, 'jp', [hidden], { tlp: 'amber', to: ['member:us'] })
  await publish(world, 'jp', [seen], { tlp: 'clear' })
  const report = {
    ...indicator('198.51.100.8'),
    type: 'report',
    id: `report--${randomUUID()}`,
    published: new Date().toISOString(),
    object_refs: [seen.id, hidden.id],
  }
  for (const name of ['pattern', 'pattern_type', 'valid_from']) delete (report as Record<string, unknown>)[name]
  const done = await publish(world, 'jp', [report], { tlp: 'amber', to: ['member:us'] })
  assert.deepEqual(done.refused, [])
  const [kept] = await grant(world, report.id, ['th'])
  assert.ok(kept?.form)
  const text = await textOf(world, kept.log)
  assert.ok(text.includes(kept.form) && text.includes(seen.id))
  for (const id of [report.id, hidden.id]) assert.equal(text.includes(id), false, id)
  await grant(world, hidden.id, ['th'])
  const [second] = await grant(world, report.id, ['th'])
  assert.equal(second?.form, undefined, 'with the indicator granted it is whole')
})

test('what annotates or names a granted object goes where the object stands by its marking', async () => {
  await using world = await openWorld({ alliances: ALLIANCES, links: false })
  const named = indicator('198.51.100.10')
  await publish(world, 'jp', [named], { tlp: 'amber', to: ['member:us'] })
  await grant(world, named.id, ['th'])
  const note = {
    type: 'note',
    spec_version: '2.1',
    id: `note--${randomUUID()}`,
    created: new Date().toISOString(),
    modified: new Date().toISOString(),
    content: 'seen again',
    object_refs: [named.id],
  }
  const recipients = async (marking: { tlp: string; to?: string[] }) =>
    (await publish(world, 'jp', [{ ...note, id: `note--${randomUUID()}` }], marking)).published.map(
      (one) => one.recipients,
    )
  assert.deepEqual(await recipients({ tlp: 'green' }), [['us']])
  assert.deepEqual(await recipients({ tlp: 'amber', to: ['member:th'] }), [[]], 'the grant is for the indicator alone')
})

interface Answer {
  sign: { bytes: string }
  time: number
}

/** Kinds of the entries of a log of jp. */
const kinds = async (world: World, log: string): Promise<number[]> =>
  (await world.node('jp').store.entries(log, 0, 1_000)).map(({ kind }) => kind)

async function textOf(world: World, log: string): Promise<string> {
  const entries = await world.node('jp').store.entries(log, 0, 1_000)
  return entries.flatMap(({ bytes }) => (bytes ? [Buffer.from(decodeEntry(bytes).payload).toString()] : [])).join('\n')
}
