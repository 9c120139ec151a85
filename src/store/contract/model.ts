// Random sequences of changes against a model that keeps plain arrays.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { Audience } from '#log'
import { AMBER, GREEN, sampleAppend, sampleEntry, SampleLog } from '../samples.ts'
import type { Change, ObjectQuery, ObjectStatus, Store } from '../store.ts'
import { allPages, appended, type Engine, JP, openSample, US } from './engine.ts'

const RUNS = 10
const AUDIENCES: readonly Audience[] = [GREEN, AMBER, { v: 1, tlp: 'red' }]
const TYPES = ['indicator', 'malware', 'campaign']
const STATUSES: readonly ObjectStatus[] = ['accepted', 'quarantined', 'rejected', 'recalled']
const PATTERNS = ['stix', 'sigma']

/** One step; numbers choose among what there is when it runs. */
type Step =
  | {
      do: 'append' | 'mirror'
      audience: number
      entries: { type: number; status: number; pattern: number; id: number }[]
    }
  | { do: 'withhold' | 'purge' | 'status'; pick: number; status: number }
  | { do: 'put' | 'delete'; key: string; value: number; ifAbsent: boolean }
  | { do: 'journal'; stream: string; value: number }

interface ModelObject {
  log: string
  index: number
  id: string
  type: string
  status: ObjectStatus
  patternType: string | undefined
  withheld: boolean
  purged: boolean
}

interface Model {
  /** In order of arrival. */
  objects: ModelObject[]
  sizes: Map<string, number>
  records: Map<string, number>
  journals: Map<string, number[]>
}

const small = (max: number) => fc.nat({ max })
const entryArb = fc.record({ type: small(2), status: small(2), pattern: small(1), id: small(12) })
const stepArb: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom('append' as const, 'mirror' as const),
      audience: small(2),
      entries: fc.array(entryArb, { minLength: 0, maxLength: 12 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom('withhold' as const, 'purge' as const, 'status' as const),
      pick: fc.nat(),
      status: small(2),
    }),
  },
  fc.record({
    do: fc.constantFrom('put' as const, 'delete' as const),
    key: fc.constantFrom('a', 'b', 'ba', 'é', '\u{1f600}'),
    value: small(9),
    ifAbsent: fc.boolean(),
  }),
  fc.record({ do: fc.constant('journal' as const), stream: fc.constantFrom('s', 't'), value: small(9) }),
)

/** Steps grouped into lists, several of which are committed at once. */
const runArb = fc.array(fc.array(stepArb, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 12 })

/** Registers the property for an engine. */
export function modelContract(engine: Engine): void {
  describe(`${engine.name}: against a model`, () => {
    test('any sequence of changes is answered as a model of plain arrays answers it, and passes fsck', async () => {
      await fc.assert(
        fc.asyncProperty(runArb, async (lists) => {
          await using opened = await openSample(engine)
          const { store } = opened
          const model: Model = { objects: [], sizes: new Map(), records: new Map(), journals: new Map() }
          const mirrors = AUDIENCES.map((audience) => new SampleLog(US, audience))
          for (const [i, list] of lists.entries()) await play(store, model, mirrors, list, `list ${i}`)
          await compare(store, model)
        }),
        { numRuns: RUNS },
      )
    })
  })
}

