import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import fc from 'fast-check'
import { fromUtf8, type JsonObject, type LogId, utf8 } from '#base'
import { type Audience, ENTRY_KIND } from '#log'
import { conflictingVersions, latestVersions, objectColumns, revokedVersions, toStatedVersion } from '#stix'
import { AMBER, bytesOf, GREEN, sampleAppend, sampleFolder, SampleLog, sampleMember } from '../samples.ts'
import { versionStreamQuery, versions as statements } from '../sql/statements.ts'
import type { Change, NewEntry, ObjectRow, ObjectStatus, Page } from '../store.ts'
import type { VersionChoice, VersionQuery, VersionStore } from '../version-query.ts'
import { DATABASE_FILE } from './open-database.ts'
import { openSqliteStore } from './sqlite-store.ts'

const RUNS = 20
const [JP, US] = [sampleMember('jp'), sampleMember('us')]
const RED: Audience = { v: 1, tlp: 'red' }
const PLACES = [
  { author: JP, audience: GREEN },
  { author: JP, audience: AMBER },
  { author: US, audience: GREEN },
  { author: US, audience: RED },
]

interface Spec {
  place: number
  type: number
  id: number
  modified: number
  revoked: boolean
  name: number
  marked: boolean
  status: number
}

const TYPES = ['tool', 'malware', 'ipv4-addr']
const STATUSES: readonly ObjectStatus[] = ['accepted', 'accepted', 'accepted', 'rejected']
const specs = fc.array(
  fc.record<Spec>({
    place: fc.nat(3),
    type: fc.nat(2),
    id: fc.nat(4),
    modified: fc.nat(2),
    revoked: fc.boolean(),
    name: fc.nat(1),
    marked: fc.boolean(),
    status: fc.nat(3),
  }),
  { maxLength: 30 },
)

function objectOf({ type, id, modified, revoked, name, marked }: Spec): JsonObject {
  return {
    type: TYPES[type] as string,
    id: `${TYPES[type]}--${id}`,
    name: `Name ${name}`,
    ...(type === 2 ? {} : { modified: `2026-01-0${modified + 1}T00:00:00.000Z` }),
    ...(revoked ? { revoked } : {}),
    ...(marked ? { object_marking_refs: ['marking-definition--1'] } : {}),
  }
}

function entryOf(spec: Spec, serial: number): NewEntry {
  const object = objectOf(spec)
  const status = STATUSES[spec.status] as ObjectStatus
  return {
    kind: ENTRY_KIND.object,
    salt: bytesOf(`salt ${serial}`),
    time: 0,
    payload: utf8(JSON.stringify(object)),
    object: { ...objectColumns(object), status, ...(status === 'rejected' ? { code: 'EQUIVOCATION' } : {}) },
  }
}

/** A store with the entries of the places that count. */
async function opened(list: readonly Spec[], places: readonly number[]) {
  const home = sampleFolder()
  let clock = 1_000_000
  const store = await openSqliteStore({ folder: home.folder, signer: JP, now: () => clock++ })
  const mirrors = new Map(PLACES.map((place) => [place, new SampleLog(place.author, place.audience)]))
  const changes: Change[] = []
  for (const [serial, spec] of list.entries()) {
    if (!places.includes(spec.place)) continue
    const place = PLACES[spec.place] as (typeof PLACES)[number]
    const mirror = mirrors.get(place) as SampleLog
    const entry = entryOf(spec, serial)
    const from = mirror.entries.length
    let change: Change = sampleAppend(JP.member, [entry], { audience: place.audience })
    if (place.author === US) {
      mirror.add(entry)
      change = mirror.mirror(from === 1 ? 0 : from)
    }
    changes.push(change)
  }
  await store.commit(changes)
  const heads = await store.logs()
  const logs = heads
    .filter(({ author, audience }) =>
      places.some((i) => PLACES[i]?.author.member === author && PLACES[i]?.audience.tlp === audience.tlp),
    )
    .map(({ log }) => log)
  return {
    store,
    logs,
    folder: home.folder,
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]()
      home[Symbol.dispose]()
    },
  }
}

