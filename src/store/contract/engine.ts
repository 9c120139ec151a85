// What the contract tests share.
import assert from 'node:assert/strict'
import { sampleFolder, sampleMember } from '../samples.ts'
import type { Outcome, Store, StoreOptions } from '../store.ts'

/** An engine under test. */
export interface Engine {
  name: string
  open: (options: StoreOptions) => Promise<Store>
}

export const JP = sampleMember('jp')
export const US = sampleMember('us')

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

/** A store in a folder of its own, with a clock that ticks at every look. */
export async function openSample(engine: Engine): Promise<{ store: Store } & AsyncDisposable> {
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

/** Bytes of one of the entries; fails when it has none. */
export function bytesAt(entries: readonly { bytes?: Uint8Array }[], index: number): Uint8Array {
  const bytes = entries[index]?.bytes
  assert.ok(bytes)
  return bytes
}
