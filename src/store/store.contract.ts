// What every engine of the store must do. An engine's test calls `storeContract` with a way to open it.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { fromHex } from '#base'
import { ENTRY_KIND, leafHash, logIdOf, openCheckpoint, plainPayload, verifyConsistency, verifyInclusion } from '#log'
import { AMBER, bytesOf, GREEN, sampleAppend, sampleEntry, sampleFolder, SampleLog, sampleMember } from './samples.ts'
import type { Outcome, Store, StoreOptions } from './store.ts'

/** An engine under test. */
export interface Engine {
  name: string
  open: (options: StoreOptions) => Promise<Store>
}

const JP = sampleMember('jp')
const US = sampleMember('us')

/** Registers the tests that every engine shares. */
export function storeContract(engine: Engine): void {
  describe(`${engine.name}: appending`, () => {
    test('an append opens the log: its genesis gives the id, its checkpoint is signed over all of it', async () => {
      await using opened = await openSample(engine)
      const { store } = opened
      const [outcome] = appended(await store.commit([sampleAppend(JP.member, [sampleEntry('a'), sampleEntry('b')])]))
      const head = await store.log(outcome.log)
      assert.ok(head)
      const entries = await store.entries(head.log, 0, 10)
      assert.equal(logIdOf(bytesAt(entries, 0)), head.log)
      assert.deepEqual(
        entries.map((entry) => entry.leaf),
        entries.map((entry) => Buffer.from(leafHash(entry.bytes as Uint8Array)).toString('hex')),
      )
      assert.deepEqual(
        outcome.leaves,
        entries.slice(1).map((entry) => entry.leaf),
      )
      assert.deepEqual([outcome.opened, outcome.firstIndex, outcome.size], [true, 1, 3])
      const opens = openCheckpoint(head.checkpoint, { name: JP.member, publicKey: JP.key.publicKey })
      assert.deepEqual([opens.log, opens.size, opens.root, opens.time], [head.log, 3, head.root, head.time])
      assert.deepEqual([outcome.root, outcome.time], [head.root, head.time])
    })

    test('entries of one audience go into one log, those of another into another', async () => {
      await using opened = await openSample(engine)
      const { store } = opened
      const first = appended(await store.commit([sampleAppend(JP.member, [sampleEntry('a')])]))[0]
      const second = appended(await store.commit([sampleAppend(JP.member, [sampleEntry('b')])]))[0]
      const other = appended(await store.commit([sampleAppend(JP.member, [sampleEntry('c')], { audience: AMBER })]))[0]
      assert.equal(second.log, first.log)
      assert.deepEqual([second.opened, second.firstIndex, second.size], [false, 2, 3])
      assert.notEqual(other.log, first.log)
      assert.deepEqual(
        (await store.logs()).map((head) => head.log),
        [first.log, other.log].sort(),
      )
    })

    test("an entry that claims an earlier time than the last gets the last one's", async () => {
      await using opened = await openSample(engine)
      const { store } = opened
      const entries = [
        sampleEntry('a', { time: 500 }),
        sampleEntry('b', { time: 400 }),
        sampleEntry('c', { time: 501 }),
      ]
      const [{ log, time }] = appended(await store.commit([sampleAppend(JP.member, entries)]))
      assert.deepEqual(
        (await store.entries(log, 1, 4)).map((entry) => entry.time),
        [500, 500, 501],
      )
      assert.ok(time >= 501)
    })

    test('after a closing entry the next append opens a new log', async () => {
      await using opened = await openSample(engine)
      const { store } = opened
      const close = {
        kind: ENTRY_KIND.close,
        salt: bytesOf('s'),
        time: 0,
        payload: plainPayload({ reason: 'ended', next: null }),
      }
      const [first] = appended(await store.commit([sampleAppend(JP.member, [sampleEntry('a'), close])]))
      assert.equal((await store.log(first.log))?.closed, true)
      const [second] = appended(
        await store.commit([sampleAppend(JP.member, [sampleEntry('b')], { incarnation: 'second' })]),
      )
      assert.notEqual(second.log, first.log)
      const afterEnd = sampleAppend(JP.member, [close, sampleEntry('c')])
      await rejects(store.commit([afterEnd]), 'STORE_LOG_CLOSED')
      assert.equal((await store.log(second.log))?.size, 2)
    })

    test('callers that commit at the same time share checkpoints, and each is told one that covers its entries', async () => {
      await using opened = await openSample(engine)
      const { store } = opened
      const lists = Array.from({ length: 60 }, (_, i) => [sampleAppend(JP.member, [sampleEntry(`e${i}`)])])
      const outcomes = appended((await Promise.all(lists.map((list) => store.commit(list)))).flat())
      const log = outcomes[0]?.log as string
      const checkpoints = await store.checkpoints(log)
      const sizes = new Map(checkpoints.map(({ size, note }) => [size, note]))
      assert.ok(checkpoints.length < 60, `${checkpoints.length} checkpoints`)
      assert.deepEqual(
        [...new Set(outcomes.map((outcome) => outcome.firstIndex))].sort((a, b) => a - b),
        range(1, 61),
      )
      for (const { firstIndex, size, root } of outcomes) {
        assert.ok(size > firstIndex)
        const note = sizes.get(size) as string
        assert.equal(openCheckpoint(note, { name: JP.member, publicKey: JP.key.publicKey }).root, root)
      }
    })

    test('what the caller does to its buffers after commit() changes nothing', async () => {
      await using opened = await openSample(engine)
      const { store } = opened
      const entry = sampleEntry('a')
      const before = Buffer.from(entry.payload).toString()
      const committed = store.commit([sampleAppend(JP.member, [entry])])
      entry.payload.fill(0)
      const [{ log }] = appended(await committed)
      const { rows } = await store.objects({ logs: [log], limit: 1 })
      assert.equal(Buffer.from(rows[0]?.json as Uint8Array).toString(), before)
    })

    test('appending for a member whose key the store does not have is refused', async () => {
      await using opened = await openSample(engine)
      await rejects(opened.store.commit([sampleAppend(US.member, [sampleEntry('a')])]), 'STORE_NO_SIGNER')
      assert.deepEqual(await opened.store.logs(), [])
    })
  })

  describe(`${engine.name}: all or nothing`, () => {
    test('a list that is refused leaves nothing behind, and the others that were committed with it stand', async () => {
      await using opened = await openSample(engine)
      const { store } = opened
      const good = (name: string) => store.commit([sampleAppend(JP.member, [sampleEntry(name)])])
      const bad = store.commit([
        sampleAppend(JP.member, [sampleEntry('lost')]),
        { op: 'put', collection: 'c', key: 'lost', value: 1 },
        { op: 'journal', stream: 's', time: 1, value: 'lost' },
        { op: 'withhold', log: '0'.repeat(64), index: 0, reason: 'error', time: 1 },
      ])
      const kept = store.commit([{ op: 'journal', stream: 's', time: 1, value: 'kept' }])
      const settled = await Promise.allSettled([good('a'), bad, good('b'), kept, good('c')])
      assert.deepEqual(
        settled.map(({ status }) => status),
        ['fulfilled', 'rejected', 'fulfilled', 'fulfilled', 'fulfilled'],
      )
      assert.equal((settled[1] as PromiseRejectedResult).reason.code, 'STORE_NO_SUCH_ENTRY')
      const [head] = await store.logs()
      assert.equal(head?.size, 4)
      assert.equal(await store.record('c', 'lost'), undefined)
      assert.deepEqual(await store.journal('s'), [{ sequence: 1, time: 1, value: 'kept' }])
      assert.equal((await store.fsck()).ok, true)
    })

    test('many refused lists beside good ones: every good one stands, every refused one says why', async () => {
      await using opened = await openSample(engine)
      const { store } = opened
      const settled = await Promise.allSettled(
        range(0, 40).map((i) =>
          store.commit([
            { op: 'put', collection: 'c', key: `k${i}`, value: i },
            ...(i % 3 === 0 ? [{ op: 'status', log: '0'.repeat(64), index: 0, status: 'rejected' } as const] : []),
          ]),
        ),
      )
      assert.deepEqual(
        settled.map(({ status }) => status === 'fulfilled'),
        range(0, 40).map((i) => i % 3 !== 0),
      )
      const records = await store.records<number>('c')
      assert.deepEqual(
        records.map(({ value }) => value).sort((a, b) => a - b),
        range(0, 40).filter((i) => i % 3 !== 0),
      )
    })
  })

  describe(`${engine.name}: mirroring`, () => {
    test('a mirror grows checkpoint by checkpoint, with stubs, and serves the bytes as they came', async () => {
      await using opened = await openSample(engine)
      const { store } = opened
      const peer = new SampleLog(US)
      for (const name of ['a', 'b', 'c', 'd']) peer.add(sampleEntry(name))
      await store.commit([peer.mirror(0, 3)])
      await store.commit([peer.mirror(3, 5, { stubs: [3], time: 1_000_001 })])
      const entries = await store.entries(peer.log, 0, 5)
      assert.deepEqual(
        entries.map((entry) => entry.bytes && Buffer.from(entry.bytes).toString('hex')),
        peer.entries.map((entry, i) =>
          i === 3 ? undefined : 'bytes' in entry ? Buffer.from(entry.bytes).toString('hex') : '',
        ),
      )
      assert.equal(entries[3]?.leaf.length, 64)
      assert.deepEqual(
        (await store.checkpoints(peer.log)).map(({ size }) => size),
        [3, 5],
      )
      assert.deepEqual(await store.logs({ own: false }), await store.logs({ author: US.member }))
      assert.deepEqual(await store.fsck().then(({ ok, faults }) => ({ ok, faults })), { ok: true, faults: [] })
    })

    test('a mirror is refused from another size, with another root, without its genesis, backwards in time', async () => {
      await using opened = await openSample(engine)
      const { store } = opened
      const peer = new SampleLog(US)
      for (const name of ['a', 'b', 'c']) peer.add(sampleEntry(name, { time: 50 }))
      await rejects(store.commit([peer.mirror(1, 3)]), 'STORE_MIRROR_SIZE')
      await store.commit([peer.mirror(0, 2)])
      await rejects(store.commit([peer.mirror(0, 2)]), 'STORE_MIRROR_SIZE')
      const forged = peer.mirror(2, 4)
      const [, entry] = forged.entries
      const swapped = { ...forged, entries: [forged.entries[0], { ...entry, bytes: bytesOf('x') }] } as typeof forged
      await rejects(store.commit([swapped]), 'STORE_MIRROR_ROOT')
      await rejects(store.commit([{ ...forged, entries: forged.entries.slice(0, 1) }]), 'STORE_MIRROR_ROOT')
      await rejects(store.commit([peer.mirror(2, 4, { time: 10 })]), 'STORE_ENTRY_ORDER')
      const other = new SampleLog(US, AMBER)
      await rejects(store.commit([{ ...other.mirror(0), log: peer.log.replace(/^./, 'x') }]), 'STORE_GENESIS')
      await rejects(store.commit([other.mirror(0, 1, { stubs: [0] })]), 'STORE_GENESIS')
      await rejects(store.commit([{ ...other.mirror(0), audience: GREEN }]), 'STORE_GENESIS')
      assert.equal((await store.log(peer.log))?.size, 2)
      await store.commit([peer.mirror(2, 4)])
      assert.equal((await store.log(peer.log))?.size, 4)
      assert.equal((await store.fsck()).ok, true)
    })

    test('an own log is not mirrored over', async () => {
      await using opened = await openSample(engine)
      const { store } = opened
      const peer = new SampleLog(US)
      const [{ log }] = appended(await store.commit([sampleAppend(JP.member, [sampleEntry('a')])]))
      await rejects(store.commit([{ ...peer.mirror(0), log, from: 2 }]), 'STORE_OWN_LOG')
    })

    test('a newer checkpoint of the same size takes the place of the older one', async () => {
      await using opened = await openSample(engine)
      const { store } = opened
      const peer = new SampleLog(US)
      await store.commit([peer.mirror(0)])
      await store.commit([peer.mirror(1, 1, { time: 2_000_000 })])
      assert.equal((await store.checkpoints(peer.log)).length, 1)
      assert.equal((await store.log(peer.log))?.time, 2_000_000)
      assert.equal((await store.fsck()).ok, true)
    })
  })

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
      await store.commit([{ op: 'purge', log, index: 1, time: 7 }])
      const [kept] = await store.entries(log, 1, 2)
      assert.deepEqual([kept?.bytes, kept?.object, kept?.leaf], [undefined, undefined, leaves[0]])
      const statuses = ['accepted', 'quarantined', 'rejected', 'recalled'] as const
      assert.deepEqual((await store.objects({ logs: [log], ids: [entry.object.id], statuses, limit: 1 })).rows, [])
      assert.equal((await store.totals()).objects, 1)
      await rejects(store.commit([{ op: 'purge', log, index: 0, time: 7 }]), 'STORE_GENESIS')
      assert.equal((await store.fsck()).ok, true)
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
        (await store.records('c', { prefix: 'b/', limit: 2 })).map(({ key }) => key),
        ['b/1', 'b/2'],
      )
      assert.deepEqual(
        (await store.records('c', { prefix: 'b/', after: 'b/2' })).map(({ key }) => key),
        ['b/3'],
      )
      assert.deepEqual(
        (await store.records('c', { after: 'c' })).map(({ key }) => key),
        ['d', 'é', '\uffff', '\u{1f600}'],
      )
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
          records: await store.records('c'),
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

