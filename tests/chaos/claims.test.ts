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