async function all(store: VersionStore, query: Omit<VersionQuery, 'limit'>, limit = 3): Promise<ObjectRow[]> {
  const rows: ObjectRow[] = []
  let cursor: string | undefined
  do {
    const page = await store.versions({ ...query, limit, ...(cursor === undefined ? {} : { cursor }) })
    assert.ok(page.rows.length <= limit)
    rows.push(...page.rows)
    cursor = page.next
  } while (cursor !== undefined)
  return rows
}

const statedOf = ({ publisher, json }: ObjectRow) =>
  toStatedVersion(publisher, JSON.parse(fromUtf8(json)) as JsonObject)
const nameOf = (version: { publisher: string; id: string; modified: string; revoked: boolean }) =>
  [version.publisher, version.id, version.modified, version.revoked].join(' ')
const textOf = ({ log, index, json }: ObjectRow) => `${log} ${index} ${fromUtf8(json)}`

async function acceptedRows(store: VersionStore, logs: readonly LogId[], statuses: ObjectStatus[] = ['accepted']) {
  return (await store.objects({ logs, statuses, limit: 1_000 })).rows
}

test('latest, revoked and conflict are what the pure functions say of the logs that the reader may see', async () => {
  await fc.assert(
    fc.asyncProperty(specs, fc.subarray([0, 1, 2, 3]), async (list, visible) => {
      await using whole = await opened(list, [0, 1, 2, 3])
      await using seen = await opened(list, visible)
      const { logs } = seen
      const rows = (await acceptedRows(seen.store, logs)).map((row) => ({ row, ...statedOf(row) }))
      const choices: [VersionChoice, string[]][] = [
        ['latest', latestVersions(rows).map(nameOf)],
        ['revoked', revokedVersions(rows).map(nameOf)],
        ['conflict', conflictingVersions(rows).map(({ row }) => textOf(row))],
      ]
      for (const [versions, expected] of choices) {
        for (const order of ['oldest', 'newest'] as const) {
          const found = await all(whole.store, { versions, logs, order })
          const told = versions === 'conflict' ? found.map(textOf) : found.map((row) => nameOf(statedOf(row)))
          assert.deepEqual(told.sort(), [...expected].sort(), `${versions} ${order}`)
          const alone = await all(seen.store, { versions, logs, order })
          assert.deepEqual(found.map(textOf), alone.map(textOf), 'hidden logs change nothing, nor the order')
          const typed = await all(whole.store, { versions, logs, order, types: ['tool', 'ipv4-addr'] })
          assert.deepEqual(typed.map(textOf), found.filter(({ type }) => type !== 'malware').map(textOf), 'by type')
          const one = await all(whole.store, { versions, logs, order, ids: ['tool--1'] })
          assert.deepEqual(one.map(textOf), found.filter(({ id }) => id === 'tool--1').map(textOf), 'by id')
        }
      }
      const evidence = await acceptedRows(seen.store, logs, ['accepted', 'rejected'])
      assert.deepEqual(
        (await all(whole.store, { versions: 'conflict', logs, withEvidence: true })).map(textOf).sort(),
        conflictingVersions(evidence.map((row) => ({ row, ...statedOf(row) })))
          .map(({ row }) => textOf(row))
          .sort(),
      )
    }),
    { numRuns: RUNS },
  )
})

