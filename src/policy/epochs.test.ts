// Audiences of an alliance that gives new members nothing older.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MemberId } from '#base'
import type { CharterMember, CharterRules, CharterStatement } from '#log'
import { audienceOf, resolvedOf } from './audience.ts'
import { contains } from './containment.ts'
import type { Caveats } from './marking.ts'
import { epochOf, type Register, registerOf } from './register.ts'
import { type Resolved, UNMARKED } from './resolve.ts'
import { idOf } from './small-world.ts'
import type { Level } from './tlp.ts'

const row = (slug: string, more: Partial<CharterMember> = {}): CharterMember => ({
  id: idOf(slug) as MemberId,
  slug,
  name: slug,
  nation: 'JP',
  kind: 'national-csirt',
  sectors: [],
  root: '',
  delegations: [],
  standing: 'active',
  joined: 0,
  ...more,
})

function charter(
  alliance: string,
  version: number,
  members: CharterMember[],
  backfill?: CharterRules['backfill'],
): CharterStatement {
  const rules = { quorum: 'majority', receipts: 'author', greenDefault: 'community', carriers: [] } as const
  const more = backfill ? { backfill } : {}
  return { type: 'charter', alliance, version, previous: null, members, rules: { ...rules, ...more }, time: 0 } as never
}

const [jp, us, ph, th] = ['jp', 'us', 'ph', 'th'].map((slug) => row(slug)) as [
  CharterMember,
  CharterMember,
  CharterMember,
  CharterMember,
]
const VERSIONS = [
  charter('pacific', 1, [jp], 'joining'),
  charter('pacific', 2, [jp, us], 'joining'),
  charter('pacific', 3, [jp, { ...us, name: 'renamed' }], 'joining'),
  charter('pacific', 4, [jp, us, ph], 'joining'),
  charter('pacific', 5, [jp, us, { ...ph, standing: 'suspended' }], 'joining'),
]
const ASEAN = charter('asean', 7, [jp, th])

const upTo = (version: number): Register =>
  registerOf([VERSIONS[version - 1]!, ASEAN], new Map(VERSIONS.slice(0, version - 1).map(epochOf)))
const marked = (level: Level, caveats: Caveats = {}): Resolved & { level: Level } => ({ ...UNMARKED, level, caveats })
const to = (...slugs: string[]) => ({ alliances: new Set(slugs) })

test('the epoch is the version in which somebody last joined; other changes open no other log', () => {
  const epochs = [1, 2, 3, 4, 5].map(
    (version) => audienceOf(marked('amber', to('pacific')), idOf('jp'), upTo(version)).epochs,
  )
  assert.deepEqual(epochs, [['pacific:1'], ['pacific:2'], ['pacific:2'], ['pacific:4'], ['pacific:4']])
})

test('an alliance that gives everything is asked for membership alone, beside one that does not', () => {
  const both = audienceOf(marked('green'), idOf('jp'), upTo(4))
  assert.deepEqual(both.community, ['asean', 'pacific'])
  assert.deepEqual(both.epochs, ['asean:0', 'pacific:4'])
  assert.equal(audienceOf(marked('amber', to('asean')), idOf('jp'), upTo(4)).epochs, undefined)
})

test('who is named one by one is meant whenever it joined, and what is for the world has no epoch', () => {
  const named = [
    marked('amber', { distribution: new Set([idOf('us')]) }),
    marked('green', { distribution: new Set([idOf('us')]) }),
    marked('red', { participants: new Set([idOf('us')]) }),
    marked('clear'),
  ]
  for (const one of named) assert.equal(audienceOf(one, idOf('jp'), upTo(4)).epochs, undefined)
})

test('what a new member may not have lies in no audience of it: references to it are cut', () => {
  const moment = (version: number) => ({ author: idOf('jp'), register: upTo(version), now: '2026-01-01T00:00:00Z' })
  const bound = (level: Level, caveats: Caveats, version: number) =>
    resolvedOf(audienceOf(marked(level, caveats), idOf('jp'), upTo(version)))
  const [older, newer] = [bound('amber', to('pacific'), 2), bound('amber', to('pacific'), 4)]
  assert.equal(contains(older, newer, moment(4)), false)
  assert.equal(contains(newer, newer, moment(4)), true)
  const everybody = bound('green', {}, 4)
  assert.equal(contains(everybody, bound('amber', to('asean'), 4), moment(4)), true)
  assert.equal(contains(everybody, older, moment(4)), false, 'epochs of one log say nothing of another: doubt is no')
})

test('a member to whom its inviters gave everything counts in every epoch, while it is a member', () => {
  const given = { ...ph, backfill: 'everything' as const }
  const now = charter('pacific', 4, [jp, us, given], 'joining')
  const register = registerOf([now], new Map(VERSIONS.slice(0, 3).map(epochOf)))
  assert.ok(register.epoch('pacific', 2)?.has(given.id))
  const gone = registerOf([charter('pacific', 4, [jp, us, { ...given, standing: 'left', left: 1 }], 'joining')])
  assert.equal(gone.alliance('pacific')?.has(given.id), false)
})
