import { type Hash, type Json, type LogId, type MemberId, type Millis, toHex } from '#base'
import { type Audience, audienceId, ENTRY_KIND, signStatement } from '#log'
import type { Change, ObjectColumns } from '#store'
import type { KeptRecall, Recalled } from './api.ts'
import type { Context } from './context.ts'
import { MassRecallGuard } from './mass-recall.ts'
import type { Outbox } from './outbox.ts'
import { type GoneReason, type TakenBack, takenBackBy } from './taken-back.ts'
import type { VerifiedEntry } from './verify.ts'

const COLLECTION = 'recalls'
/** What an author took back of a log that is not held here so far. */
const AWAITED = 'recalls-awaited'
/** How often held evidence is looked through for what is due to be purged. */
const SWEEP_MS = 60_000
/** Entries that are purged in one commit. */
const PURGED_AT_ONCE = 1_000

/** One executed recall as it is kept. */
interface RecallRecord {
  author: MemberId
  log: LogId
  index: number
  leaf: Hash
  reason: GoneReason
  entryTime: Millis
  withheld: Millis
  purgeAt: Millis
  purged: Millis | null
  alertOnly: boolean
  id?: string
  type?: string
}

/** What was taken back before it came. */
interface AwaitedRecord {
  audienceId: Hash
  index: number
  leaf: Hash
  reason: GoneReason
  entryTime: Millis
}

/** One log's batch of verified entries. */
interface RecalledBatch {
  author: MemberId
  log: LogId
  audience: Audience
  entries: readonly VerifiedEntry[]
}

/** An entry that a recall names: where its content stands. */
interface Subject {
  leaf: Hash
  isObject: boolean
  hasContent: boolean
  object?: ObjectColumns
}

/**
 * Recalls by authors, executed here: withheld in the same commit as the entry that says so, purged after the evidence
 * hold (personal data and expired content at once), acknowledged to the author at both points.
 * @see WIRE, Recall
 */
export class Recalls {
  readonly #context: Context
  readonly #outbox: Outbox
  readonly #guard: MassRecallGuard
  readonly #held = new Map<string, RecallRecord>()
  /** Prefixes of awaited records: author and log. */
  readonly #awaited = new Set<string>()
  #timer: unknown
  #purging: Promise<void> = Promise.resolve()

  private constructor(context: Context, outbox: Outbox, guard: MassRecallGuard) {
    this.#context = context
    this.#outbox = outbox
    this.#guard = guard
  }

  static async open(context: Context, outbox: Outbox): Promise<Recalls> {
    const rows = context.store.records(COLLECTION)
    const records = await Array.fromAsync(rows, ({ key, value }) => [key, value as unknown as RecallRecord] as const)
    const guard = await MassRecallGuard.open(
      context,
      records.map(([, record]) => record),
    )
    const recalls = new Recalls(context, outbox, guard)
    for (const [key, record] of records) if (record.purged === null) recalls.#held.set(key, record)
    for await (const { key } of context.store.records(AWAITED)) recalls.#awaited.add(prefixOf(key))
    return recalls
  }

  get guard(): MassRecallGuard {
    return this.#guard
  }

  /** Begins to purge what is due, now and from time to time. */
  start(): void {
    const sweep = () => {
      this.#timer = this.#context.timers.set(SWEEP_MS, sweep)
      this.purgeSoon()
    }
    sweep()
  }

  stop(): void {
    this.#context.timers.clear(this.#timer)
  }

