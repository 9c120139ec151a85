// What every engine must do with changes: own logs, groups of lists, mirrors.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ENTRY_KIND, leafHash, logIdOf, openCheckpoint, plainPayload } from '#log'
import { AMBER, bytesOf, GREEN, sampleAppend, sampleEntry, SampleLog } from '../samples.ts'
import { appended, bytesAt, type Engine, JP, openSample, range, rejects, US } from './engine.ts'

/** Registers these tests for an engine. */
export function writingContract(engine: Engine): void {
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

    test('an append that was planned for a log of a size is refused at another one, and nothing of its commit is kept', async () => {
      await using opened = await openSample(engine)
      const { store } = opened
      const planned = (at: number) => ({ ...sampleAppend(JP.member, [sampleEntry(`at ${at}`)]), at })
      const put = { op: 'put' as const, collection: 'c', key: 'planned', value: 1 }
      await rejects(store.commit([put, planned(2)]), 'STORE_LOG_GROWN')
      const [first] = appended(await store.commit([planned(0)]))
      await rejects(store.commit([planned(0), put]), 'STORE_LOG_GROWN')
      const [second] = appended(await store.commit([planned(2)]))
      assert.deepEqual([second.log, second.firstIndex], [first.log, 2])
      assert.equal(await store.record('c', 'planned'), undefined)
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
      const records = await Array.fromAsync(store.records<number>('c'))
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
}
