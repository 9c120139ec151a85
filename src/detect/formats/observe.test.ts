import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ObservableKind } from '../event.ts'
import { addRequest } from './observe.ts'

const seenIn = (host: string, target = '/x') => {
  const seen: string[] = []
  addRequest('http', host, target, (kind: ObservableKind, value: string) => seen.push(`${kind} ${value}`))
  return seen
}

test('the host of a request is told without its port, and an IPv6 address keeps its last group', () => {
  assert.deepEqual(seenIn('c2.example:8080'), [
    'url http://c2.example:8080/x',
    'domain c2.example',
    'domain c2.example',
  ])
  assert.deepEqual(seenIn('192.0.2.7:80', 'none'), ['ipv4 192.0.2.7'])
  assert.deepEqual(seenIn('[2001:db8::1]:443', 'none'), ['ipv6 2001:db8::1'])
  assert.deepEqual(seenIn('2001:db8::1:443'), [
    'url http://[2001:db8::1:443]/x',
    'ipv6 2001:db8::1:443',
    'ipv6 2001:db8::1:443',
  ])
  for (const host of ['0x7f.1', '1234', 'x@192.0.2.7', '192.0.2%2e7', 'a/b.example'])
    assert.deepEqual(
      seenIn(host).filter((one) => /192|127|0\.0|url/.test(one) && !one.endsWith(host)),
      [],
      host,
    )
  assert.deepEqual(seenIn('1:2:3:4:5:6:7:8:443', 'none'), [])
})
