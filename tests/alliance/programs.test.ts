// What goes to a client's program depends on what the program was declared to know when its token was made.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clientIdOf } from '#log'
import { noroshi } from '../cli/command-line.ts'
import { ask, indicator, openWorld, publish, type World } from './world.ts'

test('a program that is declared to know caveats gets what stands under one; another of the same client does not', async () => {
  const provider = await memberOf('jp')
  const row = { id: clientIdOf(provider, 'jp-bank'), slug: 'jp-bank', name: 'Bank', kind: 'company', sectors: ['finance'], nation: 'JP' } // prettier-ignore
  await using world = await openWorld({ alliances: { pacific: ['jp', 'us'] }, clients: { jp: [row] } })
  const free = indicator('198.51.100.1')
  const bound = indicator('198.51.100.2')
  const other = indicator('198.51.100.3')
  const strict = indicator('198.51.100.4')
  await publish(world, 'jp', [free], { tlp: 'clear' })
  await publish(world, 'jp', [bound], { tlp: 'clear', to: ['sector:finance'] })
  await publish(world, 'jp', [other], { tlp: 'clear', to: ['sector:energy'] })
  await publish(world, 'jp', [strict], { tlp: 'amber+strict' })
  const plain = await tokenOf(world, [])
  const knowing = await tokenOf(world, ['--knows-caveats'])
  const old = await tokenOf(world, ['--knows-caveats', '--tlp-1'])
  for (const read of [byApi, byTaxii]) {
    // One after the other and back: neither changes what the other is shown.
    for (let round = 0; round < 2; round++) {
      assert.deepEqual(await read(world, plain), [free.id])
      assert.deepEqual(await read(world, knowing), [free.id, bound.id])
      assert.deepEqual(await read(world, old), [free.id, bound.id])
    }
  }
  // What one program has read is not new to it because another one asked in between.
  const since = async (token: string) => {
    const path = '/taxii2/_node/collections/everything/objects/?limit=100'
    const response = await ask(world, 'jp', path, { token })
    const last = response.headers.get('x-taxii-date-added-last') ?? ''
    await byTaxii(world, plain)
    const answer = await (await ask(world, 'jp', `${path}&added_after=${last}`, { token })).text()
    return answer.includes('indicator--')
  }
  assert.equal(await since(knowing), false)
  await world.restart('jp')
  assert.deepEqual(await byApi(world, knowing), [free.id, bound.id], 'also after a restart')
  const { stdout } = await noroshi(['token', 'list', '--dir', world.dir('jp')])
  assert.match(stdout, /knows caveats, TLP 1\.0/)
})

async function tokenOf(world: World, more: readonly string[]): Promise<string> {
  const args = ['token', 'create', 'bank', '--scope', 'read', '--org', 'jp-bank', ...more, '--dir', world.dir('jp')]
  const ran = await noroshi(args)
  assert.equal(ran.code, 0, ran.stderr)
  return ran.stdout.trim()
}

async function byApi(world: World, token: string): Promise<string[]> {
  const answer = await (await ask(world, 'jp', '/api/v1/objects?limit=100&order=oldest', { token })).json()
  return (answer as { objects: { object: { id: string } }[] }).objects.map(({ object }) => object.id)
}

async function byTaxii(world: World, token: string): Promise<string[]> {
  const path = '/taxii2/_node/collections/everything/objects/?limit=100'
  const answer = (await (await ask(world, 'jp', path, { token })).json()) as { objects?: { id: string }[] }
  return (answer.objects ?? []).map(({ id }) => id).filter((id) => !id.startsWith('marking-definition'))
}

async function memberOf(slug: string) {
  await using one = await openWorld({ alliances: { alone: [slug] } })
  return one.node(slug).config.member
}