  /**
   * What a batch of verified entries takes back, and what of it was taken back before it came: changes for the batch's own
   * commit, and what to do once it is durable. `named` are entries of the batch's log.
   */
  async execute(
    batch: RecalledBatch,
    columns: ReadonlyMap<number, ObjectColumns>,
  ): Promise<{ changes: Change[]; named: Map<number, Hash>; done: () => Promise<void> }> {
    const { author, log } = batch
    const named = new Map<number, Hash>()
    const records: { record: RecallRecord; subject: Subject }[] = []
    const changes: Change[] = []
    for (const what of await this.#takenBack(batch, changes)) {
      const { index, leaf, reason, entryTime } = what
      const subject = await this.#subject(what, batch, columns)
      if (!subject || subject.leaf !== leaf || !subject.isObject) {
        await this.#context.alarm('bad-answer', author, 'A recall names no earlier object of its log', { log, index })
        continue
      }
      if (what.log === log) named.set(index, leaf)
      if (!subject.hasContent && (await this.#context.store.record(COLLECTION, keyOf(what.log, index)))) continue
      records.push({
        record: this.#toRecord(author, what.log, index, leaf, reason, entryTime, subject.object),
        subject,
      })
    }
    if (records.length === 0) return { changes, named, done: async () => undefined }
    const recalled = records.flatMap(({ record }) => (record.reason === 'expired' ? [] : [record]))
    const weighed = await this.#guard.weigh(
      author,
      recalled.map((record) => record.entryTime),
    )
    for (const record of recalled) record.alertOnly = weighed.alertOnly
    changes.push(...weighed.changes)
    for (const { record, subject } of records) changes.push(...changesOf(record, subject.hasContent))
    // In the batch's own commit: what a kill keeps from being said would never be said.
    const acks = records.flatMap(({ record }) =>
      record.purgeAt > record.withheld ? [this.#acknowledgement(record)] : [],
    )
    changes.push(...acks.map(({ change }) => change))
    const objects = new Map(records.flatMap(({ record, subject: { object } }) => (object ? [[record, object]] : [])))
    const done = async () => {
      for (const ack of acks) ack.done()
      await this.#done(
        records.map(({ record }) => record),
        objects,
        weighed.alertOnly,
      )
    }
    return { changes, named, done }
  }

  /** Entries of a log, of those given, that nothing has taken back so far. */
  async unnamed(log: LogId, indexes: readonly number[]): Promise<number[]> {
    const found: number[] = []
    for (const index of indexes)
      if ((await this.#context.store.record(COLLECTION, keyOf(log, index))) === undefined) found.push(index)
    return found
  }

  /** What entries of an own log take back that came back from a peer after a restore. */
  async recover(batch: RecalledBatch): Promise<{ changes: Change[]; done: (() => void)[] }> {
    const changes: Change[] = []
    const done: (() => void)[] = []
    for (const { log, index, leaf, reason, before } of await this.#takenBack(batch, changes)) {
      if (index >= before) continue
      const own = this.own(log, index, leaf, reason)
      changes.push(...own.changes)
      done.push(own.done)
    }
    return { changes, done }
  }

  /** Changes by which an author withholds what it takes back itself, and what to do once they are durable. */
  own(log: LogId, index: number, leaf: Hash, reason: GoneReason): { changes: Change[]; done: () => void } {
    const { self, now } = this.#context
    const record = this.#toRecord(self.member, log, index, leaf, reason, now(), undefined)
    const done = () => {
      this.#held.set(keyOf(log, index), record)
      if (record.purgeAt <= record.withheld) this.purgeSoon()
    }
    return { changes: changesOf(record, true), done }
  }

  /** The same, while nobody waits for it. */
  purgeSoon(): void {
    this.purgeDue().catch((cause: unknown) => this.#context.log('error', 'Purging failed', { cause: String(cause) }))
  }

  /** Purges what was held long enough, with all that the node derived from it, and says so to the authors. */
  purgeDue(): Promise<void> {
    const done = this.#purging.then(() => this.#purgeDue())
    this.#purging = done.catch(() => undefined)
    return done
  }

  async #purgeDue(): Promise<void> {
    const now = this.#context.now()
    const due = [...this.#held].filter(([, { purgeAt }]) => purgeAt <= now)
    for (let at = 0; at < due.length; at += PURGED_AT_ONCE) {
      const some = due.slice(at, at + PURGED_AT_ONCE)
      await this.#context.store.commit(
        some.map(([, { log, index }]) => ({ op: 'purge' as const, log, index, time: now })),
      )
      await this.#context.onPurged(some.map(([, { log, index }]) => ({ log, index })))
      // Only now: who is stopped in between begins again.
      const purged = some.map(([key, record]) => ({ key, record: { ...record, purged: now } }))
      const acks = purged.flatMap(({ record }) =>
        record.author !== this.#context.self.member && record.reason !== 'expired'
          ? [this.#acknowledgement(record)]
          : [],
      )
      await this.#context.store.commit([
        ...purged.map(({ key, record }): Change => {
          return { op: 'put', collection: COLLECTION, key, value: record as unknown as Json }
        }),
        ...acks.map(({ change }) => change),
      ])
      for (const { key } of purged) this.#held.delete(key)
      for (const ack of acks) ack.done()
    }
  }

  /** Everything that was taken back here. */
  async *all(): AsyncGenerator<KeptRecall> {
    for await (const { value } of this.#context.store.records(COLLECTION)) yield value as unknown as RecallRecord
  }

  /** A person confirmed an author's mass recall: what detection still used in alert-only goes now. */
  async confirm(author: MemberId): Promise<void> {
    await this.#guard.lift(author)
    for await (const { key, value } of this.#context.store.records(COLLECTION)) {
      const record = value as unknown as RecallRecord
      if (record.author !== author || !record.alertOnly) continue
      const confirmed = { ...record, alertOnly: false }
      await this.#context.store.commit([
        { op: 'put', collection: COLLECTION, key, value: confirmed as unknown as Json },
      ])
      if (this.#held.has(key)) this.#held.set(key, confirmed)
      this.#tell(confirmed, undefined)
    }
  }

  async #done(records: RecallRecord[], objects: Map<RecallRecord, ObjectColumns>, alertOnly: boolean): Promise<void> {
    for (const record of records) {
      this.#held.set(keyOf(record.log, record.index), record)
      this.#tell(record, objects.get(record))
    }
    if (records.some(({ purgeAt, withheld }) => purgeAt <= withheld)) this.purgeSoon()
    const [first] = records
    if (alertOnly && first) await this.#guard.alarm(first.author, first.log)
  }

  #tell(record: RecallRecord, object: ObjectColumns | undefined): void {
    const { author, log, index, leaf, reason, alertOnly } = record
    const event: Recalled = { author, log, index, leaf, reason, alertOnly, ...(object ? { object } : {}) }
    this.#context.emit('recalled', event)
  }

