// Filters and pages against a naive model: every row by itself, and under writes that go on meanwhile.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { openStore } from '#store'
import { LogRows, type Row, type RowSource } from '#taxii'
import { keyOf, selectPage } from '../../src/taxii/page.ts'
import { type Filter, parseFilter, toNext } from '../../src/taxii/query.ts'
import { fromMicros } from '../../src/taxii/time.ts'
import { AMBER, GREEN, sampleAppend, sampleEntry, sampleFolder, sampleMember } from '../../src/store/samples.ts'

const BASE = 1_800_000_000_000_000
const IDS = ['a--1', 'a--2', 'b--1', 'b--2', 'c--1']
const VERSIONS = ['2026-01-01T00:00:00', '2026-01-01T00:00:00.5', '2026-01-02T00:00:00', '2026-01-03T00:00:00']

/** Rows in a list, read as plainly as can be. */
class ListRows implements RowSource {
  readonly #all: readonly Row[]
  constructor(all: readonly Row[]) {
    this.#all = all
  }
  async rows({ after, limit, ids, types }: Parameters<RowSource['rows']>[0]) {
    const fit = this.#all.filter(
      (row) => row.added > after && (!ids || ids.includes(row.id)) && (!types || types.includes(row.type)),
    )
    return { rows: fit.slice(0, limit), more: fit.length > limit }
  }
  async rowsOf(ids: readonly string[]) {
    return this.#all.filter((row) => ids.includes(row.id))
  }
  async again() {
    return { rows: [], more: false }
  }
}

/** What matches, judged row by row over everything that there is. */
function naive(all: readonly Row[], { after, ids, types, versions, isEmpty }: Filter): Row[] {
  return all.filter((row) => {
    const same = all.filter((other) => other.id === row.id)
    const keys = same.map(keyOf).sort()
    const key = keyOf(row)
    return (
      !isEmpty &&
      row.added > after &&
      (!ids || ids.includes(row.id)) &&
      (!types || types.includes(row.type)) &&
      !same.some((other) => other.added < row.added && keyOf(other) === key) &&
      (versions.all ||
        (versions.last && key === keys.at(-1)) ||
        (versions.first && key === keys[0]) ||
        versions.at.has(key))
    )
  })
}

const rowList = fc
  .array(
    fc.record({
      id: fc.constantFrom(...IDS),
      version: fc.nat(VERSIONS.length),
      step: fc.integer({ min: 1, max: 2_000_000 }),
    }),
    { maxLength: 60 },
  )
  .map((parts) => {
    let added = BASE
    const counts = Map.groupBy(parts, ({ id }) => id)
    return parts.map(({ id, version, step }): Row => ({
      added: (added += step),
      id,
      type: id[0] as string,
      modified: id.startsWith('c') ? '' : (VERSIONS[version % VERSIONS.length] as string),
      isOnly: counts.get(id)?.length === 1,
      json: Buffer.from(id),
    }))
  })

const some = (name: string, values: readonly string[]) =>
  fc
    .option(fc.subarray([...values], { minLength: 1 }), { nil: undefined })
    .map((chosen): [string, string][] => (chosen ? [[name, chosen.join(',')]] : []))
const query = fc.tuple(
  some('match[id]', IDS),
  some('match[type]', ['a', 'b', 'c']),
  some('match[version]', ['last', 'first', 'all', ...VERSIONS.map((key) => `${key}Z`)]),
  some('match[spec_version]', ['2.1', '2.0']),
  fc
    .option(fc.integer({ min: -5, max: 60_000_000 }), { nil: undefined })
    .map((at): [string, string][] => (at === undefined ? [] : [['added_after', fromMicros(BASE + at)]])),
)

describe('pages', () => {
  test('any combination of filters gives, over all its pages, what a row-by-row model gives', async () => {
    await fc.assert(
      fc.asyncProperty(
        rowList,
        query,
        fc.integer({ min: 1, max: 9 }),
        fc.constantFrom(9, 20, 1e6),
        async (all, parts, limit, maxBytes) => {
          const asked = parts.flat()
          const fields = { ids: true, types: true, versions: true }
          const wanted = naive(all, parseFilter(new URLSearchParams(asked), 100, fields))
          const seen: Row[] = []
          for (let next: string[][] = []; ;) {
            const filter = parseFilter(
              new URLSearchParams([...asked, ...(next as [string, string][]), ['limit', String(limit)]]),
              100,
              fields,
            )
            const page = await selectPage(new ListRows(all), filter, { maxBytes })
            assert.ok(page.rows.length <= limit)
            seen.push(...page.rows)
            if (page.next === undefined) break
            assert.ok(
              page.rows.length === Math.min(limit, Math.max(1, Math.floor(maxBytes / 4))),
              'a page that is not the last is full',
            )
            next = [['next', toNext(page.next)]]
          }
          assert.deepEqual(
            seen.map(({ added }) => added),
            wanted.map(({ added }) => added),
          )
        },
      ),
      { numRuns: 400 },
    )
  })

  test('readers by next and by added_after miss nothing and see nothing twice while others write', async () => {
    const JP = sampleMember('jp')
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 12 }),
        fc.array(fc.array(fc.nat(40), { minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 25 }),
        async (limit, commits) => {
          using home = sampleFolder()
          let clock = 1_800_000_000_000
          await using store = await openStore({ folder: home.folder, signer: JP, now: () => clock })
          const written = new Set<string>()
          let writing = true
          const write = async () => {
            await Promise.all(
              commits.map(async (names, i) => {
                clock += i % 3
                const entries = names.map((n) => {
                  const { object, ...entry } = sampleEntry(`object ${n}`)
                  return { ...entry, object: { ...object, modified: `2026-01-01T00:00:${String(i).padStart(2, '0')}` } }
                })
                for (const { object } of entries) written.add(`${object.id} ${object.modified}`)
                if (i % 2) await new Promise(setImmediate)
                await store.commit([sampleAppend(JP.member, entries, { audience: i % 2 ? GREEN : AMBER })])
              }),
            )
            writing = false
          }
          const read = async (goOn: (page: { rows: Row[]; next?: number }, after: number) => number) => {
            const seen: Row[] = []
            for (let after = 0; ;) {
              const wasWriting = writing
              const logs = (await store.logs()).map(({ log }) => log)
              const filter = {
                ...parseFilter(new URLSearchParams('match[version]=all'), limit, { versions: true }),
                after,
              }
              const page = await selectPage(new LogRows(store, logs), filter)
              seen.push(...page.rows)
              after = goOn(page, after)
              if (!wasWriting && page.next === undefined) return seen
              await new Promise(setImmediate)
            }
          }
          const [, byNext, byTime] = await Promise.all([
            write(),
            read(({ rows, next }, after) => next ?? rows.at(-1)?.added ?? after),
            read(({ rows }, after) => rows.at(-1)?.added ?? after),
          ])
          for (const seen of [byNext, byTime]) {
            const names = seen.map(({ id, modified }) => `${id} ${modified}`)
            assert.equal(new Set(names).size, names.length, 'nothing twice')
            assert.deepEqual(new Set(names), written, 'nothing missed')
            for (const [i, { added }] of seen.entries()) assert.ok(added > (seen[i - 1]?.added ?? 0))
          }
        },
      ),
      { numRuns: 12 },
    )
  })
})
