// What becomes visible later than it was written: random worlds of writes, admissions, losses, quarantine, recalls and
// restarts, in which incremental readers must end with exactly what they may see.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Audience } from '#log'
import { type BodyStore, fsckFolder, type LogHead, openStore } from '#store'
import { LogRows } from '#taxii'
import { TaxiiAdmissions } from '../../src/node/taxii-admissions.ts'
import type { Reader } from '../../src/node/visibility.ts'
import { sampleAppend, sampleEntry, sampleFolder, sampleMember } from '../../src/store/samples.ts'
import { keyOf, selectPage } from '../../src/taxii/page.ts'
import { parseFilter, toNext } from '../../src/taxii/query.ts'
import { fromMicros } from '../../src/taxii/time.ts'

const JP = sampleMember('jp')
const AUDIENCES: readonly Audience[] = [
  { v: 1, tlp: 'green' },
  { v: 1, tlp: 'amber' },
  { v: 1, tlp: 'red' },
]
const ORGS = ['identity--a', 'identity--b'] as const
const VERSIONED = ['malware--1', 'malware--2', 'tool--1']
const UNVERSIONED = ['ipv4-addr--1', 'url--1']
const FILTERS = ['all', 'last', 'first'] as const
const MODES = ['next', 'added_after'] as const

/** One fixed seed, so that every run asks the same questions; for long runs the environment replaces seed and number. */
const SEED = Number(process.env['NOROSHI_SEED'] ?? 1_001)

type Step =
  | { do: 'write'; audience: number; objects: { id: number; version: number; waits: boolean }[]; awaited: boolean }
  | { do: 'release' | 'recall' | 'purge'; pick: number }
  | { do: 'admit' | 'expel'; org: number; audience: number }
  | { do: 'read'; org: number; limit: number }
  | { do: 'tick'; ms: number }
  | { do: 'restart' }

const small = (max: number) => fc.nat({ max })
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('write' as const),
      audience: small(2),
      objects: fc.array(fc.record({ id: small(4), version: small(9), waits: fc.boolean() }), {
        minLength: 1,
        maxLength: 6,
      }),
      awaited: fc.boolean(),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('release' as const, 'recall' as const), pick: fc.nat() }) },
  fc.record({ do: fc.constant('purge' as const), pick: fc.nat() }),
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom('admit' as const, 'admit' as const, 'admit' as const, 'expel' as const),
      org: small(1),
      audience: small(2),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant('read' as const), org: small(1), limit: fc.integer({ min: 1, max: 9 }) }),
  },
  fc.record({ do: fc.constant('tick' as const), ms: fc.constantFrom(0, 1, 5_000) }),
  fc.record({ do: fc.constant('restart' as const) }),
)

/** One entry as the world knows it. */
interface Entry {
  name: string
  id: string
  modified: string
  audience: number
  status: 'accepted' | 'quarantined' | 'recalled' | 'purged'
  log: string
  index: number
}

/** An incremental reader with what it got, in order. */
interface Walker {
  org: number
  filter: (typeof FILTERS)[number]
  mode: (typeof MODES)[number]
  position: string | undefined
  got: { id: string; version: string; name: string; added: number }[]
}

class World {
  readonly store: BodyStore
  readonly entries: Entry[] = []
  readonly admitted: Set<number>[]
  readonly waiting: Promise<unknown>[] = []
  readonly walkers: Walker[]
  /** Of each organisation: ids of which it saw something go away, what it has not looked at since, audiences that it lost. */
  readonly taken: Set<string>[] = [new Set(), new Set()]
  readonly gone: Entry[][] = [[], []]
  readonly lost: Set<number>[] = [new Set(), new Set()]
  clock = 1_800_000_000_000
  admissions: TaxiiAdmissions
  #count = 0

  constructor(store: BodyStore, admitted: Set<number>[]) {
    this.store = store
    this.admitted = admitted
    this.admissions = this.#open()
    this.walkers = ORGS.flatMap((_, org) =>
      FILTERS.flatMap((filter) => MODES.map((mode): Walker => ({ org, filter, mode, position: undefined, got: [] }))),
    )
  }

