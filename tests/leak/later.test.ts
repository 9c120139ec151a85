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
      thing(5, { type: 'relationship', mark: listed, refs: [2, 2] }),
      thing(6, { type: 'relationship', mark: mark('red', { participants: ['ph-cert', HUB] }), refs: [2, 2] }),
    ],
    recalls: [],
  })
  const read = async (reader: string) => markersIn(await readBy(on, RELAY, reader))
  const before = await read('ph-cert')
  for (const object of [1, 2, 3, 4, 5, 6]) assert.ok(hasAny(before, object), `object ${object} while both are members`)
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
  for (const object of [2, 3, 4, 5, 6])
    assert.ok(!hasAny(after, object), `object ${object} is for members of one alliance`)
})

const HOUR_MS = 3_600_000
const plain = (n: number, of: Thing['mark'], more: Partial<Thing> = {}): Thing => ({
  n,
  author: HUB,
  type: 'malware',
  mark: of,
  granular: [],
  refs: [],
  ...more,
})
const BOTH = [
  charter('north', [active(HUB, 'jp-bank'), active(RELAY, 'us-grid'), active('ph-cert')]),
  charter('south', [active(HUB), active('th-agency')]),
]

test('an embargo ends at its instant, for whom it was for and for nobody else', async () => {
  await using on = await Stage.open()
  await on.play({
    charters: BOTH,
    things: [
      plain(1, mark('green', { community: 'north' }, { embargo: HOUR_MS })),
      plain(2, mark('green', { community: 'north' }, { embargo: 3 * HOUR_MS, coauthors: ['th-agency'] })),
      plain(3, mark('green')),
    ],
    recalls: [],
  })
  const narrower = mark('green', { community: 'north' }, { embargo: HOUR_MS })
  await on.play({ charters: [], things: [plain(4, narrower, { of: 3 })], recalls: [] })
  const read = async (server: Server, reader: string) => markersIn(await readBy(on, server, reader))
  assert.ok(!hasAny(await read(HUB, 'ph-cert'), 1))
  assert.ok(hasAny(await read(HUB, 'th-agency'), 3), 'what a narrower version under an embargo will replace')
  await on.play({ pass: 2 * HOUR_MS, charters: [], things: [], recalls: [] })
  for (const [server, reader] of [
    [HUB, 'ph-cert'],
    [RELAY, 'us-grid'],
  ] as const) {
    const found = await read(server, reader)
    assert.ok(hasAny(found, 1) && hasAny(found, 4), `${reader} at ${server} has what is over`)
    assert.ok(!hasAny(found, 2), `${reader} at ${server} has nothing of what is not`)
  }
  const south = await read(HUB, 'th-agency')
  for (const object of [1, 2, 3, 4]) assert.ok(!hasAny(south, object), `object ${object} is not for the south`)
})

test('what is said later of an object that was taken back under its embargo waits, and goes to nobody else', async () => {
  await using on = await Stage.open()
  const embargoed = mark('green', { community: 'north' }, { embargo: HOUR_MS })
  await on.play({ charters: BOTH, things: [plain(1, embargoed)], recalls: [1] })
  await on.play({ charters: [], things: [{ ...plain(2, mark('clear')), type: 'note', refs: [1] }], recalls: [] })
  const read = async (reader: string) => markersIn(await readBy(on, HUB, reader))
  for (const reader of ['ph-cert', 'th-agency'])
    for (const object of [1, 2]) assert.ok(!hasAny(await read(reader), object), `${reader} is told of ${object}`)
  await on.play({ pass: 2 * HOUR_MS, charters: [], things: [], recalls: [] })
  assert.ok(hasAny(await read('ph-cert'), 2), 'the note is for whom the object was for')
  assert.ok(!hasAny(await read('th-agency'), 2))
})

test('a grant reaches whom it names, until its instant, and nobody by whom it is held', async () => {
  await using on = await Stage.open()
  await on.play({
    charters: BOTH,
    things: [
      plain(1, mark('amber', { community: 'north' })),
      plain(2, mark('amber+strict', { community: 'north' })),
      plain(3, mark('red', { participants: [RELAY] })),
    ],
    recalls: [],
    grants: [1, 2, 3].map((n) => ({ n, to: ['th-agency'], lasts: HOUR_MS })),
  })
  assert.deepEqual(
    [...on.released.values()].flatMap(({ thing, grants }) => (grants ? [thing.n] : [])),
    [1, 2, 3],
    'all of them are granted',
  )
  const read = async (server: Server, reader: string) => markersIn(await readBy(on, server, reader))
  const named = await read(HUB, 'th-agency')
  for (const object of [1, 2, 3]) assert.ok(hasAny(named, object), `object ${object} is granted`)
  for (const [server, reader, object] of [
    [HUB, 'jp-bank', 2],
    [HUB, 'ph-cert', 3],
    [RELAY, 'us-grid', 2],
    [RELAY, 'th-agency', 1],
  ] as const)
    assert.ok(!hasAny(await read(server, reader), object), `${reader} at ${server} has nothing of ${object}`)
  await on.play({ pass: 2 * HOUR_MS, charters: [], things: [], recalls: [] })
  const after = await read(HUB, 'th-agency')
  // A marking-definition is an object of its own, and stays.
  const parts = [...after].flatMap(([key, { part }]) => (part === 'm' ? [] : [key]))
  assert.deepEqual(parts, [], 'the grants are over')
  assert.ok(hasAny(await read(HUB, 'ph-cert'), 1), 'whoever needs none has it still')
})

/** All that a reader is told at a server; nothing where its charters name no such reader. */
async function readBy(on: Stage, server: Server, reader: string): Promise<Buffer> {
  const token = on.tokens(server).get(reader)
  if (token === undefined) return Buffer.alloc(0)
  const walk = { stage: on, server, reader, token, turn: 0 }
  const [api, taxii] = [await walkApi(walk), await walkTaxii(walk)]
  return Buffer.concat([api.list, taxii.list, ...[...api.told, ...taxii.told].map(({ bytes }) => bytes)])
}
