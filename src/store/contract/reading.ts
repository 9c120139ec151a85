// What every engine must answer: after recalls, from records, pages, proofs, and a folder opened again.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { fromHex, type LogId, type MemberId, toHex } from '#base'
import { openCheckpoint, verifyConsistency, verifyInclusion } from '#log'
import { AMBER, GREEN, sampleAppend, sampleEntry, sampleFolder, SampleLog } from '../samples.ts'
import type { Store } from '../store.ts'
import { allPages, appended, type Engine, JP, openSample, range, rejects, US } from './engine.ts'

/** Registers these tests for an engine. */
export function readingContract(engine: Engine): void {
  describe(`${engine.name}: taking back`, () => {
    test('a withheld entry is served nowhere; its leaf hash stays', async () => {
      await using opened = await openSample(engine)
      const { store } = opened
      const [{ log, leaves }] = appended(
        await store.commit([sampleAppend(JP.member, [sampleEntry('a'), sampleEntry('b')])]),
      )
      await store.commit([{ op: 'withhold', log, index: 1, reason: 'error', time: 7 }])
      const [entry] = await store.entries(log, 1, 2)
      assert.equal(entry?.bytes, undefined)
      assert.equal(entry?.leaf, leaves[0])
      assert.deepEqual(
        (await store.objects({ logs: [log], limit: 10 })).rows.map(({ index }) => index),
        [2],
      )
      const recalled = await store.objects({ logs: [log], statuses: ['recalled'], limit: 10 })
      assert.deepEqual(
        recalled.rows.map(({ index, json }) => [index, json.length]),
        [[1, 0]],
      )
      await store.commit([{ op: 'status', log, index: 1, status: 'accepted' }])
      assert.deepEqual(
        (await store.objects({ logs: [log], limit: 10 })).rows.map(({ index }) => index),
        [2],
      )
      assert.equal((await store.fsck()).ok, true)
    })

    test('a purged entry leaves its leaf hash only: no bytes, no columns', async () => {
      await using opened = await openSample(engine)
      const { store } = opened
      const entry = sampleEntry('a')
      const [{ log, leaves }] = appended(await store.commit([sampleAppend(JP.member, [entry, sampleEntry('b')])]))
      const held = async () => (await store.log(log))?.bytes
      const length = (await store.entries(log, 1, 2))[0]?.bytes?.length ?? NaN
      const before = await held()
      await store.commit([{ op: 'purge', log, index: 1, time: 7 }])
      await store.commit([{ op: 'purge', log, index: 1, time: 8 }])
      assert.equal(await held(), Number(before) - length, 'a purge frees its bytes, once')
      const [kept] = await store.entries(log, 1, 2)
      assert.deepEqual([kept?.bytes, kept?.object, kept?.leaf], [undefined, undefined, leaves[0]])
      const statuses = ['accepted', 'quarantined', 'rejected', 'recalled'] as const
      assert.deepEqual((await store.objects({ logs: [log], ids: [entry.object.id], statuses, limit: 1 })).rows, [])
      assert.equal((await store.totals()).objects, 1)
      await rejects(store.commit([{ op: 'purge', log, index: 0, time: 7 }]), 'STORE_GENESIS')
      assert.equal((await store.fsck()).ok, true)
    })

    test('frames hold the bytes that are served and else the leaf hash; what is not in use is listed', async () => {
      await using opened = await openSample(engine)
      const { store } = opened
      const samples = [
        sampleEntry('a'),
        sampleEntry('b', { status: 'quarantined', code: 'NOT_YET' }),
        sampleEntry('c'),
        sampleEntry('d'),
        sampleEntry('e', { status: 'rejected', code: 'NEVER' }),
      ]
      const [{ log, leaves }] = appended(await store.commit([sampleAppend(JP.member, samples)]))
      await store.commit([
        { op: 'withhold', log, index: 1, reason: 'error', time: 7 },
        { op: 'purge', log, index: 3, time: 7 },
      ])
      const entries = await store.entries(log, 0, 6)
      const frames = await store.frames(log, 0, 99)
      assert.deepEqual(
        frames.map((frame) => ('bytes' in frame ? toHex(frame.bytes) : `leaf ${toHex(frame.leaf)}`)),
        entries.map(({ bytes, leaf }) => (bytes ? toHex(bytes) : `leaf ${leaf}`)),
      )
      assert.deepEqual(frames[1], { leaf: fromHex(leaves[0]!) })
      assert.deepEqual(await store.frames(log, 1, 3), frames.slice(1, 3))
      assert.equal((await store.frames(log, 0, 6, 1)).length, 1)
      assert.deepEqual(await store.frames(log, 6, 9), [])
      assert.deepEqual(await store.unaccepted(log, 0, 6), [
        { index: 1, status: 'recalled' },
        { index: 2, status: 'quarantined', code: 'NOT_YET' },
        { index: 5, status: 'rejected', code: 'NEVER' },
      ])
      assert.deepEqual(await store.unaccepted(log, 3, 5), [])
      await rejects(store.frames(log, 3, 2), 'STORE_BAD_RANGE')
      await rejects(store.unaccepted('0'.repeat(64), 0, 1), 'STORE_NO_SUCH_LOG')
    })

    test('many ids are looked up at once, each found once, in order and page by page', async () => {
      await using opened = await openSample(engine)
      const { store } = opened
      const samples = range(0, 200).map((i) => sampleEntry(`object ${i}`))
      const [{ log }] = appended(await store.commit([sampleAppend(JP.member, samples)]))
      const asked = samples.filter((_, i) => i % 3 === 0).map(({ object }) => object.id)
      const ids = [...asked, ...asked.slice(0, 5), 'malware--00000000-0000-4000-8000-000000000000'].reverse()
      const oldest = (await store.objects({ logs: [log], ids, limit: 1_000 })).rows.map(({ id }) => id)
      assert.deepEqual(oldest, asked)
      const newest = (await store.objects({ logs: [log], ids, order: 'newest', limit: 1_000 })).rows
      assert.deepEqual(
        newest.map(({ id }) => id),
        asked.toReversed(),
      )
      assert.deepEqual(await allPages(store, [log], { ids, limit: 7 }), asked)
      assert.deepEqual(await store.countObjects({ logs: [log], ids }), [{ type: 'indicator', count: asked.length }])
    })

    test('ids are looked up in all logs of an author, which nobody has to name', async () => {
      await using opened = await openSample(engine)
      const { store } = opened
      const entries = ['a', 'b', 'c', 'd'].map((name) => sampleEntry(name))
      const [a, b, c, d] = entries as [
        (typeof entries)[0],
        (typeof entries)[0],
        (typeof entries)[0],
        (typeof entries)[0],
      ]
      const [one] = appended(await store.commit([sampleAppend(JP.member, [a, b])]))
      const [other] = appended(await store.commit([sampleAppend(JP.member, [c], { audience: AMBER })]))
      const foreign = new SampleLog(US)
      foreign.add(d)
      await store.commit([foreign.mirror(0, 2)])
      const ids = [a, b, c, d].map(({ object }) => object.id)
      const placesOf = async (logs: LogId[], author?: MemberId) => {
        const { rows } = await store.objects({ logs, ids, limit: 10, ...(author ? { author } : {}) })
        return rows.map(({ log, index }) => [log, index])
      }
      const own = [
        [one.log, 1],
        [one.log, 2],
        [other?.log, 1],
      ]
      assert.deepEqual(await placesOf([], JP.member), own)
      assert.deepEqual(await placesOf([foreign.log], JP.member), [...own, [foreign.log, 1]])
      assert.deepEqual(await placesOf([], 'identity--00000000-0000-4000-8000-000000000000'), [])
      assert.deepEqual(await placesOf([]), [])
    })

    test('status changes move an object between the lists, with its reason code', async () => {
      await using opened = await openSample(engine)
      const { store } = opened
      const entry = sampleEntry('a', { status: 'quarantined', code: 'NOT_YET' })
      const [{ log }] = appended(await store.commit([sampleAppend(JP.member, [entry])]))
      assert.deepEqual((await store.objects({ logs: [log], limit: 1 })).rows, [])
      const [held] = (await store.objects({ logs: [log], statuses: ['quarantined'], limit: 1 })).rows
      assert.deepEqual([held?.status, held?.code], ['quarantined', 'NOT_YET'])
      await store.commit([{ op: 'status', log, index: 1, status: 'accepted' }])
      const [free] = (await store.objects({ logs: [log], limit: 1 })).rows
      assert.deepEqual([free?.status, free?.code], ['accepted', undefined])
      assert.deepEqual(await store.countObjects({ logs: [log], statuses: ['quarantined'] }), [])
    })
  })

  describe(`${engine.name}: objects`, () => {
    test('a page over several logs is in order of arrival and goes on where the one before ended', async () => {
      await using opened = await openSample(engine)
      const { store } = opened
      const arrival: string[] = []
      for (const i of range(0, 30)) {
        const audience = [GREEN, AMBER, { ...AMBER, tlp: 'red' as const }][(i * i) % 3] ?? GREEN
        const entry = sampleEntry(`e${i}`)
        arrival.push(entry.object.id)
        await store.commit([sampleAppend(JP.member, [entry], { audience, incarnation: String(i) })])
      }
      const logs = (await store.logs()).map(({ log }) => log)
      for (const limit of [1, 7, 29, 30, 31]) {
        assert.deepEqual(await allPages(store, logs, { limit }), arrival)
        assert.deepEqual(await allPages(store, logs, { limit, order: 'newest' }), arrival.toReversed())
      }
    })

    test('`since` gives what arrived at or after a time, also when the clock went back in between', async () => {
      using home = sampleFolder()
      let clock = 5_000
      await using store = await engine.open({ folder: home.folder, signer: JP, now: () => clock })
      const publish = async (name: string, at: number) => {
        clock = at
        return appended(await store.commit([sampleAppend(JP.member, [sampleEntry(name)])]))[0].log
      }
      const log = await publish('a', 5_000)
      await publish('b', 6_000)
      await publish('c', 4_000)
      await publish('d', 7_000)
      const all = await store.objects({ logs: [log], limit: 10 })
      assert.deepEqual(
        all.rows.map(({ arrived }) => arrived),
        [5_000, 6_000, 6_000, 7_000],
      )
      for (const [since, count] of [
        [0, 4],
        [5_000, 4],
        [5_001, 3],
        [6_000, 3],
        [6_001, 1],
        [7_000, 1],
        [7_001, 0],
      ] as const) {
        for (const order of ['oldest', 'newest'] as const)
          assert.equal((await allPages(store, [log], { since, order, limit: 2 })).length, count, `since ${since}`)
        assert.equal((await store.countObjects({ logs: [log], since }))[0]?.count ?? 0, count)
      }
      assert.deepEqual((await store.fsck()).faults, [])
    })

    test('a cursor that was made up, or given for the other order, is refused', async () => {
      await using opened = await openSample(engine)
      const { store } = opened
      const [{ log }] = appended(
        await store.commit([
          sampleAppend(
            JP.member,
            range(0, 5).map((i) => sampleEntry(`e${i}`)),
          ),
        ]),
      )
      const { next } = await store.objects({ logs: [log], limit: 2 })
      assert.ok(next)
      await rejects(store.objects({ logs: [log], limit: 2, cursor: next, order: 'newest' }), 'STORE_BAD_CURSOR')
      for (const cursor of ['', 'x', `${next}A`, Buffer.alloc(16).toString('base64url')])
        await rejects(store.objects({ logs: [log], limit: 2, cursor }), 'STORE_BAD_CURSOR')
    })

    test('pages are bounded', async () => {
      await using opened = await openSample(engine)
      for (const limit of [0, -1, 1.5, 1_000_000])
        await rejects(opened.store.objects({ logs: [], limit }), 'STORE_BAD_RANGE')
    })
  })

  describe(`${engine.name}: proofs`, () => {
    test('every proof of a log that crosses a tile boundary verifies against the checkpoint roots', async () => {
      await using opened = await openSample(engine)
      const { store } = opened
      let log = ''
      for (const count of [3, 250, 1, 1, 1, 300])
        log = appended(
          await store.commit([
            sampleAppend(
              JP.member,
              range(0, count).map((i) => sampleEntry(`${count} ${i}`)),
            ),
          ]),
        )[0].log
      const head = await store.log(log)
      assert.ok(head && head.size === 557)
      const entries = await store.entries(log, 0, head.size)
      for (const size of [1, 2, 4, 255, 256, 257, 511, 512, 513, 557]) {
        const root = await store.root(log, size)
        const consistency = (await store.consistencyProof(log, size, head.size)).map((hash) => fromHex(hash))
        assert.ok(
          verifyConsistency(size, head.size, fromHex(root), fromHex(head.root), consistency),
          `consistency ${size}`,
        )
        for (const index of [0, size >> 1, size - 1]) {
          const proof = (await store.inclusionProof(log, index, size)).map((hash) => fromHex(hash))
          assert.ok(
            verifyInclusion(fromHex(entries[index]?.leaf ?? ''), index, size, proof, fromHex(root)),
            `${index} in ${size}`,
          )
        }
      }
      for (const { size, note } of await store.checkpoints(log))
        assert.equal(
          await store.root(log, size),
          openCheckpoint(note, { name: JP.member, publicKey: JP.key.publicKey }).root,
        )
    })

    test('a proof for a size or index that there is not is refused', async () => {
      await using opened = await openSample(engine)
      const { store } = opened
      const [{ log }] = appended(await store.commit([sampleAppend(JP.member, [sampleEntry('a')])]))
      await rejects(store.consistencyProof(log, 0, 2), 'STORE_BAD_RANGE')
      await rejects(store.consistencyProof(log, 1, 3), 'STORE_BAD_RANGE')
      await rejects(store.inclusionProof(log, 2, 2), 'STORE_BAD_RANGE')
      await rejects(store.root(log, 3), 'STORE_BAD_RANGE')
      await rejects(store.root('0'.repeat(64), 1), 'STORE_NO_SUCH_LOG')
    })

    test('entries are cut at the number of bytes asked for, but never to nothing', async () => {
      await using opened = await openSample(engine)
      const { store } = opened
      const entries = range(0, 5).map((i) => sampleEntry(`e${i}`, { padding: 1000 }))
      const [{ log }] = appended(await store.commit([sampleAppend(JP.member, entries)]))
      assert.equal((await store.entries(log, 1, 6, 1)).length, 1)
      assert.equal((await store.entries(log, 1, 6, 3000)).length, 2)
      assert.equal((await store.entries(log, 1, 6)).length, 5)
      assert.deepEqual(await store.entries(log, 6, 9), [])
    })
  })

  describe(`${engine.name}: a data folder`, () => {
    test('a store that is opened again is the same', async () => {
      using home = sampleFolder()
      const options = { folder: home.folder, signer: JP, now: () => 5_000 }
      const read = async (store: Store) => {
        const logs = await store.logs()
        const ids = logs.map(({ log }) => log)
        const { rows } = await store.objects({ logs: ids, limit: 100 })
        return {
          logs,
          rows,
          records: await Array.fromAsync(store.records('c')),
          totals: await store.totals(),
          journal: await store.journal('s'),
        }
      }
      let before
      {
        await using store = await engine.open(options)
        const peer = new SampleLog(US)
        peer.add(sampleEntry('m'))
        await store.commit([
          sampleAppend(JP.member, [sampleEntry('a'), sampleEntry('b')]),
          peer.mirror(0),
          { op: 'put', collection: 'c', key: 'k', value: { n: 1, text: 'é' } },
          { op: 'journal', stream: 's', time: 1, value: null },
        ])
        before = await read(store)
      }
      await using store = await engine.open(options)
      assert.deepEqual(await read(store), before)
      const [{ firstIndex }] = appended(await store.commit([sampleAppend(JP.member, [sampleEntry('c')])]))
      assert.equal(firstIndex, 3)
      assert.deepEqual(await store.commit([{ op: 'journal', stream: 's', time: 1, value: 2 }]), [
        { op: 'journal', sequence: 2 },
      ])
      assert.deepEqual((await store.fsck()).faults, [])
    })

    test('closing waits for what was committed; afterwards everything is refused', async () => {
      using home = sampleFolder()
      const store = await engine.open({ folder: home.folder, signer: JP, now: () => 1 })
      const pending = range(0, 20).map((i) => store.commit([sampleAppend(JP.member, [sampleEntry(`e${i}`)])]))
      await store[Symbol.asyncDispose]()
      await Promise.all(pending)
      await rejects(store.commit([]), 'STORE_CLOSED')
      await rejects(store.logs(), 'STORE_CLOSED')
      await using again = await engine.open({ folder: home.folder, now: () => 1 })
      assert.equal((await again.logs())[0]?.size, 21)
      await rejects(again.commit([sampleAppend(JP.member, [sampleEntry('x')])]), 'STORE_NO_SIGNER')
    })

    test('a second store on the same folder is refused while the first is open', async () => {
      using home = sampleFolder()
      const options = { folder: home.folder, now: () => 1 }
      {
        await using first = await engine.open(options)
        await rejects(engine.open(options), 'STORE_LOCKED')
        await first.commit([{ op: 'put', collection: 'c', key: 'k', value: 1 }])
      }
      await using second = await engine.open(options)
      assert.equal(await second.record('c', 'k'), 1)
    })

    test('a folder that is not there is refused', async () => {
      using home = sampleFolder()
      await rejects(engine.open({ folder: `${home.folder}/none`, now: () => 1 }), 'STORE_FOLDER_MISSING')
    })
  })
}