async function play(
  store: Store,
  model: Model,
  mirrors: SampleLog[],
  list: readonly Step[],
  name: string,
): Promise<void> {
  const effects: ((log: string, first: number) => void)[] = []
  const changes: Change[] = []
  const used = new Set<number>()
  let time = 2_000_000 + model.objects.length
  const add = (change: Change, effect: (log: string, first: number) => void = () => {}) => {
    changes.push(change)
    effects.push(effect)
  }
  for (const [i, step] of list.entries()) {
    switch (step.do) {
      case 'append':
      case 'mirror': {
        const entries = step.entries.map(({ type, status, pattern, id }, at) =>
          sampleEntry(`${name} ${i} ${at}`, {
            type: TYPES[type] ?? '',
            id: `${TYPES[type]}--00000000-0000-4000-8000-0000000000${String(id).padStart(2, '0')}`,
            status: STATUSES[status] ?? 'accepted',
            patternType: PATTERNS[pattern] ?? 'stix',
          }),
        )
        const effect = (log: string, first: number) => {
          for (const [at, { object }] of entries.entries())
            model.objects.push({
              log,
              index: first + at,
              id: object.id,
              type: object.type,
              status: object.status,
              patternType: object.patternType,
              withheld: false,
              purged: false,
            })
          model.sizes.set(log, first + entries.length)
        }
        if (step.do === 'append') {
          add(sampleAppend(JP.member, entries, { audience: AUDIENCES[step.audience] ?? GREEN }), effect)
          break
        }
        const mirror = mirrors[step.audience]
        if (!mirror || used.has(step.audience)) break
        used.add(step.audience)
        const from = model.sizes.get(mirror.log) ?? 0
        const first = mirror.entries.length
        for (const entry of entries) mirror.add(entry)
        add(mirror.mirror(from, mirror.entries.length, { time: time++ }), () => effect(mirror.log, first))
        break
      }
      case 'withhold':
      case 'purge':
      case 'status': {
        const target = model.objects[step.pick % Math.max(1, model.objects.length)]
        if (!target) break
        const { log, index } = target
        const status = STATUSES[step.status] ?? 'accepted'
        if (step.do === 'withhold')
          add({ op: 'withhold', log, index, reason: 'error', time: 1 }, () => {
            target.withheld = true
            target.status = 'recalled'
          })
        else if (step.do === 'purge')
          add({ op: 'purge', log, index, time: 1 }, () => {
            target.withheld = true
            target.purged = true
          })
        else
          add({ op: 'status', log, index, status }, () => {
            if (target.withheld) return
            // What is accepted only now is new to whoever reads on.
            if (status === 'accepted' && target.status !== 'accepted') {
              model.objects.splice(model.objects.indexOf(target), 1)
              model.objects.push(target)
            }
            target.status = status
          })
        break
      }
      case 'put':
        add({ op: 'put', collection: 'c', key: step.key, value: step.value, ifAbsent: step.ifAbsent }, () => {
          if (!step.ifAbsent || !model.records.has(step.key)) model.records.set(step.key, step.value)
        })
        break
      case 'delete':
        add({ op: 'delete', collection: 'c', key: step.key }, () => model.records.delete(step.key))
        break
      case 'journal':
        add({ op: 'journal', stream: step.stream, time: step.value, value: step.value }, () =>
          model.journals.set(step.stream, [...(model.journals.get(step.stream) ?? []), step.value]),
        )
    }
  }
  const outcomes = await store.commit(changes)
  for (const [i, outcome] of outcomes.entries())
    if (outcome.op === 'append') effects[i]?.(appended([outcome])[0].log, outcome.firstIndex)
    else effects[i]?.('', 0)
}

async function compare(store: Store, model: Model): Promise<void> {
  const heads = await store.logs()
  assert.deepEqual(new Map(heads.map(({ log, size }) => [log, size])), new Map(model.sizes))
  const all = heads.map(({ log }) => log)
  const queries: Omit<ObjectQuery, 'logs' | 'limit'>[] = [
    {},
    { statuses: STATUSES },
    { types: ['malware', 'campaign'] },
    { patternTypes: ['sigma'], statuses: ['accepted', 'quarantined'] },
    { ids: [...new Set(model.objects.map(({ id }) => id))].slice(0, 3), statuses: STATUSES },
    { ids: [...new Set(model.objects.map(({ id }) => id))].slice(0, 5), types: ['indicator'] },
  ]
  for (const logs of [all, all.slice(1), all.slice(0, 1), []])
    for (const query of queries)
      for (const limit of [3, 1_000]) await compareQuery(store, model, { ...query, logs, limit })
  const live = model.objects.filter(({ purged }) => !purged)
  assert.equal((await store.totals()).objects, live.length)
  for (const { log, index, withheld } of model.objects)
    assert.equal((await store.entries(log, index, index + 1))[0]?.bytes === undefined, withheld)
  const records = await Array.fromAsync(store.records<number>('c'))
  assert.deepEqual(
    new Map(records.map(({ key, value }) => [key, value])),
    new Map(records.map(({ key }) => [key, model.records.get(key)])),
  )
  assert.equal(records.length, model.records.size)
  for (const [stream, values] of model.journals)
    assert.deepEqual(
      (await store.journal(stream)).map(({ value }) => value),
      values,
    )
  assert.deepEqual((await store.fsck()).faults, [])
}

async function compareQuery(store: Store, model: Model, query: ObjectQuery): Promise<void> {
  const { statuses = ['accepted'], types, ids, patternTypes, logs } = query
  const expected = model.objects.filter(
    (object) =>
      !object.purged &&
      logs.includes(object.log) &&
      statuses.includes(object.status) &&
      (!types || types.includes(object.type)) &&
      (!ids || ids.includes(object.id)) &&
      (!patternTypes || (object.patternType !== undefined && patternTypes.includes(object.patternType))),
  )
  const found = expected.map(({ id }) => id)
  const name = JSON.stringify(query)
  assert.deepEqual(await allPages(store, logs, query), found, name)
  assert.deepEqual(await allPages(store, logs, { ...query, order: 'newest' }), found.toReversed(), name)
  const counts = new Map<string, number>()
  for (const { type } of expected) counts.set(type, (counts.get(type) ?? 0) + 1)
  const { limit: _, ...unpaged } = query
  const counted = (await store.countObjects(unpaged)).map(({ type, count }) => [type, count])
  assert.deepEqual(
    counted,
    [...counts].sort((a, b) => (a[0] < b[0] ? -1 : 1)),
    name,
  )
}
