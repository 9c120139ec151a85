// What a kill between two commits leaves undone is done at the next start.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ask, holds, indicator, openWorld, publish, until } from '../alliance/world.ts'

const AMBER = { tlp: 'amber', to: ['alliance:trilateral'] }

test('an author hears what is armed of its log, also where its reader was killed before it could say so', async () => {
  await using world = await openWorld({ alliances: { trilateral: ['jp-nco', 'us-cisa'] } })
  const [good, bad] = [indicator('198.51.100.20'), indicator('127.0.0.1')]
  const silent = world.node('us-cisa').federation
  silent.armed = () => Promise.resolve()
  const { published } = await publish(world, 'jp-nco', [good, bad], AMBER)
  await until('mirrored', () => holds(world, 'us-cisa', good.id))
  const claims = async () => {
    const answer = await ask(world, 'jp-nco', `/api/v1/receipts?log=${published[0]?.log}`)
    const { receipts } = (await answer.json()) as {
      receipts: { kind: string; size: number; refused?: { index: number; code: string }[] }[]
    }
    return receipts.filter(({ kind }) => kind === 'armed')
  }
  assert.deepEqual(await claims(), [])
  await world.restart('us-cisa')
  await until('the claim', async () => (await claims()).length > 0)
  const [claim] = await claims()
  assert.equal(claim?.size, 3)
  assert.deepEqual(claim?.refused, [{ index: 2, code: 'DETECT_RESERVED_ADDRESS' }])
})

test('an author hears that its recall was followed, also where its reader was killed right behind the commit that followed it', async () => {
  await using world = await openWorld({ alliances: { trilateral: ['jp-nco', 'us-cisa'] } })
  const object = indicator('198.51.100.21')
  const { published } = await publish(world, 'jp-nco', [object], AMBER)
  await until('mirrored', () => holds(world, 'us-cisa', object.id))
  // From the commit on that withholds, the reader's disk takes nothing more: what it says afterwards is as lost as by a kill.
  const { store } = world.node('us-cisa')
  const commit = store.commit.bind(store)
  let [isDead, refused] = [false, 0]
  store.commit = (changes) => {
    if (isDead) {
      refused++
      return Promise.reject(new Error('killed'))
    }
    isDead = changes.some(({ op }) => op === 'withhold')
    return commit(changes)
  }
  const body = JSON.stringify({ id: object.id, reason: 'error' })
  const headers = { 'content-type': 'application/json' }
  assert.equal((await ask(world, 'jp-nco', '/api/v1/recall', { method: 'POST', body, headers })).status, 200)
  await until('what comes next is refused', () => refused > 0)
  assert.ok(await store.record('recalls', keyOf(published[0]!)), 'it is withheld')
  store.commit = commit
  await world.restart('us-cisa')
  await until('the acknowledgement', async () => {
    const answer = await ask(world, 'jp-nco', `/api/v1/objects/${object.id}/standing`)
    const { standing } = (await answer.json()) as { standing: { recall?: { acknowledged: { slug: string }[] } }[] }
    return standing.some(({ recall }) => recall?.acknowledged.some(({ slug }) => slug === 'us-cisa'))
  })
})

const keyOf = ({ log, index }: { log: string; index: number }) => `${log}/${String(index).padStart(12, '0')}`
