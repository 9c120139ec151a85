import assert from 'node:assert/strict'
import { cpSync, openSync, readFileSync, readSync, rmSync, writeFileSync, writeSync, closeSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, test } from 'node:test'
import type { Json } from '#base'
import { signCheckpoint, signStatement } from '#log'
import { appended, JP, range, rejects, US } from '../contract/engine.ts'
import { openStore } from '../open-store.ts'
import { AMBER, sampleAppend, sampleEntry, sampleFolder, SampleLog } from '../samples.ts'
import type { FsckReport } from '../store.ts'
import { fsckFolder } from './fsck.ts'
import { DATABASE_FILE } from './open-database.ts'
import { PAGE_BYTES } from './schema.ts'

const ENTRIES = 300
const FLIPS_PER_ENTRY = 6

describe('fsck on a damaged store', () => {
  const home = sampleFolder()
  let log = ''
  let mirrored = ''
  let round = 0

  before(async () => {
    let clock = 2_000_000
    await using store = await openStore({ folder: home.folder, signer: JP, now: () => clock++ })
    const entries = (name: string, count: number) =>
      range(0, count).map((i) => sampleEntry(`${name} ${i}`, { padding: (i * 61) % 9_000 }))
    log = appended(await store.commit([sampleAppend(JP.member, entries('first', 40))]))[0].log
    await store.commit([sampleAppend(JP.member, entries('second', ENTRIES - 41))])
    await store.commit([sampleAppend(JP.member, entries('amber', 5), { audience: AMBER })])
    const peer = new SampleLog(US)
    for (const entry of entries('peer', 20)) peer.add(entry)
    mirrored = peer.log
    await store.commit([peer.mirror(0, 21, { stubs: [4, 9], time: clock })])
    await store.commit([{ op: 'withhold', log, index: 3, reason: 'error', time: clock }])
    await store.commit([{ op: 'purge', log, index: 5, time: clock }])
    const receipt = signStatement('received', receiptFields(mirrored), [US.key])
    await store.commit([
      { op: 'put', collection: 'receipts', key: 'r', value: receipt as unknown as Json },
      { op: 'put', collection: 'settings', key: 's', value: { text: 'plain' } },
      { op: 'journal', stream: 'hits', time: 1, value: { n: 1 } },
      { op: 'journal', stream: 'hits', time: 2, value: { n: 2 } },
    ])
  })
  after(() => home[Symbol.dispose]())

  /** Damages a copy of the folder, checks it, removes it. */
  async function checkDamaged(damage: (path: string) => void): Promise<FsckReport> {
    const folder = join(home.folder, `copy-${round++}`)
    cpSync(join(home.folder, DATABASE_FILE), join(folder, DATABASE_FILE), { recursive: true })
    damage(join(folder, DATABASE_FILE))
    const report = await fsckFolder(folder)
    rmSync(folder, { recursive: true })
    return report
  }

  const bySql = (sql: string) => (path: string) => {
    const db = new DatabaseSync(path)
    const changes = db.exec(sql)
    db.close()
    return changes
  }

  test('an undamaged store has no faults, and everything in it was read', async () => {
    const report = await checkDamaged(() => {})
    assert.deepEqual(report.faults, [])
    assert.deepEqual([report.checked.logs, report.checked.entries, report.checked.records], [3, ENTRIES + 6 + 21, 4])
    assert.equal(report.checked.objects, 40 + ENTRIES - 41 + 5 + 18 - 1)
    assert.ok(report.checked.checkpoints >= 4 && report.checked.bytes > 1_000_000)
  })

  test('one flipped byte anywhere in the bytes of an entry is named by log and index', async () => {
    const path = join(home.folder, DATABASE_FILE)
    for (const index of [0, 1, 17, 40, 254, 255, 256, ENTRIES - 1]) {
      const bytes = entryBytes(path, log, index)
      for (const i of range(0, FLIPS_PER_ENTRY)) {
        const at = Math.floor((i * (bytes.length - 1)) / (FLIPS_PER_ENTRY - 1))
        const report = await checkDamaged((copy) => setEntryByte(copy, log, index, at))
        const named = report.faults.filter(
          (fault) => fault.log === log && fault.index === index && fault.kind === 'entry',
        )
        assert.equal(named.length, 1, `entry ${index} byte ${at}: ${JSON.stringify(report.faults)}`)
        assert.equal(report.ok, false)
        assert.ok(
          report.faults.every((fault) => fault.log === log && fault.index === index),
          'nothing else is blamed',
        )
      }
    }
  })

  test('one flipped byte in the file itself, within an entry, is named as well', async () => {
    const path = join(home.folder, DATABASE_FILE)
    const file = readFileSync(path)
    for (const index of [1, 100, 280]) {
      const payload = Buffer.from(entryBytes(path, log, index)).subarray(60, 160)
      const at = file.indexOf(payload)
      assert.ok(at > 0)
      const report = await checkDamaged((copy) => flipInFile(copy, at + 50))
      assert.ok(report.faults.some((fault) => fault.log === log && fault.index === index && fault.kind === 'entry'))
    }
  })

  test("a flipped byte in a tile is named as the tile's, at the entry it belongs to", async () => {
    for (const [tile, at, index] of [
      [0, 32 * 17 + 5, 17],
      [0, 32 * 255, 255],
      [1, 32 * 3, 259],
    ] as const) {
      const report = await checkDamaged(setTileByte(log, 0, tile, at))
      const kinds = report.faults.map((fault) => [fault.kind, fault.log, fault.index])
      assert.deepEqual(kinds, [['tile', log, index]])
    }
    const upper = await checkDamaged(setTileByte(log, 1, 0, 3))
    assert.deepEqual([...new Set(upper.faults.map(({ kind }) => kind))], ['tile'])
  })

  test('the leaf hash of a stub or a purged entry is checked too', async () => {
    const stub = await checkDamaged(setTileByte(mirrored, 0, 0, 32 * 4))
    assert.ok(stub.faults.some((fault) => fault.kind === 'tile' && fault.log === mirrored && fault.index === 4))
    const purged = await checkDamaged(setTileByte(log, 0, 0, 32 * 5 + 31))
    assert.ok(purged.faults.some((fault) => fault.kind === 'tile' && fault.log === log && fault.index === 5))
  })

  const DAMAGES: readonly (readonly [what: string, sql: string, kind: string])[] = [
    ['a removed entry', `delete from entries where key % 4294967296 = 7 and log = 1`, 'entry'],
    [
      'two swapped entries',
      `update entries set key = -1 where key = 4294967296 + 8; update entries set key = 4294967296 + 8 where key = 4294967296 + 9; update entries set key = 4294967296 + 9 where key = -1`,
      'entry',
    ],
    ['a time column', `update entries set time = time + 1 where key = 4294967296 + 8`, 'column'],
    ['a kind column', `update entries set kind = 5 where key = 4294967296 + 8`, 'column'],
    ['an id column', `update entries set id = id || 'x' where key = 4294967296 + 8`, 'column'],
    ['a type column', `update entries set type = 'malware' where key = 4294967296 + 8`, 'column'],
    ['a modified column', `update entries set modified = '2027' where key = 4294967296 + 8`, 'column'],
    ['a pattern type column', `update entries set pattern_type = 'sigma' where key = 4294967296 + 8`, 'column'],
    ['a revoked column', `update entries set revoked = 1 where key = 4294967296 + 8`, 'column'],
    ['a status column', `update entries set status = 'bccepted' where key = 4294967296 + 8`, 'column'],
    [
      'an accepted entry turned rejected',
      `update entries set status = 'rejected' where key = 4294967296 + 8`,
      'counts',
    ],
    ['a withheld entry brought back', `update entries set withheld = null where key = 4294967296 + 3`, 'column'],
    ['an arrival time', `update entries set arrived = arrived + 1 where key = 4294967296 + 8`, 'column'],
    ['an arrival number', `update entries set seq = 1 where key = 4294967296 + 8`, 'column'],
    ['bytes that are gone', `update entries set bytes = null where key = 4294967296 + 8`, 'column'],
    [
      "a checkpoint's text",
      `update checkpoints set note = replace(note, 'time 2', 'time 3') where log = 1 and size = 41`,
      'checkpoint',
    ],
    [
      "a checkpoint's signature",
      `update checkpoints set note = substr(note, 1, length(note) - 9) || 'AAAAAAAA' || char(10) where log = 1`,
      'checkpoint',
    ],
    ["a checkpoint's key", `update checkpoints set key = zeroblob(32) where log = 2`, 'checkpoint'],
    [
      'a checkpoint of another log',
      `update checkpoints set note = (select note from checkpoints where log = 2) where log = 1 and size = 41`,
      'checkpoint',
    ],
    ['the last checkpoint removed', `delete from checkpoints where log = 1 and size > 41`, 'checkpoint'],
    ["a log's root", `update logs set root = (select root from logs where id = 2) where id = 1`, 'head'],
    ["a log's size", `update logs set size = size - 1 where id = 1`, 'entry'],
    ["a log's frontier", `update logs set frontier = zeroblob(length(frontier)) where id = 1`, 'head'],
    ["a log's id", `update logs set log = replace(log, substr(log, 1, 4), 'ffff') where id = 1`, 'genesis'],
    ["a log's author", `update logs set author = (select author from logs where id = 3) where id = 1`, 'column'],
    ["a log's audience", `update logs set audience = (select audience from logs where id = 2) where id = 1`, 'column'],
    ["a log's audience id", `update logs set audience_id = 'x' where id = 1`, 'column'],
    ['a log reopened or closed', `update logs set closed = 1 where id = 1`, 'head'],
    ['a log forgotten', `delete from logs where id = 2`, 'entry'],
    ['a count', `update counts set count = count + 1 where log = 1`, 'counts'],
    ['a count removed', `delete from counts where log = 1`, 'counts'],
    [
      'a receipt',
      `update records set value = replace(value, '"size":21', '"size":22') where collection = 'receipts'`,
      'record',
    ],
    [
      'a setting',
      `update records set value = replace(value, 'plain', 'Plain') where collection = 'settings'`,
      'record',
    ],
    ['a record under another key', `update records set key = 't' where collection = 'settings'`, 'record'],
    ["a record's digest", `update records set digest = zeroblob(16) where collection = 'settings'`, 'record'],
    ['a journal row', `update journal set value = '{"n":3}' where sequence = 2`, 'journal'],
    ['a journal row removed', `delete from journal where sequence = 1`, 'journal'],
    ['a batch of arrivals', `delete from arrivals where arrived = (select min(arrived) from arrivals)`, 'arrivals'],
  ]
  for (const [what, sql, kind] of DAMAGES)
    test(`${what}: named as ${kind}`, async () => {
      const report = await checkDamaged(bySql(sql))
      assert.ok(
        report.faults.some((fault) => fault.kind === kind),
        JSON.stringify(report.faults.slice(0, 5)),
      )
    })

  test('a checkpoint that is well signed but has another root is named', async () => {
    const checkpoint = { log, size: 41, root: '1'.repeat(64), time: 2_000_000, charters: [] }
    const note = signCheckpoint(checkpoint, JP.member, JP.key)
    const report = await checkDamaged((path) => {
      using db = new DatabaseSync(path)
      db.prepare('update checkpoints set note = ? where log = 1 and size = 41').run(note)
    })
    assert.deepEqual(
      report.faults.map((fault) => [fault.kind, fault.log, fault.index]),
      [['checkpoint', log, 40]],
    )
  })

  test('damage below SQLite, on any page, is reported and never thrown', async () => {
    const size = readFileSync(join(home.folder, DATABASE_FILE)).length
    let found = 0
    const spots = range(1, Math.min(40, size / PAGE_BYTES)).map(
      (i) => Math.floor((i * size) / PAGE_BYTES / 40) * PAGE_BYTES + (i % 12),
    )
    for (const at of spots) if (!(await checkDamaged((path) => flipInFile(path, at))).ok) found++
    assert.ok(found > spots.length / 2, `${found} of ${spots.length}`)
    const cut = await checkDamaged((path) => writeFileSync(path, readFileSync(path).subarray(0, size >> 1)))
    assert.equal(cut.ok, false)
    const garbage = await checkDamaged((path) => writeFileSync(path, 'not a database at all, but text'.repeat(1_000)))
    assert.deepEqual([garbage.ok, garbage.faults[0]?.kind], [false, 'database'])
  })

  test('a folder that is not there, or holds no store, is refused or reported', async () => {
    await rejects(fsckFolder(join(home.folder, 'none')), 'STORE_FOLDER_MISSING')
    using empty = sampleFolder()
    assert.equal((await fsckFolder(empty.folder)).ok, false)
  })

  test('a store in use is checked while it goes on, with progress', async () => {
    using sample = sampleFolder()
    await using store = await openStore({ folder: sample.folder, signer: JP, now: () => Date.now() })
    await store.commit([
      sampleAppend(
        JP.member,
        range(0, 5_000).map((i) => sampleEntry(`e ${i}`)),
      ),
    ])
    const progress: number[] = []
    const checking = store.fsck((done) => progress.push(done))
    await Promise.all(range(0, 20).map((i) => store.commit([sampleAppend(JP.member, [sampleEntry(`late ${i}`)])])))
    const report = await checking
    assert.deepEqual(report.faults, [])
    assert.ok(report.checked.entries >= 5_001)
    assert.ok(progress.length > 2 && progress.at(-1) === 1)
    assert.deepEqual(
      progress,
      progress.toSorted((a, b) => a - b),
    )
  })
})