  #open(): TaxiiAdmissions {
    const logsFor = async ({ org }: Reader): Promise<LogHead[]> => {
      const admitted = this.admitted[ORGS.indexOf(org as (typeof ORGS)[number])]
      const heads = await this.store.logs()
      return heads.filter(({ audience }) => admitted?.has(AUDIENCES.findIndex(({ tlp }) => tlp === audience.tlp)))
    }
    return new TaxiiAdmissions(this.store, { logsFor })
  }

  async play(one: Step): Promise<void> {
    switch (one.do) {
      case 'write':
        return this.#write(one)
      case 'release':
      case 'recall':
      case 'purge':
        return this.#change(one)
      case 'admit':
        this.admitted[one.org]?.add(one.audience)
        return
      case 'expel':
        if (this.admitted[one.org]?.delete(one.audience)) this.lost[one.org]?.add(one.audience)
        return
      case 'read':
        for (const walker of this.walkers) if (walker.org === one.org) await this.read(walker, one.limit)
        return
      case 'tick':
        this.clock += one.ms
        return
      case 'restart':
        this.admissions = this.#open()
    }
  }

  async #write({ audience, objects, awaited }: Extract<Step, { do: 'write' }>): Promise<void> {
    const made = objects.map(({ id, version, waits }) => {
      const name = `entry ${this.#count++}`
      const wanted = [...VERSIONED, ...UNVERSIONED][id] as string
      const modified = VERSIONED.includes(wanted) ? `2026-01-01T00:00:0${version}` : ''
      const status = waits ? ('quarantined' as const) : ('accepted' as const)
      const type = wanted.split('--')[0] as string
      const { object, ...entry } = sampleEntry(name, { id: wanted, type, status })
      const times = modified === '' ? {} : { created: `${modified}.000Z`, modified: `${modified}.000Z` }
      const payload = Buffer.from(JSON.stringify({ type, spec_version: '2.1', id: wanted, ...times, name }))
      return { name, modified, wanted, status, entry: { ...entry, payload, object: { ...object, modified } } }
    })
    const change = sampleAppend(
      JP.member,
      made.map(({ entry }) => entry),
      { audience: AUDIENCES[audience] as Audience },
    )
    const done = this.store.commit([change]).then(([outcome]) => {
      assert.ok(outcome?.op === 'append')
      for (const [i, { name, wanted: id, modified, status }] of made.entries())
        this.entries.push({ name, id, modified, audience, status, log: outcome.log, index: outcome.firstIndex + i })
    })
    this.waiting.push(done)
    if (awaited) await done
  }

  async #change({ do: what, pick }: Extract<Step, { pick: number }>): Promise<void> {
    await this.settle()
    const status = ({ release: 'quarantined', recall: 'accepted', purge: 'recalled' } as const)[what]
    const fit = this.entries.filter((entry) => entry.status === status)
    const entry = fit[pick % Math.max(1, fit.length)]
    if (!entry) return
    const { log, index } = entry
    if (what === 'release') {
      await this.store.commit([{ op: 'status', log, index, status: 'accepted' }])
      entry.status = 'accepted'
    } else if (what === 'recall') {
      await this.store.commit([{ op: 'withhold', log, index, reason: 'other', time: this.clock }])
      entry.status = 'recalled'
      for (const gone of this.gone) gone.push(entry)
    } else {
      await this.store.commit([{ op: 'purge', log, index, time: this.clock }])
      entry.status = 'purged'
    }
  }

  settle = async () => {
    await Promise.all(this.waiting.splice(0))
  }

  /** One page; what it holds must be visible to that reader at that moment. */
  async read(walker: Walker, limit: number): Promise<boolean> {
    for (const { id, audience } of this.gone[walker.org]?.splice(0) ?? [])
      if (this.admitted[walker.org]?.has(audience)) this.taken[walker.org]?.add(id)
    const sight = await this.admissions.sightOf({ org: ORGS[walker.org] ?? '', tokenId: 't', isOperator: false })
    const { position, mode, filter } = walker
    const asked = new URLSearchParams([
      ['match[version]', filter],
      ['limit', String(limit)],
    ])
    if (position !== undefined) asked.set(mode, position)
    const { late, addedUpTo, heads } = sight
    const rows = new LogRows(
      this.store,
      heads.map(({ log }) => log),
      { late, addedUpTo },
    )
    const page = await selectPage(rows, parseFilter(asked, 100, { versions: true }))
    for (const row of page.rows) {
      const name = nameOf(row.json)
      const version = row.modified === '' ? name : row.modified
      assert.ok(row.added > (walker.got.at(-1)?.added ?? 0), 'dates ascend over all pages')
      walker.got.push({ id: row.id, version, name, added: row.added })
      assert.equal(keyOf({ ...row }) !== '', true)
    }
    const last = page.rows.at(-1)?.added
    if (mode === 'next' && page.next !== undefined) walker.position = toNext(page.next)
    else if (mode === 'next' && last !== undefined) walker.position = toNext(last)
    else if (mode === 'added_after' && last !== undefined) walker.position = fromMicros(last)
    else if (page.next !== undefined) walker.position = fromMicros(page.next)
    return page.next !== undefined || page.rows.length > 0
  }

  visibleTo(org: number): Entry[] {
    return this.entries.filter(({ status, audience }) => status === 'accepted' && this.admitted[org]?.has(audience))
  }
}

const nameOf = (json: Uint8Array) => /entry \d+/.exec(Buffer.from(json).toString())?.[0] ?? ''
const versionOf = ({ modified, name }: { modified: string; name: string }) => (modified === '' ? name : modified)