type Appended = Extract<Outcome, { op: 'append' }>

/** The outcomes of appends; fails when there are none. */
export function appended(outcomes: readonly Outcome[]): [Appended, ...Appended[]] {
  const [first, ...rest] = outcomes.filter((outcome) => outcome.op === 'append')
  assert.ok(first)
  return [first, ...rest]
}

/** Integers [from, to). */
export const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i)

/** Fails unless the promise rejects with that code. */
export async function rejects(promise: Promise<unknown>, code: string): Promise<void> {
  await assert.rejects(promise, (error: { code?: string }) => {
    assert.equal(error.code, code)
    return true
  })
}

/** Ids of all objects of a query, page by page. */
export async function allPages(
  store: Store,
  logs: readonly string[],
  query: Omit<Parameters<Store['objects']>[0], 'logs' | 'cursor'>,
): Promise<string[]> {
  const ids: string[] = []
  let cursor: string | undefined
  do {
    const page = await store.objects({ ...query, logs, ...(cursor && { cursor }) })
    assert.ok(page.rows.length <= query.limit)
    assert.ok(page.next === undefined || page.rows.length === query.limit)
    ids.push(...page.rows.map(({ id }) => id))
    cursor = page.next
  } while (cursor)
  return ids
}

async function openSample(engine: Engine): Promise<{ store: Store } & AsyncDisposable> {
  const home = sampleFolder()
  let clock = 2_000_000
  const store = await engine.open({ folder: home.folder, signer: JP, now: () => clock++ })
  return {
    store,
    [Symbol.asyncDispose]: async () => {
      await store[Symbol.asyncDispose]()
      home[Symbol.dispose]()
    },
  }
}

function bytesAt(entries: readonly { bytes?: Uint8Array }[], index: number): Uint8Array {
  const bytes = entries[index]?.bytes
  assert.ok(bytes)
  return bytes
}
