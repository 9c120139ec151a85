// A member of two alliances tells the readers of one nothing about the other.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { holds, indicator, openWorld, publish, until } from './world.ts'

test('checkpoints name the charters of the alliances that their audience names, and no others', async () => {
  await using world = await openWorld({
    alliances: { trilateral: ['ph-ncert', 'us-cisa'], 'asean-japan': ['ph-ncert', 'th-ncsa'] },
  })
  const [narrow, wide, single] = [indicator('198.51.100.20'), indicator('198.51.100.21'), indicator('198.51.100.22')]
  await publish(world, 'ph-ncert', [narrow], { tlp: 'amber', to: ['alliance:trilateral'] })
  await publish(world, 'ph-ncert', [wide], { tlp: 'green', to: ['alliance:asean-japan'] })
  await publish(world, 'ph-ncert', [single], { tlp: 'red', to: ['member:us-cisa'] })
  await until('mirrored', () => holds(world, 'th-ncsa', wide.id))
  await until('mirrored', () => holds(world, 'us-cisa', single.id))
  const linesAt = async (slug: string) => {
    const heads = await world.node(slug).store.logs({ own: false })
    const notes = heads.filter(({ own }) => !own).map(({ checkpoint }) => checkpoint)
    return notes
      .map((note) => [...note.matchAll(/^charter (\S+)/gm)].map((match) => match[1]).join())
      .sort((a, b) => (a < b ? -1 : 1))
  }
  assert.deepEqual(await linesAt('th-ncsa'), ['asean-japan'])
  assert.deepEqual(await linesAt('us-cisa'), ['', 'trilateral'])
})
