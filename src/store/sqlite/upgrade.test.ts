import assert from 'node:assert/strict'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { appended, JP } from '../contract/engine.ts'
import { openStore } from '../open-store.ts'
import { sampleAppend, sampleEntry, sampleFolder } from '../samples.ts'
import { fsckFolder } from './fsck.ts'
import { DATABASE_FILE } from './open-database.ts'
import { SCHEMA_VERSION } from './schema.ts'

const open = (folder: string) => openStore({ folder, signer: JP, now: () => Date.now() })

/** A store as version 1 of the tables left it, with one entry. */
async function oldStore(folder: string): Promise<string> {
  let log = ''
  {
    await using store = await open(folder)
    log = appended(await store.commit([sampleAppend(JP.member, [sampleEntry('a 1')])]))[0].log
  }
  makeOld(folder)
  return log
}

function makeOld(folder: string): void {
  using db = new DatabaseSync(join(folder, DATABASE_FILE))
  db.exec(`drop index entries_repeated; drop index entries_versions; drop index entries_moved; drop table resurfaced; alter table entries drop column first_seq;
    alter table entries drop column others; pragma user_version = 1`)
}

const snapshots = (folder: string) => readdirSync(folder).filter((name) => /\.(bak|part)$/.test(name))

test('before tables of an older version are changed, a snapshot of them is put beside; it can be gone back to', async () => {
  using home = sampleFolder()
  const log = await oldStore(home.folder)
  {
    await using store = await open(home.folder)
    assert.equal((await store.entries(log, 0, 10)).length, 2)
  }
  assert.deepEqual(snapshots(home.folder), ['noroshi.db.v1.bak'])
  assert.equal(statSync(join(home.folder, 'noroshi.db.v1.bak')).mode & 0o077, 0)
  assert.deepEqual((await fsckFolder(home.folder)).faults, [])
  {
    using db = new DatabaseSync(join(home.folder, 'noroshi.db.v1.bak'), { readOnly: true })
    assert.deepEqual({ ...db.prepare('pragma user_version').get() }, { user_version: 1 })
    assert.deepEqual({ ...db.prepare('select count(*) as count from entries').get() }, { count: 2 })
    using now = new DatabaseSync(join(home.folder, DATABASE_FILE), { readOnly: true })
    assert.deepEqual({ ...now.prepare('pragma user_version').get() }, { user_version: SCHEMA_VERSION })
  }
  await (await open(home.folder))[Symbol.asyncDispose]()
  assert.deepEqual(snapshots(home.folder), ['noroshi.db.v1.bak'], 'a start that changes nothing makes none')

  makeOld(home.folder)
  await (await open(home.folder))[Symbol.asyncDispose]()
  assert.deepEqual(snapshots(home.folder).sort(), ['noroshi.db.v1-2.bak', 'noroshi.db.v1.bak'], 'none is overwritten')
})

test('a purge takes the snapshots away, because they hold what was purged', async () => {
  using home = sampleFolder()
  const log = await oldStore(home.folder)
  await using store = await open(home.folder)
  assert.equal(snapshots(home.folder).length, 1)
  await store.commit([{ op: 'purge', log, index: 1, time: Date.now() }])
  assert.deepEqual(snapshots(home.folder), [])
})
