import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Audience } from '#log'
import { type Organisation, receiptsShown, toRegister } from '#policy'

const org = (id: string): Organisation => ({
  id,
  slug: id,
  nation: 'JP',
  kind: 'national-csirt',
  sectors: [],
  clientOf: [],
  standing: 'active',
})
const register = toRegister({
  organisations: ['jp', 'us', 'ph', 'de', 'fr'].map(org),
  alliances: new Map([
    ['open', new Set(['jp', 'us', 'ph'])],
    ['closed', new Set(['jp', 'us', 'de'])],
    ['abroad', new Set(['us', 'fr'])],
  ]),
  opensReceipts: new Set(['open', 'abroad']),
})
const shown = (audience: Partial<Audience>, reader: string, author = 'jp') =>
  [...receiptsShown({ audience: { v: 1, tlp: 'amber', ...audience }, author, reader, register })].sort()

test('receipts are shown within an alliance that the log names, whose charter opens them, to its members alone', () => {
  const all = ['jp', 'ph', 'us']
  assert.deepEqual(shown({ alliances: ['open'] }, 'us'), all)
  assert.deepEqual(shown({ community: ['open'] }, 'us'), all)
  assert.deepEqual(shown({ epochs: ['open:3'] }, 'us'), all)
  assert.deepEqual(shown({ alliances: ['closed', 'open'] }, 'us'), all, 'not those of the other alliance')
  for (const [audience, reader, author] of [
    [{ alliances: ['closed'] }, 'us', 'jp'],
    [{ alliances: ['closed', 'open'] }, 'de', 'jp'],
    [{ alliances: ['abroad'] }, 'us', 'jp'],
    [{ alliances: ['nowhere'] }, 'us', 'jp'],
    [{ members: ['us'] }, 'us', 'jp'],
    [{}, 'us', 'jp'],
  ] as const)
    assert.deepEqual(shown(audience, reader, author), [], JSON.stringify(audience))
})
