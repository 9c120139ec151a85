import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SourceMarkings } from '#taxii'
import { type Organisation, toRegister } from '#policy'
import { judge } from './judge.ts'
import { addLoss, type Losses } from './losses.ts'
import { isClosed } from './source-fetch.ts'

const organisation = (name: string, clientOf: string[] = []): Organisation => ({
  id: `identity--${name}`,
  slug: name,
  nation: 'JP',
  kind: 'agency',
  sectors: [],
  clientOf,
  standing: 'active',
})
const register = toRegister({
  organisations: [organisation('self'), organisation('ally'), organisation('bank', ['identity--self'])],
  alliances: new Map(),
})
const judged = (value: Record<string, string>, authors = new Map<string, string>()) =>
  judge(
    { value, bytes: Buffer.from(JSON.stringify(value)), key: '' },
    { authors, register, markings: new SourceMarkings([]) },
  )

test('whoever a charter names made nothing that a source sends: members, clients, and this member itself', () => {
  for (const name of ['self', 'ally', 'bank']) {
    const claim = judged({ type: 'indicator', id: 'indicator--1', created_by_ref: `identity--${name}` })
    assert.ok('code' in claim && claim.code === 'NOT_OWNER' && claim.message.includes(name))
    const portrait = judged({ type: 'identity', id: `identity--${name}` })
    assert.ok('code' in portrait && portrait.code === 'NOT_OWNER')
  }
  const third = judged({ type: 'indicator', id: 'indicator--1', created_by_ref: 'identity--mitre' })
  assert.ok(!('code' in third))
})

test('a creator that the operator mapped becomes the one that was given, in bytes and value', () => {
  const made = judged(
    { type: 'indicator', id: 'indicator--1', created_by_ref: 'identity--ally' },
    new Map([['identity--ally', 'identity--feed']]),
  )
  assert.ok(!('code' in made))
  assert.equal(made.value['created_by_ref'], 'identity--feed')
  assert.deepEqual(JSON.parse(Buffer.from(made.bytes).toString()), made.value)
})

test('a report of losses is bounded, whatever is lost', () => {
  const losses: Losses = {}
  for (let i = 0; i < 10_000; i++)
    addLoss(losses, { id: `x--${i}${'i'.repeat(1_000)}`, code: `CODE_${i % 500}`, message: 'm'.repeat(10_000) })
  assert.equal(
    Object.values(losses).reduce((sum, { count }) => sum + count, 0),
    10_000,
  )
  assert.ok(JSON.stringify(losses).length < 400_000)
})

test('addresses of own networks need permission, those of nobody and of the machine’s neighbours have none', () => {
  for (const address of [
    '10.1.2.3',
    '127.0.0.1',
    '172.31.0.1',
    '192.168.1.1',
    '100.64.0.1',
    '::1',
    'fd00::1',
    '::ffff:10.0.0.1',
  ])
    assert.deepEqual([isClosed(address, false), isClosed(address, true)], [true, false], address)
  for (const address of [
    '169.254.169.254',
    '0.0.0.0',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    'fe80::1',
    'ff02::1',
    '::ffff:169.254.169.254',
    '64:ff9b::a00:1',
  ])
    assert.deepEqual([isClosed(address, false), isClosed(address, true)], [true, true], address)
  for (const address of ['8.8.8.8', '2606:4700::1111', '172.32.0.1'])
    assert.equal(isClosed(address, false), false, address)
})