function receiptFields(log: string) {
  const hash = '0'.repeat(64)
  return { member: US.member, log, from: 0, size: 21, root: hash, possession: hash, stubs: [], time: 1 }
}

function entryBytes(path: string, log: string, index: number): Uint8Array {
  using db = new DatabaseSync(path, { readOnly: true })
  const row = db
    .prepare('select bytes from entries where key = (select id from logs where log = ?) * 4294967296 + ?')
    .get(log, index) as { bytes: Uint8Array }
  return row.bytes
}

function setEntryByte(path: string, log: string, index: number, at: number): void {
  const bytes = entryBytes(path, log, index)
  bytes[at] = (bytes[at] ?? 0) ^ 1
  using db = new DatabaseSync(path)
  db.prepare('update entries set bytes = ? where key = (select id from logs where log = ?) * 4294967296 + ?').run(
    bytes,
    log,
    index,
  )
}

const setTileByte = (log: string, level: number, tile: number, at: number) => (path: string) => {
  using db = new DatabaseSync(path)
  const where = 'where log = (select id from logs where log = ?) and level = ? and tile = ?'
  const { hashes } = db.prepare(`select hashes from tiles ${where}`).get(log, level, tile) as { hashes: Uint8Array }
  hashes[at] = (hashes[at] ?? 0) ^ 0x80
  db.prepare(`update tiles set hashes = ? ${where}`).run(hashes, log, level, tile)
}

function flipInFile(path: string, at: number): void {
  const file = openSync(path, 'r+')
  const byte = Buffer.alloc(1)
  readSync(file, byte, 0, 1, at)
  writeSync(file, Buffer.of((byte[0] ?? 0) ^ 0x10), 0, 1, at)
  closeSync(file)
}
