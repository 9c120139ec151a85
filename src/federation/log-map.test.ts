import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { LogId } from '#base'
import { LogMap } from './log-map.ts'

/** Of two parts, and of what is no hash. */
const id = fc.constantFrom<LogId[]>('aa01', 'aa02', 'bb01', 'bb02', 'zz', '')

test('it holds what a map would hold, and what it was made from does not change', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(id, fc.nat())), fc.array(fc.tuple(id, fc.nat())), (first, more) => {
      let map = LogMap.of(first)
      const plain = new Map(first)
      for (const [log, value] of more) {
        const [before, held] = [map, new Map(plain)]
        map = map.with(log, value)
        plain.set(log, value)
        assert.deepEqual(new Map(before), held)
      }
      assert.deepEqual(new Map(map), plain)
      assert.equal(map.size, plain.size)
      for (const log of ['aa01', 'aa02', 'bb01', 'bb02', 'zz', '', 'cc'])
        assert.deepEqual([map.has(log), map.get(log)], [plain.has(log), plain.get(log)])
    }),
  )
})
