/**
 * Collections of other servers that the node takes from on its own: when each is due, with chance so that many nodes do not
 * ask at once, and ever later while one fails. Settings and how far each came are in the store, accounts in files.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { MemberId, Millis } from '#base'
import type { Level } from '#policy'
import type { Store } from '#store'
import { collectionsAt, findCollection, parseObjects, TaxiiClientError, TaxiiHttp } from '#taxii'
import { NodeError, toNodeError } from '../errors.ts'
import type { NodeLog } from '../logging.ts'
import type { Publisher } from '../publish.ts'
import type { SharingRules } from '../sharing-rules.ts'
import { checkSource } from './check-source.ts'
import { judge } from './judge.ts'
import {
  type AddSourceBody,
  type ChangeSourceBody,
  MAX_SOURCES,
  noCounts,
  type Run,
  type ShownSource,
  type Source,
  type SourceHealth,
  type SourceState,
} from './source.ts'
import { authorizationOf, readAccount, removeAccount, writeAccount } from './source-account.ts'
import { openSourceFetch } from './source-fetch.ts'
import { putSource, SourceRecords } from './source-records.ts'
import { markingsOf, publish, runSource } from './source-run.ts'
import { deleteWaiting, sourceOf, waitingAt } from './waiting.ts'

/** Longest wait of one timer. */
const LOOK_MS = 60_000
/** Sources that run at the same time. */
const RUNS_AT_ONCE = 2
/** Tries of one request within a run; behind that the whole run waits. */
const TRIES = 3
/** First wait after a failed run; it doubles up to the longest, or to the interval where that is longer. */
const FIRST_RETRY_MS = 30_000
const LONGEST_RETRY_MS = 3_600_000
/** Part of the interval by which a run may come later, by chance. */
const JITTER = 0.1
/** Runs that were due while the node was down begin within this time. */
const OVERDUE_MS = 10_000
const MAX_NOTES = 20
const NOTE_CHARS = 400

/** What sources are handed. */
export interface SourcesOptions {
  dir: string
  store: Store
  publisher: Publisher
  rules: SharingRules
  log: NodeLog
  self: MemberId
  now: () => Millis
  /** From 0 to 1. */
  chance: () => number
  /** Certificate authorities besides the system's. */
  ca?: Buffer
}

/** Schedules sources and runs them. */
export class Sources implements AsyncDisposable {
  readonly #o: SourcesOptions
  readonly #records: SourceRecords
  readonly #running = new Map<string, { stop: AbortController; done: Promise<void> }>()
  /** Changes of settings come one after the other. */
  #turn: Promise<unknown> = Promise.resolve()
  #timer: NodeJS.Timeout | undefined
  #isOpen = false

  constructor(options: SourcesOptions) {
    this.#o = options
    this.#records = new SourceRecords(options)
  }

  /** Begins to look at what is due. */
  async start(): Promise<void> {
    this.#isOpen = true
    const { now, chance } = this.#o
    for (const source of await this.#records.all()) {
      const state = await this.#records.state(source)
      const wait = Math.min(OVERDUE_MS, source.everyMs * JITTER) * chance()
      const { run } = state
      if (run?.result === 'running') Object.assign(run, { result: 'stopped', ended: now() })
      if (state.nextRun < now()) state.nextRun = now() + wait
      await this.#records.save(source.name, state, [])
    }
    this.#look()
  }

