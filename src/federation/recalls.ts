import { type Hash, type Json, type LogId, type MemberId, type Millis, toHex } from '#base'
import { ENTRY_KIND, readExpiry, readRecall, type RecallReason, signStatement } from '#log'
import type { Change, ObjectColumns } from '#store'
import type { Recalled } from './api.ts'
import type { Context } from './context.ts'
import { MassRecallGuard } from './mass-recall.ts'
import type { Outbox } from './outbox.ts'
import type { VerifiedEntry } from './verify.ts'

const COLLECTION = 'recalls'
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
  reason: RecallReason | 'expired'
  entryTime: Millis
  withheld: Millis
  purgeAt: Millis
  purged: Millis | null
  alertOnly: boolean
  id?: string
  type?: string
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
   * What a batch of verified entries takes back: changes for the batch's own commit, and what to do once it is durable.
   */
  async execute(
    author: MemberId,
    log: LogId,
    entries: readonly VerifiedEntry[],
    columns: ReadonlyMap<number, ObjectColumns>,
  ): Promise<{ changes: Change[]; named: Map<number, Hash>; done: () => Promise<void> }> {
    const named = new Map<number, Hash>()
    const records: RecallRecord[] = []
    const objects = new Map<RecallRecord, ObjectColumns>()
    for (const entry of entries) {
      if (!entry.bytes || (entry.kind !== ENTRY_KIND.recall && entry.kind !== ENTRY_KIND.expire)) continue
      const isRecall = entry.kind === ENTRY_KIND.recall
      const { index, leaf, reason } = isRecall
        ? readRecall(entry.payload)
        : { ...readExpiry(entry.payload), reason: 'expired' as const }
      const subject = index < entry.index ? await this.#subject(log, index, entries, columns) : undefined
      if (!subject || subject.leaf !== leaf || !subject.isObject) {
        await this.#context.alarm('bad-answer', author, 'A recall names no earlier object of its log', { log, index })
        continue
      }
      named.set(index, leaf)
      if (!subject.hasContent && (await this.#context.store.record(COLLECTION, keyOf(log, index)))) continue
      const record = this.#toRecord(author, log, index, leaf, reason, entry.time, subject.object)
      records.push(record)
      if (subject.object) objects.set(record, subject.object)
    }
    if (records.length === 0) return { changes: [], named, done: async () => undefined }
    const recalled = records.filter((record) => record.reason !== 'expired')
    const { alertOnly, changes } = await this.#guard.weigh(
      author,
      recalled.map((record) => record.entryTime),
    )
    for (const record of recalled) record.alertOnly = alertOnly
    for (const record of records) changes.push(...changesOf(record, this.#hasContent(record, entries)))
    return { changes, named, done: () => this.#done(records, objects, alertOnly) }
  }

  /** Changes by which an author withholds what it takes back itself, and what to do once they are durable. */
  own(
    log: LogId,
    index: number,
    leaf: Hash,
    reason: RecallReason | 'expired',
  ): { changes: Change[]; done: () => void } {
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
      await this.#context.store.commit(
        some.map(([key, record]) => ({
          op: 'put' as const,
          collection: COLLECTION,
          key,
          value: { ...record, purged: now } as unknown as Json,
        })),
      )
      for (const [key, record] of some) {
        this.#held.delete(key)
        if (record.author !== this.#context.self.member && record.reason !== 'expired')
          await this.#acknowledge({ ...record, purged: now })
      }
    }
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
      if (record.purgeAt > record.withheld) await this.#acknowledge(record)
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

  async #acknowledge(record: RecallRecord): Promise<void> {
    const { self, now } = this.#context
    const { log, index, leaf, withheld, purged } = record
    const fields = { member: self.member, log, index, leaf, withheld, purged, time: now() }
    await this.#outbox.keep(record.author, signStatement('recall-ack', fields, [self.nodeKey]))
  }

  #toRecord(
    author: MemberId,
    log: LogId,
    index: number,
    leaf: Hash,
    reason: RecallReason | 'expired',
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

  #hasContent(record: RecallRecord, entries: readonly VerifiedEntry[]): boolean {
    const first = entries[0]?.index ?? 0
    return record.index < first || entries[record.index - first]?.bytes !== undefined
  }

  async #subject(
    log: LogId,
    index: number,
    entries: readonly VerifiedEntry[],
    columns: ReadonlyMap<number, ObjectColumns>,
  ): Promise<Subject | undefined> {
    const here = entries[index - (entries[0]?.index ?? 0)]
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
