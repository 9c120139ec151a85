import { setTimeout as sleep } from 'node:timers/promises'
import type { LogId, MemberId } from '#base'
import type { Federation } from '#federation'
import type { RecallReason } from '#log'
import { renditionId } from '#policy'
import type { Change, LogHead, ObjectRow, Store } from '#store'
import { formsOf } from './cut-forms.ts'
import { derivedCopies } from './derived-copies.ts'
import type { Embargoes } from './embargoes.ts'
import type { NodeEvents } from './events.ts'
import type { Publisher } from './publish.ts'
import type { Tasks, TaskSubject } from './tasks.ts'

/** Ids asked for at once. */
const IDS_PER_QUERY = 500
/** Objects read at once. */
const PAGE = 1_000
/** Recalls that come one after the other are looked after together. */
const GATHER_MS = 200
/** Recalls by others for whose copies was looked. */
const LOOKED = 'recalls-looked-after'

/** Something that a recall does not settle by itself, for a person. */
export interface RecallTask {
  id: string
  type: string
  why: string
}

/** What is taken back: every own entry of an object, or one entry. */
export interface WhatToRecall {
  id?: string
  log?: LogId
  index?: number
  reason: RecallReason
}

/** What was taken back, and what is left for a person. */
export interface TakenBackAnswer {
  recalled: { log: LogId; index: number }[]
  tasks: RecallTask[]
  /** Releases that waited for the end of an embargo, and are published no more. */
  dropped?: number
}

/** What recalls need of the node. */
export interface RecallParts {
  store: Store
  publisher: Pick<Publisher, 'recall' | 'standing'>
  embargoes: Pick<Embargoes, 'drop'>
  federation: Pick<Federation, 'recalls'>
  tasks: Tasks
  events: NodeEvents
  self: MemberId
  /** Keys the ids of renditions. */
  secret: Uint8Array
}

/** Takes back what this node published, and keeps tasks for what a recall, its own or another's, can't settle by itself. */
export class RecallWork implements AsyncDisposable {
  readonly #o: RecallParts
  #waiting: TaskSubject[] = []
  #work: Promise<unknown> = Promise.resolve()

  constructor(parts: RecallParts) {
    this.#o = parts
  }

  /**
   * Takes back an object with its redacted renditions, or one entry, and tells what is left for a person to look at. What an
   * embargo still holds of it is published no more.
   *
   * @throws NOT_FOUND, and what the federation refuses
   */
  async takeBack(what: WhatToRecall): Promise<TakenBackAnswer> {
    const { store, publisher, secret, embargoes, tasks, self } = this.#o
    const { id, reason } = what
    if (id === undefined) return { recalled: await publisher.recall(what), tasks: [] }
    const own = await store.logs({ own: true })
    const renditions = await renditionsInUse(store, own, id, secret)
    const entries = [...(await publisher.standing(id)).filter(({ recalled }) => !recalled), ...renditions]
    const dropped = await embargoes.drop(id)
    if (entries.length === 0 && dropped > 0) return { recalled: [], tasks: [], dropped }
    // Where nothing can be taken back, the refusal says why.
    if (entries.length === 0) return { recalled: await publisher.recall(what), tasks: [] }
    const recalled: { log: LogId; index: number }[] = []
    for (const { log, index } of entries) recalled.push(...(await publisher.recall({ log, index, reason })))
    const [first] = recalled
    if (!first) return { recalled, tasks: [] }
    const found = await derivedCopies(store, [{ author: self, ...first, id, reason }], secret)
    await store.commit(tasks.changesOf(found))
    return {
      recalled,
      ...(dropped > 0 ? { dropped } : {}),
      tasks: found.flatMap(({ named, type = '', why }) => named.map((one) => ({ id: one, type, why }))),
    }
  }

  /** Another member took an object back: what this node made of it becomes a task. */
  recalled(subject: Omit<TaskSubject, 'id'> & { id?: string | undefined }): void {
    const { id } = subject
    if (subject.reason === 'expired' || id === undefined) return
    this.#waiting.push({ ...subject, id })
    if (this.#waiting.length === 1) this.#later(() => this.#look())
  }

  /** Looks after recalls that a stop left. */
  resume(): void {
    this.#later(async () => {
      for await (const { author, log, index, reason, id } of this.#o.federation.recalls()) {
        const isOpen = author !== this.#o.self && (await this.#o.store.record(LOOKED, keyOf(log, index))) === undefined
        if (isOpen) this.recalled({ author, log, index, reason, id })
      }
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#work
  }

  #later(work: () => Promise<unknown>): void {
    this.#work = this.#work
      .then(work)
      .catch((error: unknown) => this.#o.events.failed('looking for copies of what was recalled', error))
  }

  async #look(): Promise<void> {
    await sleep(GATHER_MS)
    const subjects = this.#waiting
    this.#waiting = []
    const { store, secret, tasks } = this.#o
    const found = await derivedCopies(store, subjects, secret)
    const looked = subjects.map(({ log, index }): Change => ({
      op: 'put',
      collection: LOOKED,
      key: keyOf(log, index),
      value: 1,
    }))
    await store.commit([...tasks.changesOf(found), ...looked])
  }
}

const keyOf = (log: LogId, index: number) => `${log}/${index}`

/**
 * Redacted renditions that this node made of an object and that are in use: copies of what is taken back. Entries that
 * came back from peers after a restore may have no record; their ids follow from the secret.
 */
async function renditionsInUse(
  store: Store,
  own: readonly LogHead[],
  id: string,
  secret: Uint8Array,
): Promise<ObjectRow[]> {
  const recorded = (await formsOf(store, [id])).get(id) ?? []
  const ids = [...new Set([...recorded, ...own.map(({ audienceId }) => renditionId(secret, id, audienceId))])]
  const found: ObjectRow[] = []
  for (let at = 0; at < ids.length; at += IDS_PER_QUERY) {
    const logs = own.map(({ log }) => log)
    const some = ids.slice(at, at + IDS_PER_QUERY)
    found.push(...(await store.objects({ logs, ids: some, statuses: ['accepted'], limit: PAGE })).rows)
  }
  return found
}