test('a page does bounded work: a thousand versions of one object do not make it read on, and it says where to go on', async () => {
  const VERSIONS = 25_000
  using home = sampleFolder()
  await using store = await openSqliteStore({ folder: home.folder, signer: JP, now: () => 1_000_000 })
  const entries = Array.from({ length: VERSIONS }, (_, i): NewEntry => {
    const modified = new Date(Date.UTC(2026, 0, 1) + i * 1_000).toISOString()
    const object = { type: 'tool', id: 'tool--1', modified, name: 'n' }
    const payload = utf8(JSON.stringify(object))
    return {
      kind: ENTRY_KIND.object,
      salt: bytesOf(`${i}`),
      time: 0,
      payload,
      object: { ...objectColumns(object), status: 'accepted' },
    }
  })
  await store.commit([sampleAppend(JP.member, entries)])
  const logs = (await store.logs()).map(({ log }) => log)
  const first = await store.versions({ versions: 'latest', logs, limit: 10 })
  assert.deepEqual(first.rows, [])
  assert.ok(first.next)
  let next: string | undefined = first.next
  let pages = 1
  for (; next !== undefined; pages++) {
    const page: Page<ObjectRow> = await store.versions({ versions: 'latest', logs, limit: 10, cursor: next })
    next = page.next
    const newest = next === undefined ? [entries.at(-1)?.object?.modified] : []
    assert.deepEqual(
      page.rows.map(({ modified }) => modified),
      newest,
    )
  }
  assert.equal(pages, Math.ceil(VERSIONS / 2_000))
  assert.equal((await store.versions({ versions: 'latest', logs, limit: 10, order: 'newest' })).rows.length, 1)
  assert.deepEqual(
    await store.versions({ versions: 'conflict', logs, limit: 10, order: 'newest' }).then(({ rows }) => rows),
    [],
  )
})

test('every look-up of versions runs along an index, and a store without these indexes gets them', async () => {
  await using home = await opened([], [0])
  const { folder } = home
  await home.store[Symbol.asyncDispose]()
  const old = new DatabaseSync(join(folder, DATABASE_FILE))
  for (const name of ['revoked', 'repeated', 'versions']) old.exec(`drop index entries_${name}`)
  old.close()
  await (await openSqliteStore({ folder, signer: JP, now: () => 1_000_000 }))[Symbol.asyncDispose]()
  using db = new DatabaseSync(join(folder, DATABASE_FILE), { readOnly: true })
  const plan = (text: string) =>
    db
      .prepare(`explain query plan ${text}`)
      .all(...Array.from({ length: text.split('?').length - 1 }, () => 1))
      .map(({ detail }) => String(detail))
      .join('; ')
  for (const newest of [true, false]) {
    assert.match(
      plan(versionStreamQuery('revoked', newest)),
      /^SEARCH entries USING INDEX entries_revoked \(log=\? AND status=\? AND seq>\? AND seq<\?\)$/,
    )
    assert.match(
      plan(versionStreamQuery('repeated', newest)),
      /^SEARCH entries USING INDEX entries_repeated \(log=\? AND status=\? AND seq>\? AND seq<\?\)$/,
    )
    assert.match(plan(versionStreamQuery('log', newest)), /^SEARCH entries USING INDEX entries_by_log \(/)
    assert.match(plan(versionStreamQuery('type', newest)), /^SEARCH entries USING INDEX entries_by_type \(/)
    assert.match(plan(versionStreamQuery('id', newest)), /^SEARCH entries USING INDEX entries_by_id \(/)
  }
  assert.match(
    plan(statements.nextLogOfObject.text),
    /^SEARCH entries USING INDEX entries_versions \(id=\? AND log>\?\)$/,
  )
  assert.match(plan(statements.rowsOfObject.text), /^SEARCH entries USING INDEX entries_versions \(id=\? AND log>\?\)$/)
  assert.match(
    plan(statements.newestInLog.text),
    /^SEARCH entries USING INDEX entries_versions \(id=\? AND log=\? AND status=\?\)$/,
  )
  assert.match(
    plan(statements.sameVersionInLog.text),
    /^SEARCH entries USING INDEX entries_versions \(id=\? AND log=\? AND status=\? AND modified=\?\)$/,
  )
})
