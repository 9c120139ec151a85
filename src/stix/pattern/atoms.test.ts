import assert from 'node:assert/strict'
import { test } from 'node:test'
import { atomsOf } from './atoms.ts'
import { parsePattern } from './parser.ts'

const atoms = (text: string) => atomsOf(parsePattern(text))
const ip = (value: string) => ({ object: 'ipv4-addr', path: 'value', operator: '=', value })

test('an equality, an IN, an ISSUBSET, and any OR of them are atoms', () => {
  assert.deepEqual(atoms("[ipv4-addr:value = '1.1.1.1']"), [ip('1.1.1.1')])
  assert.deepEqual(atoms("[ipv4-addr:value IN ('1.1.1.1', '2.2.2.2')]"), [ip('1.1.1.1'), ip('2.2.2.2')])
  assert.deepEqual(atoms("[ipv4-addr:value = '1.1.1.1' OR (file:hashes.'SHA-256' = 'aa' OR x:y[*].'IN' = 5)]"), [
    ip('1.1.1.1'),
    { object: 'file', path: "hashes.'SHA-256'", operator: '=', value: 'aa' },
    { object: 'x', path: "y[*].'IN'", operator: '=', value: 5 },
  ])
  assert.deepEqual(atoms("[ipv4-addr:value = '1.1.1.1'] OR [ipv4-addr:value ISSUBSET '10.0.0.0/8']"), [
    ip('1.1.1.1'),
    { object: 'ipv4-addr', path: 'value', operator: 'ISSUBSET', value: '10.0.0.0/8' },
  ])
})

test('every other pattern has no atoms', () => {
  for (const text of [
    "[a:b = 'x' AND a:c = 'y']",
    "[a:b != 'x']",
    "[a:b NOT = 'x']",
    "[a:b LIKE 'x']",
    "[a:b MATCHES 'x']",
    '[a:b > 1]',
    '[a:b IN ()]',
    "[a:b = h'00']",
    "[a:b = t'2024-01-01T00:00:00Z']",
    '[EXISTS a:b]',
    "[a:b = 'x'] AND [a:b = 'y']",
    "[a:b = 'x'] FOLLOWEDBY [a:b = 'y']",
    "[a:b = 'x'] REPEATS 2 TIMES",
    "[a:b = 'x'] WITHIN 2 SECONDS",
    "[a:b = 'x' OR a:c LIKE 'y']",
  ])
    assert.equal(atoms(text), undefined, text)
})
