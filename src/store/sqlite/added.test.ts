import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import type { BodyStore } from '../store.ts'
import { AMBER, GREEN, sampleAppend, sampleEntry, sampleFolder, sampleMember } from '../samples.ts'
import { DATABASE_FILE } from './open-database.ts'
import { openSqliteStore } from './sqlite-store.ts'

const JP = sampleMember('jp')

async function allBodies(store: BodyStore, limit = 7) {
  const logs = (await store.logs()).map(({ log }) => log)
  const rows = []
  for (let addedAfter = 0; ;) {
    const page = await store.bodies({ logs, limit, addedAfter })
    rows.push(...page.rows)
    if (!page.more) return rows
    addedAfter = rows.at(-1)?.added ?? 0
  }
}

test('every object has a time of its own, ascending in the order of commits, also when the clock stands or goes back', async () => {
  using home = sampleFolder()
  let clock = 1_800_000_000_000
  await using store = await openSqliteStore({ folder: home.folder, signer: JP, now: () => clock })
  const names: string[] = []
  for (const [i, at] of [0, 0, 5, -1_000, 3, 60_000].entries()) {
    clock = 1_800_000_000_000 + at
    const entries = Array.from({ length: 20 }, (_, k) => sampleEntry(`e ${i} ${k}`))
    names.push(...entries.map(({ object }) => object.id))
    await store.commit([
      sampleAppend(JP.member, entries.slice(0, 10), { audience: GREEN }),
      sampleAppend(JP.member, entries.slice(10), { audience: AMBER }),
    ])
  }
  const rows = await allBodies(store)
  assert.deepEqual(
    rows.map(({ id }) => id),
    names,
  )
  for (const [i, { added }] of rows.entries()) {
    assert.ok(Number.isSafeInteger(added) && added > (rows[i - 1]?.added ?? 0), `${added} at ${i}`)
    assert.ok(added >= 1_800_000_000_000_000 && added < 1_800_000_061_000_000, 'it is the time of arrival')
  }
})

test('an object of several entries is told from one that has its id alone, also after a store of version 1 was brought up', async () => {
  using home = sampleFolder()
  const open = () => openSqliteStore({ folder: home.folder, signer: JP, now: () => 1_000 })
  const isOnly = async (store: BodyStore) =>
    Object.fromEntries((await allBodies(store)).map((row) => [`${row.id} ${row.added}`, row.isOnly]))
  {
    await using store = await open()
    await store.commit([
      sampleAppend(
        JP.member,
        ['a', 'b', 'a'].map((name) => sampleEntry(name)),
      ),
    ])
    assert.deepEqual(Object.values(await isOnly(store)), [false, true, false])
    await store.commit([
      sampleAppend(
        JP.member,
        ['a', 'c'].map((name) => sampleEntry(name)),
        { audience: AMBER },
      ),
    ])
    assert.deepEqual(Object.values(await isOnly(store)), [false, true, false, false, true])
  }
  const db = new DatabaseSync(join(home.folder, DATABASE_FILE))
  db.exec(`drop index entries_repeated; drop index entries_versions; drop index entries_moved; drop table resurfaced;
    alter table entries drop column first_seq;
    alter table entries drop column others; pragma user_version = 1`)
  db.close()
  await using store = await open()
  assert.deepEqual(Object.values(await isOnly(store)), [false, false, false, false, false], 'unknown is not "only"')
  await store.commit([
    sampleAppend(
      JP.member,
      ['b', 'd'].map((name) => sampleEntry(name)),
    ),
  ])
  assert.deepEqual(Object.values(await isOnly(store)), [false, false, false, false, false, false, true])
})
