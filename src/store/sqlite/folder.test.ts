import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, test } from 'node:test'
import { appended, JP, range, rejects, US } from '../contract/engine.ts'
import { openStore } from '../open-store.ts'
import { Publishing } from '../sample-publishing.ts'
import { sampleAppend, sampleEntry, sampleFolder, SampleLog } from '../samples.ts'
import { fsckFolder } from './fsck.ts'
import { DATABASE_FILE } from './open-database.ts'
import { openSqliteStore } from './sqlite-store.ts'

const open = (folder: string) => openStore({ folder, signer: JP, now: () => Date.now() })

describe('a data folder that is not ours', () => {
  test('a database of another program is refused and left as it is', async () => {
    using home = sampleFolder()
    const path = join(home.folder, DATABASE_FILE)
    const db = new DatabaseSync(path)
    db.exec('create table theirs (x)')
    db.close()
    const before = readFileSync(path)
    await rejects(open(home.folder), 'STORE_FOREIGN')
    assert.deepEqual(readFileSync(path), before)
  })

  test('a file that is no database is refused and left as it is', async () => {
    using home = sampleFolder()
    const path = join(home.folder, DATABASE_FILE)
    writeFileSync(path, 'these are notes, not a database. '.repeat(500))
    await rejects(open(home.folder), 'STORE_FOREIGN')
    assert.match(readFileSync(path, 'utf8'), /^these are notes/)
  })

  test('a store of a newer program is refused and left as it is', async () => {
    using home = sampleFolder()
    await (await open(home.folder))[Symbol.asyncDispose]()
    const db = new DatabaseSync(join(home.folder, DATABASE_FILE))
    db.exec('pragma user_version = 999')
    db.close()
    await rejects(open(home.folder), 'STORE_NEWER')
    await rejects(fsckFolder(home.folder), 'STORE_NEWER')
  })

  test('an empty file, as a crash while creating leaves it, becomes a store', async () => {
    using home = sampleFolder()
    writeFileSync(join(home.folder, DATABASE_FILE), '')
    await using store = await open(home.folder)
    assert.deepEqual(await store.logs(), [])
  })
})

describe('the lock of a data folder', () => {
  test('another process is refused while the first lives, and gets the folder when it was killed', async () => {
    using home = sampleFolder()
    const publishing = new Publishing(home.folder)
    publishing.publish(['a 1'])
    await publishing.acknowledged(1)
    await rejects(open(home.folder), 'STORE_LOCKED')
    await publishing.kill()
    await using store = await open(home.folder)
    const [ack] = publishing.acks
    assert.equal((await store.entries(ack?.log ?? '', 1, 2))[0]?.leaf, ack?.leaf)
  })

  test('an open store does not keep an idle process alive', async () => {
    using home = sampleFolder()
    const code = `import { openStore } from '#store'; await openStore({ folder: process.argv[1], now: () => 1 })`
    const args = ['--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', code, home.folder]
    const child = spawn(process.execPath, args, { stdio: 'ignore', timeout: 20_000 })
    assert.deepEqual(await once(child, 'exit'), [0, null])
  })
})

test('three processes killed while publishing lose nothing acknowledged', async () => {
  using home = sampleFolder()
  const acks = []
  for (const round of range(0, 3)) {
    const publishing = new Publishing(home.folder, { walPages: 20 })
    for (const burst of range(0, 10))
      publishing.publish(range(0, 10).map((i) => `r${round} b${burst} e${i} ${i * 300}`))
    await publishing.acknowledged(20 + round * 15)
    await publishing.kill()
    acks.push(...publishing.acks)
    assert.deepEqual((await fsckFolder(home.folder)).faults, [], 'the folder is checked as the killed process left it')
  }
  await using store = await open(home.folder)
  for (const { log, index, leaf } of acks) assert.equal((await store.entries(log, index, index + 1))[0]?.leaf, leaf)
  assert.deepEqual((await store.fsck()).faults, [])
})

test('a full disk refuses what does not fit, keeps what was acknowledged, and goes on when there is space', async () => {
  using home = sampleFolder()
  const options = { folder: home.folder, signer: JP, now: () => Date.now() }
  const kept: string[] = []
  let log = ''
  {
    await using store = await openSqliteStore(options, { maxPages: 60 })
    let refused = 0
    for (const i of range(0, 30)) {
      const settled = await Promise.allSettled([
        store.commit([sampleAppend(JP.member, [sampleEntry(`large ${i}`, { padding: 60_000 })])]),
        store.commit([{ op: 'put', collection: 'c', key: 'small', value: i }]),
      ])
      const [large, small] = settled
      if (large.status === 'rejected') {
        refused++
        assert.equal(large.reason.code, 'STORE_DISK_FULL')
      } else kept.push(...appended(large.value).flatMap((outcome) => ((log = outcome.log), outcome.leaves)))
      assert.equal(small.status, 'fulfilled', 'what fits beside it is kept')
    }
    assert.ok(refused > 5 && kept.length > 2)
    assert.equal(await store.record('c', 'small'), 29)
    const entries = await store.entries(log, 1, 100)
    assert.deepEqual(
      entries.map(({ leaf }) => leaf),
      kept,
    )
    assert.deepEqual((await store.fsck()).faults, [])
  }
  await using store = await openSqliteStore(options)
  await store.commit([sampleAppend(JP.member, [sampleEntry('after', { padding: 60_000 })])])
  assert.equal((await store.log(log))?.size, kept.length + 2)
  assert.deepEqual((await store.fsck()).faults, [])
})

test('a purge removes the bytes from every file of the folder before it is acknowledged', async () => {
  using home = sampleFolder()
  await using store = await open(home.folder)
  const secret = (i: number) => `SECRET-${i}-${'s'.repeat((i * 997) % 20_000)}`
  const filesWith = (text: string) =>
    readdirSync(home.folder).filter((name) => readFileSync(join(home.folder, name)).includes(text))
  const peer = new SampleLog(US)
  const names = range(0, 60)
  for (const i of names) peer.add(sampleEntry(secret(i), { creator: `identity--${i}-creator` }))
  await store.commit([peer.mirror(0)])
  const own = names.map((i) => sampleEntry(`own ${secret(i)}`, { creator: `identity--${i}-creator` }))
  const [{ log }] = appended(await store.commit([sampleAppend(JP.member, own)]))
  for (const i of range(0, 20))
    await store.commit([sampleAppend(JP.member, [sampleEntry(`later ${i}`, { padding: i * 500 })])])
  assert.ok(filesWith('SECRET-7-').length > 0)
  const reading = Promise.all(range(0, 50).map(() => store.objects({ logs: [log, peer.log], limit: 50 })))
  for (const i of names) {
    await store.commit([{ op: 'withhold', log, index: i + 1, reason: 'personal-data', time: 1 }])
    await store.commit([
      { op: 'purge', log, index: i + 1, time: 2 },
      { op: 'purge', log: peer.log, index: i + 1, time: 2 },
    ])
    assert.deepEqual(filesWith(`SECRET-${i}-`), [], `after purge ${i}`)
    assert.deepEqual(filesWith(`identity--${i}-creator`), [], `columns after purge ${i}`)
  }
  await reading
  assert.deepEqual((await store.fsck()).faults, [])
})