/** Draws every reader to the end, and compares it with the world and with a reader that begins now. */
async function judge(world: World): Promise<void> {
  await world.settle()
  for (const walker of world.walkers) while (await world.read(walker, 3));
  for (const walker of world.walkers) {
    const { org, filter, mode, got } = walker
    const label = `${ORGS[org]} by ${mode}, ${filter}`
    const fresh: Walker = { org, filter, mode, position: undefined, got: [] }
    while (await world.read(fresh, 4));
    const visible = world.visibleTo(org)
    const isLost = (id: string) =>
      world.entries.some((entry) => entry.id === id && world.lost[org]?.has(entry.audience))
    const wanted = new Set(
      [...Map.groupBy(visible, ({ id }) => id)].flatMap(([id, entries]) => {
        const versions = [...new Set(entries.map(versionOf))].sort()
        if (filter === 'all') return versions.map((version) => `${id} ${version}`)
        // Which entry of an unversioned object is the newest depends on when the reader was admitted to its log.
        if (UNVERSIONED.includes(id))
          return fresh.got.filter((row) => row.id === id).map((row) => `${id} ${row.version}`)
        return [`${id} ${filter === 'last' ? versions.at(-1) : versions[0]}`]
      }),
    )
    const names = fresh.got.map(({ id, version }) => `${id} ${version}`)
    assert.deepEqual(names.toSorted(), [...wanted].sort(), `${label}: who begins now sees each once`)
    for (const id of new Set(visible.map((entry) => entry.id)))
      if (filter !== 'all') assert.equal(fresh.got.filter((row) => row.id === id).length, 1, `${label}: one of ${id}`)

    const seen = got.map(({ id, version }) => `${id} ${version}`)
    if (filter === 'all') for (const name of wanted) assert.ok(seen.includes(name), `${label}: ${name} was missed`)
    else
      for (const { id, version } of fresh.got)
        if (!isLost(id))
          assert.equal(got.findLast((row) => row.id === id)?.version, version, `${label}: the state of ${id}`)
    for (const [name, times] of Map.groupBy(seen, (one) => one)) {
      const id = name.split(' ')[0] as string
      if (!world.taken[org]?.has(id) && !isLost(id)) assert.equal(times.length, 1, `${label}: ${name} came twice`)
    }
    const ever = new Set(world.entries.map((entry) => `${entry.id} ${versionOf(entry)}`))
    for (const name of seen) assert.ok(ever.has(name), `${label}: ${name} is unknown`)
  }
}

test('whatever becomes visible late, every incremental reader ends with what it may see, and sees nothing twice', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 30, maxLength: 90, size: 'max' }),
      fc.array(fc.subarray([0, 1, 2]), { minLength: 2, maxLength: 2 }),
      async (steps, admitted) => {
        using home = sampleFolder()
        let world: World | undefined
        {
          await using store = await openStore({
            folder: home.folder,
            signer: JP,
            now: () => world?.clock ?? 1_800_000_000_000,
          })
          world = new World(
            store,
            admitted.map((some) => new Set(some)),
          )
          for (const one of steps) await world.play(one)
          await judge(world)
        }
        assert.deepEqual((await fsckFolder(home.folder)).faults, [])
      },
    ),
    { seed: SEED, numRuns: Number(process.env['NOROSHI_RUNS'] ?? 15) },
  )
})

test('a request reads nothing that was added after it was judged: a log gained later cannot fall behind it', async () => {
  using home = sampleFolder()
  await using store = await openStore({ folder: home.folder, signer: JP, now: () => 1_800_000_000_000 })
  const world = new World(store, [new Set([0]), new Set()])
  const write = async (audience: number, name: string) =>
    store.commit([sampleAppend(JP.member, [sampleEntry(name)], { audience: AUDIENCES[audience] as Audience })])
  await write(0, 'entry 1')
  await write(1, 'entry 2')
  const reader = { org: ORGS[0], tokenId: 't', isOperator: false }
  const sight = await world.admissions.sightOf(reader)
  await write(1, 'entry 3')
  await write(0, 'entry 4')
  const { late, addedUpTo, heads } = sight
  const logs = heads.map(({ log }) => log)
  const filter = parseFilter(new URLSearchParams(), 10, { versions: true })
  const names = async (rows: LogRows) => (await selectPage(rows, filter)).rows.map(({ json }) => nameOf(json))
  assert.deepEqual(await names(new LogRows(store, logs, { late, addedUpTo })), ['entry 1'])
  world.admitted[0]?.add(1)
  const walker = world.walkers.find(({ org, mode, filter: kind }) => org === 0 && mode === 'next' && kind === 'all')
  assert.ok(walker)
  while (await world.read(walker, 2));
  assert.deepEqual(walker.got.map(({ name }) => name).toSorted(), ['entry 1', 'entry 2', 'entry 3', 'entry 4'])
})
