import type { Json, JsonObject, MemberId, Millis } from '#base'
import type { Change, Store } from '#store'
import { type Case, type CasePlan, OPEN_STATES } from './case.ts'

const CASES = 'cases'
const OBJECTS = 'case-objects'
/** Collection of what accepted cases became. */
export const PLANS = 'case-plans'
const BY_ORG = 'cases-of'
/** Cases of one client that wait for a review. */
export const OPEN_CASES_PER_ORG = 100
/** Cases of one client that are kept. */
export const CASES_PER_ORG = 2_000

/** Keeps cases: private records of one node, in no log. */
export class Cases {
  readonly #store: Store
  /** Work on one case, one after the other. */
  readonly #turns = new Map<string, Promise<unknown>>()

  constructor(store: Store) {
    this.#store = store
  }

  /** Keeps a new case; resolves when it is durable. */
  async open(opened: Case, objects: readonly JsonObject[]): Promise<void> {
    await this.#store.commit([
      put(CASES, opened.id, opened),
      put(OBJECTS, opened.id, objects),
      put(BY_ORG, `${opened.org} ${opened.id}`, opened.digest),
    ])
  }

  async find(id: string): Promise<Case | undefined> {
    return (await this.#store.record<Json>(CASES, id)) as unknown as Case | undefined
  }

  async objects(id: string): Promise<JsonObject[]> {
    return ((await this.#store.record<Json>(OBJECTS, id)) ?? []) as JsonObject[]
  }

  async plan(id: string): Promise<CasePlan | undefined> {
    return (await this.#store.record<Json>(PLANS, id)) as unknown as CasePlan | undefined
  }

  /** Keeps a changed case, and with it what it will become. */
  async keep(changed: Case, plan?: CasePlan): Promise<void> {
    await this.#store.commit([put(CASES, changed.id, changed), ...(plan ? [put(PLANS, changed.id, plan)] : [])])
  }

  /** Keeps a case without its content. */
  async empty(changed: Case, plan?: CasePlan): Promise<void> {
    const withPlan = plan ? [put(PLANS, changed.id, plan)] : []
    await this.#store.commit([put(CASES, changed.id, changed), put(OBJECTS, changed.id, []), ...withPlan])
  }

  /** Cases in order of their arrival, after the one named. */
  async list(options: { after?: string; limit: number }): Promise<Case[]> {
    const rows = await this.#store.recordPage<Json>(CASES, options)
    return rows.map(({ value }) => value as unknown as Case)
  }

  /** The cases of one client, in order of their arrival. */
  async listOf(org: MemberId, { after, limit }: { after?: string; limit: number }): Promise<Case[]> {
    const prefix = `${org} `
    const from = after === undefined ? {} : { after: `${prefix}${after}` }
    const rows = await this.#store.recordPage(BY_ORG, { prefix, limit, ...from })
    const cases = await Promise.all(rows.map(({ key }) => this.find(key.slice(prefix.length))))
    return cases.filter((one) => one !== undefined)
  }

  /** What of a client's cases bears on another submission: the same one, still open, and how many there are. */
  async standingOf(org: MemberId, digest: string): Promise<{ same?: Case; open: number; all: number }> {
    const standing: { same?: Case; open: number; all: number } = { open: 0, all: 0 }
    const prefix = `${org} `
    for await (const { key, value } of this.#store.records<string>(BY_ORG, { prefix })) {
      const one = await this.find(key.slice(prefix.length))
      if (!one) continue
      standing.all++
      if (!OPEN_STATES.includes(one.state)) continue
      standing.open++
      if (value === digest) standing.same = one
    }
    return standing
  }

  /** Cases whose publication or withdrawal was begun and not finished. */
  async unfinished(): Promise<Case[]> {
    const found: Case[] = []
    for await (const { value } of this.#store.records<Json>(CASES)) {
      const one = value as unknown as Case
      if (one.state === 'publishing' || one.withdrawing) found.push(one)
    }
    return found
  }

  /** Runs work on one case after all work that was begun on it before. */
  async exclusively<T>(id: string, work: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(id)
    const running = (async () => {
      await before?.catch(() => undefined)
      return work()
    })()
    this.#turns.set(id, running)
    try {
      return await running
    } finally {
      if (this.#turns.get(id) === running) this.#turns.delete(id)
    }
  }
}

const put = (collection: string, key: string, value: unknown): Change => ({
  op: 'put',
  collection,
  key,
  value: value as Json,
})

/** Id of a new case: sorts by time, and nobody can guess it. */
export const caseId = (time: Millis, random: Uint8Array): string =>
  `${time.toString(16).padStart(12, '0')}${Buffer.from(random).toString('hex')}`

/** Random bytes of a case's id. */
export const CASE_ID_RANDOM_BYTES = 10
