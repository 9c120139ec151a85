import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Engine, openSample, range, rejects } from './engine.ts'

/** What every engine answers about records and journals. */
export function recordsContract(engine: Engine): void {
  describe(`${engine.name}: records and journals`, () => {
    test('records are put, kept when already there, deleted, and listed by prefix page by page', async () => {
      await using opened = await openSample(engine)
      const { store } = opened
      const put = (key: string, value: string, ifAbsent = false) =>
        ({ op: 'put', collection: 'c', key, value, ifAbsent }) as const
      const keys = ['a', 'b/1', 'b/2', 'b/3', 'b', 'c', 'é', '\u{1f600}', '\uffff']
      await store.commit(keys.map((key) => put(key, key)))
      assert.deepEqual(await store.commit([put('a', 'new', true), put('d', 'new', true)]), [
        { op: 'put', stored: false },
        { op: 'put', stored: true },
      ])
      assert.equal(await store.record('c', 'a'), 'a')
      assert.deepEqual(
        (await store.recordPage('c', { prefix: 'b/', limit: 2 })).map(({ key }) => key),
        ['b/1', 'b/2'],
      )
      assert.deepEqual(await Array.fromAsync(store.records('c', { prefix: 'b/', after: 'b/2' }), ({ key }) => key), [
        'b/3',
      ])
      assert.deepEqual(await Array.fromAsync(store.records('c', { after: 'c' }), ({ key }) => key), [
        'd',
        'é',
        '\uffff',
        '\u{1f600}',
      ])
      await rejects(store.recordPage('c', { limit: 0 }), 'STORE_BAD_RANGE')
      await rejects(store.recordPage('c', { limit: 10_001 }), 'STORE_BAD_RANGE')
      await store.commit([{ op: 'delete', collection: 'c', key: 'a' }])
      assert.equal(await store.record('c', 'a'), undefined)
      await rejects(store.commit([put('a\0b', '')]), 'STORE_BAD_CHANGE')
    })

    test('journal rows are numbered from 1 in each stream and read from either end', async () => {
      await using opened = await openSample(engine)
      const { store } = opened
      const row = (stream: string, value: number) => ({ op: 'journal', stream, time: value, value }) as const
      await store.commit([row('s', 1), row('t', 1), row('s', 2)])
      await store.commit([row('s', 3)])
      assert.deepEqual(
        (await store.journal('s', { after: 1 })).map(({ sequence, value }) => [sequence, value]),
        [
          [2, 2],
          [3, 3],
        ],
      )
      assert.deepEqual(
        (await store.journal('s', { newestFirst: true, limit: 2 })).map(({ value }) => value),
        [3, 2],
      )
      assert.deepEqual(await store.journal('u'), [])
    })

    test('a listing of records has all of them, over however many pages, and none of its neighbours', async () => {
      await using opened = await openSample(engine)
      const { store } = opened
      const keys = range(0, 2_000).map((i) => `b/${String(i).padStart(5, '0')}`)
      const put = (key: string) => ({ op: 'put', collection: 'c', key, value: key }) as const
      await store.commit(['a', ...keys, 'c'].map(put))
      assert.deepEqual(await Array.fromAsync(store.records('c', { prefix: 'b/' }), ({ value }) => value), keys)
      assert.equal((await Array.fromAsync(store.records('c'))).length, keys.length + 2)
      const late = { prefix: 'b/', after: keys[499] as string }
      assert.deepEqual(await Array.fromAsync(store.records('c', late), ({ key }) => key), keys.slice(500))
      assert.equal((await store.recordPage('c', { ...late, limit: 1_200 })).length, 1_200)
      let seen = 0
      // A record that goes while the listing is read takes none of the others with it.
      for await (const { key } of store.records('c', { prefix: 'b/' }))
        if (seen++ < 1_000) await store.commit([{ op: 'delete', collection: 'c', key }])
      assert.equal(seen, keys.length)
    })
  })
}
