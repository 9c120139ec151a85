// Links as their operator meets them: where they may go, and what the log says of them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ask, holds, indicator, openWorld, publish, until } from './world.ts'

const TWO = { alliances: { trilateral: ['jp-nco', 'us-cisa'] } }

test('a link over plain HTTP to another machine is refused at once, with the reason', async () => {
  await using world = await openWorld(TWO)
  const before = world.node('jp-nco').federation.links()
  for (const address of ['http://192.0.2.1:8440', 'http://us-cisa.example', 'http://127.0.0.1.example:80']) {
    const answer = await ask(world, 'jp-nco', '/api/v1/links', {
      method: 'POST',
      body: JSON.stringify({ member: 'us-cisa', address }),
      headers: { 'content-type': 'application/json' },
    })
    const { code, detail } = (await answer.json()) as { code: string; detail: string }
    assert.deepEqual([answer.status, code], [409, 'LINK_REFUSED'], address)
    assert.match(detail, /links need https, except on this machine/)
  }
  assert.deepEqual(
    world
      .node('jp-nco')
      .federation.links()
      .map(({ address }) => address),
    before.map(({ address }) => address),
  )
})

test('the log names the state of a link when it changes, not with every publication', async () => {
  await using world = await openWorld(TWO)
  const states = () =>
    world
      .log('us-cisa')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as { msg: string; state?: string })
      .filter(({ msg }) => msg === 'link')
      .map(({ state }) => state)
  await until('the link is up', () => states().includes('up'))
  for (let i = 0; i < 10; i++) {
    const signal = indicator(`198.51.100.${i}`)
    await publish(world, 'jp-nco', [signal], { tlp: 'amber' })
    await until('it is there', () => holds(world, 'us-cisa', signal.id))
  }
  const told = states()
  assert.ok(
    told.every((state, i) => i === 0 || state !== told[i - 1]),
    `told: ${told.join(' ')}`,
  )
})