  /** The word to the author that its content is withheld, or purged: a change, and what to do once that is durable. */
  #acknowledgement(record: RecallRecord): { change: Change; done: () => void } {
    const { self, now } = this.#context
    const { log, index, leaf, withheld, purged } = record
    const fields = { member: self.member, log, index, leaf, withheld, purged, time: now() }
    return this.#outbox.kept(record.author, signStatement('recall-ack', fields, [self.nodeKey]))
  }

  #toRecord(
    author: MemberId,
    log: LogId,
    index: number,
    leaf: Hash,
    reason: GoneReason,
    entryTime: Millis,
    object: ObjectColumns | undefined,
  ): RecallRecord {
    const withheld = this.#context.now()
    const atOnce = reason === 'personal-data' || reason === 'expired'
    return {
      author,
      log,
      index,
      leaf,
      reason,
      entryTime,
      withheld,
      purgeAt: atOnce ? withheld : withheld + this.#context.limits.evidenceHoldMs,
      purged: null,
      alertOnly: false,
      ...(object ? { id: object.id, type: object.type } : {}),
    }
  }

  /**
   * What is taken back now: by entries of the batch, or of the batch by what stood in another log before. What names a log
   * that is not held so far waits for it.
   */
  async #takenBack(
    { author, log, audience, entries }: RecalledBatch,
    changes: Change[],
  ): Promise<(TakenBack & { entryTime: Millis; before: number })[]> {
    const found: (TakenBack & { entryTime: Millis; before: number })[] = []
    const first = entries[0]?.index ?? 0
    const prefix = `${author}/${log}/`
    if (this.#awaited.has(prefix))
      for await (const { key, value } of this.#context.store.records(AWAITED, { prefix })) {
        const { audienceId: of, ...what } = value as unknown as AwaitedRecord
        if (what.index < first || what.index >= first + entries.length) continue
        changes.push({ op: 'delete', collection: AWAITED, key })
        if (of === audienceId(audience)) found.push({ ...what, log, before: Infinity })
      }
    for (const entry of entries) {
      const what = takenBackBy(entry, log, author)
      if (!what || !entry.bytes) continue
      if (what.log === log) found.push({ ...what, entryTime: entry.time, before: entry.index })
      else {
        const held = await this.#context.store.log(what.log)
        const isHeld = held !== undefined && what.index < held.size
        const isRelated = !held || (held.author === author && held.audienceId === audienceId(audience))
        if (isHeld || !isRelated) found.push({ ...what, entryTime: entry.time, before: isRelated ? Infinity : 0 })
        else changes.push(this.#await(author, audience, what, entry.time))
      }
    }
    return found
  }

  #await(author: MemberId, audience: Audience, { log, index, leaf, reason }: TakenBack, entryTime: Millis): Change {
    const value: AwaitedRecord = { audienceId: audienceId(audience), index, leaf, reason, entryTime }
    const key = `${author}/${keyOf(log, index)}`
    this.#awaited.add(prefixOf(key))
    return { op: 'put', collection: AWAITED, key, value: value as unknown as Json }
  }

  /** Where the content of what is taken back stands; undefined where the recall names nothing before it. */
  async #subject(
    { log, index, before }: TakenBack & { before: number },
    batch: RecalledBatch,
    columns: ReadonlyMap<number, ObjectColumns>,
  ): Promise<Subject | undefined> {
    if (index >= before) return undefined
    const here = log === batch.log ? batch.entries[index - (batch.entries[0]?.index ?? 0)] : undefined
    if (here) {
      const object = columns.get(index)
      const isObject = !here.bytes || here.kind === ENTRY_KIND.object
      return { leaf: toHex(here.leaf), isObject, hasContent: here.bytes !== undefined, ...(object ? { object } : {}) }
    }
    const [stored] = await this.#context.store.entries(log, index, index + 1)
    if (!stored) return undefined
    const { leaf, kind, bytes, object } = stored
    const isObject = !bytes || kind === ENTRY_KIND.object
    return { leaf, isObject, hasContent: bytes !== undefined, ...(object ? { object } : {}) }
  }
}

function changesOf(record: RecallRecord, hasContent: boolean): Change[] {
  const { log, index, reason, withheld, purgeAt } = record
  const changes: Change[] = []
  if (hasContent) {
    changes.push({ op: 'withhold', log, index, reason, time: withheld })
    if (purgeAt <= withheld) changes.push({ op: 'purge', log, index, time: withheld })
  }
  changes.push({ op: 'put', collection: COLLECTION, key: keyOf(log, index), value: record as unknown as Json })
  return changes
}

const keyOf = (log: LogId, index: number) => `${log}/${String(index).padStart(12, '0')}`
/** Author and log of an awaited record's key. */
const prefixOf = (key: string) => key.slice(0, key.lastIndexOf('/') + 1)