  async list(): Promise<ShownSource[]> {
    return Promise.all((await this.#records.all()).map((source) => this.#records.shown(source)))
  }

  /** In brief, for the node's status: how the last run of each went, without counting what waits. */
  async health(): Promise<SourceHealth[]> {
    const all = await this.#records.all()
    return Promise.all(
      all.map(async (source) => {
        const { run, failures, lastSuccess, lastError, lastErrorTime } = await this.#records.state(source)
        return {
          name: source.name,
          paused: source.paused === true,
          ...(run ? { result: run.result } : {}),
          failures,
          ...(lastSuccess === undefined ? {} : { lastSuccess }),
          ...(lastError === undefined ? {} : { lastError, lastErrorTime }),
        }
      }),
    )
  }

  /** @throws NOT_FOUND */
  async find(name: string): Promise<ShownSource> {
    return this.#records.shown(await this.#records.source(name))
  }

  /** @throws INPUT_INVALID, and what targets are refused with */
  add({ account = {}, ...body }: AddSourceBody): Promise<ShownSource> {
    return this.#exclusively(async () => {
      const all = await this.#records.all()
      if (all.some(({ name }) => name === body.name))
        throw new NodeError(
          'INPUT_INVALID',
          `There is a source ${body.name} already; noroshi taxii source change changes it.`,
        )
      if (all.length >= MAX_SOURCES)
        throw new NodeError('INPUT_INVALID', `This node already has ${MAX_SOURCES} sources.`)
      const source: Source = { ...body, created: this.#o.now(), revision: 1 }
      checkSource(source, this.#o)
      await writeAccount(this.#o.dir, source.name, account)
      await this.#records.save(source.name, this.#records.fresh(source), [putSource(source)])
      this.#look()
      return this.#records.shown(source)
    })
  }

  /** Changes settings; where it comes from is begun anew, and what waits is judged again at the next run. */
  change(name: string, { account, ...body }: ChangeSourceBody): Promise<ShownSource> {
    return this.#exclusively(async () => {
      const before = await this.#records.source(name)
      const source: Source = { ...before, ...body, revision: before.revision + 1 }
      checkSource(source, this.#o)
      await this.#stop(name)
      if (account) await writeAccount(this.#o.dir, name, account)
      const state = await this.#records.state(source)
      const isResumed = before.paused === true && source.paused !== true
      if (account || body.address !== undefined || isResumed)
        Object.assign(state, { failures: 0, nextRun: this.#o.now() })
      await this.#records.save(name, state, [putSource(source)])
      this.#look()
      return this.#records.shown(source)
    })
  }

  /** Forgets a source, how far it came and its account; what waits stays for the operator. */
  remove(name: string): Promise<void> {
    return this.#exclusively(async () => {
      await this.#records.source(name)
      await this.#stop(name)
      await this.#records.remove(name)
      await removeAccount(this.#o.dir, name)
    })
  }

  /** Runs a source now, paused or not; the number of the run. */
  run(name: string): Promise<number> {
    return this.#exclusively(async () => {
      const source = await this.#records.source(name)
      if (!this.#running.has(name)) await this.#begin(source)
      return (await this.#records.state(source)).run?.number ?? 0
    })
  }

  /**
   * Ends the waiting of an object that came from a source; undefined where it did not come from one.
   * @throws INPUT_INVALID where it can't be published
   */
  async endWaiting(key: string, tlp: Level | undefined): Promise<{ id: string } | undefined> {
    const value = await waitingAt(this.#o.store, key)
    if (!value) return undefined
    if (tlp !== undefined) {
      const source = await this.#records.source(sourceOf(value) ?? '').catch(() => {
        throw new NodeError('INPUT_INVALID', `Its source is gone, and with it whom it was for: it can only be dropped.`)
      })
      const [object] = parseObjects([{ id: value.id, bytes: Buffer.from(value.json) }]).parsed
      const judged =
        object &&
        judge(
          { ...object, key: '' },
          {
            authors: new Map((source.authors ?? []).map(({ from, to }) => [from, to])),
            register: this.#o.rules.register(),
            markings: await markingsOf(this.#o.store, source),
            level: tlp,
          },
        )
      const refused =
        judged && !('code' in judged) ? (await publish(this.#o, source, [judged], tlp)).values().next().value : judged
      if (refused && 'code' in refused) throw new NodeError('INPUT_INVALID', `${refused.code}: ${refused.message}`)
    }
    await this.#o.store.commit([deleteWaiting(key)])
    return { id: value.id }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOpen = false
    clearTimeout(this.#timer)
    await Promise.all([...this.#running.keys()].map((name) => this.#stop(name)))
    await this.#turn
  }

  /** Sets the clock for what is due next, and begins what is due now. */
  #look(): void {
    clearTimeout(this.#timer)
    if (!this.#isOpen) return
    this.#exclusively(async () => {
      let next = Number.POSITIVE_INFINITY
      for (const source of await this.#records.all()) {
        if (source.paused === true || this.#running.has(source.name)) continue
        const { nextRun } = await this.#records.state(source)
        if (nextRun > this.#o.now()) next = Math.min(next, nextRun)
        else if (this.#running.size < RUNS_AT_ONCE) await this.#begin(source)
      }
      clearTimeout(this.#timer)
      if (!this.#isOpen) return
      this.#timer = setTimeout(() => this.#look(), Math.max(0, Math.min(LOOK_MS, next - this.#o.now())))
      this.#timer.unref()
    }).catch((error: unknown) => {
      this.#o.log.error({ err: String(error) }, 'taxii sources')
      this.#timer = setTimeout(() => this.#look(), LOOK_MS)
      this.#timer.unref()
    })
  }

  async #begin(source: Source): Promise<void> {
    const state = await this.#records.state(source)
    const { now } = this.#o
    const run: Run = {
      ...noCounts(),
      number: (state.run?.number ?? 0) + 1,
      started: now(),
      result: 'running',
      notes: [],
      losses: {},
    }
    const begun = { ...state, run }
    const stop = new AbortController()
    await this.#records.save(source.name, begun, [])
    const done = this.#runOnce(source, begun, stop.signal)
      .catch((error: unknown) => this.#o.log.error({ err: String(error), source: source.name }, 'taxii source'))
      .finally(() => {
        this.#running.delete(source.name)
        this.#look()
      })
    this.#running.set(source.name, { stop, done })
  }

  async #runOnce(source: Source, state: SourceState & { run: Run }, stop: AbortSignal): Promise<void> {
    const { now, chance, log, store, publisher, rules } = this.#o
    const { name, everyMs } = source
    try {
      using outbound = openSourceFetch({
        ...(this.#o.ca ? { ca: this.#o.ca } : {}),
        allowPrivate: source.allowPrivate === true,
        stop,
      })
      const authorization = authorizationOf(await readAccount(this.#o.dir, name))
      const http = new TaxiiHttp({
        fetch: outbound.fetch,
        ...(authorization === undefined ? {} : { authorization }),
        sleep: (ms) => pause(ms, undefined, { signal: stop }),
        now,
        random: chance,
        tries: TRIES,
        note: (message) => {
          if (state.run.notes.length < MAX_NOTES) state.run.notes.push(message.slice(0, NOTE_CHARS))
        },
      })
      state.url ??= await this.#find(http, source)
      await runSource(
        {
          store,
          publisher,
          register: () => rules.register(),
          now,
          save: (changed, changes) => this.#records.save(name, changed, changes),
          checkStopped: () => stop.throwIfAborted(),
        },
        http,
        source,
        state as SourceState & { run: Run; url: string },
      )
      Object.assign(state, { failures: 0, lastSuccess: now(), nextRun: now() + everyMs * (1 + JITTER * chance()) })
      delete state.lastError
      delete state.lastErrorTime
      state.run.result = 'done'
    } catch (error) {
      if (stop.aborted) state.run.result = 'stopped'
      else this.#failed(source, state, error)
    }
    state.run.ended = now()
    const { taken, quarantined, lost, result } = state.run
    log.info({ source: name, taken, quarantined, lost, result, error: state.run.error }, 'taxii source')
    await this.#records.save(name, state, [])
  }

  #failed({ name, everyMs }: Source, state: SourceState & { run: Run }, error: unknown): void {
    const { now, chance, log } = this.#o
    const isExpected = error instanceof TaxiiClientError || toNodeError(error).expose
    if (!isExpected) log.error({ err: String(error), source: name }, 'taxii source failed')
    const message = isExpected ? (error as Error).message : 'The run failed inside the node; its log says why.'
    const status = error instanceof TaxiiClientError ? Number(error.details['status']) : 0
    // The collection may have moved: it is looked for again.
    if (status === 404 || status === 410) delete state.url
    state.failures++
    const longest = Math.max(LONGEST_RETRY_MS, everyMs)
    const wait = Math.min(longest, FIRST_RETRY_MS * 2 ** Math.min(20, state.failures - 1))
    Object.assign(state, { lastError: message, lastErrorTime: now(), nextRun: now() + wait * (1 - chance() / 2) })
    Object.assign(state.run, { result: 'failed', error: message })
  }

  async #find(http: TaxiiHttp, { address, collection }: Source): Promise<string> {
    const all = (await collectionsAt(http, address)).filter(({ canRead }) => canRead)
    const answer = findCollection(all, collection)
    if (answer.found) return answer.found.url
    throw new TaxiiClientError('TAXII_SERVER_ODD', answer.why)
  }

  async #stop(name: string): Promise<void> {
    const running = this.#running.get(name)
    running?.stop.abort()
    await running?.done
  }

  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(work, work)
    this.#turn = mine.catch(() => undefined)
    return mine
  }
}
