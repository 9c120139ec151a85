// What time changes: charters and instants that pass after something was published, through the doors that a reader uses.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { active, charter, hasAny, mark } from './case-stage.ts'
import { markersIn } from './markers.ts'
import { Stage } from './stage.ts'
import { walkApi, walkTaxii } from './ways.ts'
import { HUB, RELAY, type Server, type Thing } from './world-plan.ts'

test('a list that one marking brings outlives the alliance that another asks for', async () => {
  await using on = await Stage.open()
  const thing = (n: number, more: Partial<Thing>): Thing => ({
    n,
    author: RELAY,
    type: 'malware',
    mark: mark('amber'),
    granular: [],
    refs: [],
    ...more,
  })
  const listed = mark('amber', { distribution: ['ph-cert', HUB, RELAY] })
  await on.play({
    charters: [charter('north', [active(HUB), active(RELAY), active('ph-cert')]), charter('south', [active(HUB)])],
    things: [
      thing(1, { mark: listed }),
      thing(2, {}),
      thing(3, { type: 'relationship', refs: [2, 1] }),
      thing(4, { granular: [{ part: 'd', mark: listed }] }),
    ],
    recalls: [],
  })
  const read = async (reader: string) => {
    const walk = { stage: on, server: RELAY as Server, reader, token: on.tokens(RELAY).get(reader) ?? '', turn: 0 }
    const [api, taxii] = [await walkApi(walk), await walkTaxii(walk)]
    return markersIn(Buffer.concat([api.list, taxii.list, ...api.told.map(({ bytes }) => bytes)]))
  }
  const before = await read('ph-cert')
  for (const object of [1, 2, 3, 4]) assert.ok(hasAny(before, object), `object ${object} while both are members`)
  await on.play({
    charters: [
      charter('north', [active(HUB), { ...active(RELAY), standing: 'suspended' }, active('ph-cert')]),
      charter('south', [active(HUB), active(RELAY)]),
    ],
    things: [],
    recalls: [],
  })
  const after = await read('ph-cert')
  assert.ok(hasAny(after, 1), 'what its own list names it for, it has still')
  for (const object of [2, 3, 4]) assert.ok(!hasAny(after, object), `object ${object} is for members of one alliance`)
})
