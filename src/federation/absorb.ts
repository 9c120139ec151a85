import { type Hash, type Json, type LogId, type MemberId, type Millis, toHex } from '#base'
import { type Audience, ENTRY_KIND, type Frame, type Frontier } from '#log'
import { admits } from '#policy'
import type { Change, MirroredEntry, ObjectColumns, ObjectRow } from '#store'
import { BatchAlarms } from './batch-alarms.ts'
import type { Context } from './context.ts'
import { MarkingDefinitions } from './definitions.ts'
import type { CharterDirectory } from './directory.ts'
import type { SignedRows } from './evidence/signed-rows.ts'
import type { Heads } from './heads.ts'
import { type Candidate, judgeObject, type Rules, toCandidate, toObject, type Verdict, VERSIONS_MOST } from './judge.ts'
import { placeOf } from './judge-versions.ts'
import { MIRRORS, type MirrorRecord, type UnexplainedEntry } from './mirror-record.ts'
import type { Recalls } from './recalls.ts'
import type { SentReceipts } from './receipts-sent.ts'
import { SUSPECT, type Suspects } from './suspects.ts'
import type { MirrorState, SignedCheckpoint, VerifiedEntry } from './verify.ts'

const ALL_STATUSES = ['accepted', 'quarantined', 'rejected'] as const
const IDS_PER_QUERY = 500
const ROWS_PER_QUERY = 5_000
/** Objects that are judged again when a marking definition arrives late. */
const REJUDGED_MOST = 5_000

/** Quarantined because its author was not allowed to send it here when it came. */
const MISDELIVERED = 'QUARANTINE:MISDELIVERED'
/** Verdicts that a newer version does not change: somebody has to vouch for the entry first, or a charter to admit it. */
const HELD: readonly string[] = [SUSPECT, MISDELIVERED]

/** A verified batch that is to become part of a mirror. */
export interface Batch {
  entries: readonly VerifiedEntry[]
  frontier: Frontier
  audience: Audience
  checkpoint: SignedCheckpoint
  frames: readonly Frame[]
  /** Entries of the log that its author offered when the batch was asked for. */
  offered: number
  prepared: Prepared
}

/** What entries hold, found out without anything but themselves. */
export interface Prepared {
  /** Objects that have an id and a type, by place. */
  fresh: Map<string, Candidate>
  /** Entries whose payload is no JSON object. */
  malformed: Set<number>
}

/** Reads and validates the objects of verified entries. Pure. */
export function prepare(log: LogId, audience: Audience, entries: readonly VerifiedEntry[]): Prepared {
  const prepared: Prepared = { fresh: new Map(), malformed: new Set() }
  for (const entry of entries) {
    if (!entry.bytes || entry.kind !== ENTRY_KIND.object) continue
    const object = toObject(entry.payload)
    const candidate = object && toCandidate({ log, index: entry.index, audience, entryTime: entry.time, object })
    if (!object) prepared.malformed.add(entry.index)
    else if (candidate) prepared.fresh.set(placeOf(candidate), candidate)
  }
  return prepared
}

/** A change of what was thought of an object that is held already. */
export interface Revision {
  candidate: Candidate
  verdict: Verdict
}

/**
 * Takes a verified batch in: judges its objects together with the versions that are known, executes its recalls, and
 * commits everything at once. Only then the node hears of it, and the author gets its receipt.
 */
export class Absorber {
  readonly #context: Context
  readonly #directory: CharterDirectory
  readonly #heads: Heads
  readonly #recalls: Recalls
  readonly #receipts: SentReceipts
  readonly #suspects: Suspects
  readonly #alarms: BatchAlarms
  readonly #definitions: MarkingDefinitions

  constructor(
    context: Context,
    directory: CharterDirectory,
    heads: Heads,
    recalls: Recalls,
    receipts: SentReceipts,
    suspects: Suspects,
    signedRows: SignedRows,
  ) {
    this.#alarms = new BatchAlarms(context, directory, heads, signedRows)
    this.#suspects = suspects
    this.#context = context
    this.#directory = directory
    this.#heads = heads
    this.#recalls = recalls
    this.#receipts = receipts
    this.#definitions = new MarkingDefinitions(context.store, heads)
  }

  async absorb(mirror: MirrorState, batch: Batch): Promise<void> {
    const { log, author } = mirror
    const { entries, checkpoint, audience, frames } = batch
    const from = mirror.frontier.size
    const { malformed } = batch.prepared
    // A checkpoint that counts now is by a key that is trusted: its author vouches for all that the log held before.
    const vouched = await this.#suspects.of(log)
    const { columns, revisions } = await this.#judge(author, audience, batch.prepared.fresh, vouched)
    const recalls = await this.#recalls.execute({ author, log, audience, entries }, columns)
    const explained = await this.#explained(mirror, batch, recalls.named)
    const arrived = this.#context.now()
    const changes: Change[] = [
      {
        op: 'mirror',
        log,
        author,
        from,
        entries: entries.map((entry) => toMirrored(entry, columns, malformed)),
        checkpoint: { ...checkpoint },
        audience,
        arrived,
      },
      { op: 'put', collection: MIRRORS, key: log, value: explained.record(batch.frontier, lastTime(entries)) },
      ...revisions.map(toStatusChange),
      ...recalls.changes,
      ...this.#suspects.vouched(log),
    ]
    await this.#context.store.commit(changes)
    const receiptFrames = frames.map((frame, i) =>
      keptWhole(entries[i], malformed) ? frame : { leaf: entries[i]!.leaf },
    )
    this.#receipts.prove(author, log, from, checkpoint.size, checkpoint.root, receiptFrames)
    this.#context.emit('mirrored', {
      log,
      author,
      audience,
      from,
      size: checkpoint.size,
      time: arrived,
      correlate: audience.tlp !== 'red',
      objects: entries.flatMap((entry) => {
        const object = entry.bytes && columns.get(entry.index)
        return object ? [{ index: entry.index, object, entryTime: entry.time, json: entry.payload }] : []
      }),
    })
    this.#tellOf(author, revisions)
    await recalls.done()
    // What a charter admitted while this was written is judged again at once, and was no wrong.
    const isAdmitted = this.#isAdmitted(author, audience)
    await this.#alarms.verdicts(mirror, isAdmitted ? withoutCode(columns, MISDELIVERED) : columns, revisions)
    await this.#alarms.malformed(mirror, batch, columns)
    await this.#alarms.omissions(mirror, checkpoint, explained.overdue)
  }

  /** A charter changed: what an author was not allowed to send here when it came is judged again where it is by now. */
  async readmit(author: MemberId): Promise<void> {
    const logs = this.#heads
      .of(author)
      .flatMap(({ log, audience }) => (this.#isAdmitted(author, audience) ? [log] : []))
    if (logs.length === 0) return
    const { rows } = await this.#context.store.objects({ logs, statuses: ['quarantined'], limit: REJUDGED_MOST })
    const admitted = rows.filter(({ code }) => code === MISDELIVERED)
    const audience = this.#heads.get(admitted[0]?.log ?? ('' as LogId))?.audience
    if (!audience) return
    const { revisions } = await this.#judge(author, audience, new Map(), admitted)
    await this.#context.store.commit(revisions.map(toStatusChange))
    this.#tellOf(author, revisions)
  }

  #tellOf(author: MemberId, revisions: readonly Revision[]): void {
    if (revisions.length === 0) return
    this.#context.emit('revised', {
      author,
      objects: revisions.map(({ candidate: { log, index, columns }, verdict }) => ({
        log,
        index,
        object: { ...columns, ...verdict },
      })),
    })
  }

  async #judge(
    author: MemberId,
    audience: Audience,
    fresh: ReadonlyMap<string, Candidate>,
    vouched: readonly ObjectRow[],
  ) {
    const columns = new Map<number, ObjectColumns>()
    const known = await this.#known(author, [...fresh.values()], vouched)
    const rules = await this.#rules(author, [...fresh.values(), ...known.map((row) => row.candidate)])
    const isDelivered = this.#isAdmitted(author, audience)
    const before = new Map(known.map(({ candidate, row }) => [placeOf(candidate), row]))
    const revisions: Revision[] = []
    const all = [...known.map(({ candidate }) => candidate), ...fresh.values()]
    for (const versions of Map.groupBy(all, (candidate) => candidate.columns.id).values()) {
      for (const [place, verdict] of judgeObject(versions, rules)) {
        const arrived = fresh.get(place)
        if (arrived) {
          const judged = isDelivered ? verdict : { status: 'quarantined' as const, code: MISDELIVERED }
          columns.set(arrived.index, { ...arrived.columns, ...judged })
          continue
        }
        const row = before.get(place)
        const candidate = versions.find((version) => placeOf(version) === place)
        const isHeld = HELD.includes(row?.code ?? '') && !vouched.some((one) => placeOf(one) === place)
        if (row && candidate && !isHeld && (row.status !== verdict.status || row.code !== verdict.code))
          revisions.push({ candidate, verdict })
      }
    }
    return { columns, revisions }
  }

  /** Other versions of the same objects that are held, and what waits for a marking definition that came now. */
  async #known(
    author: MemberId,
    fresh: readonly Candidate[],
    vouched: readonly ObjectRow[],
  ): Promise<{ candidate: Candidate; row: ObjectRow }[]> {
    if (!this.#heads.has(author) || fresh.length + vouched.length === 0) return []
    const statuses = ALL_STATUSES
    const ids = [...new Set([...fresh.map((candidate) => candidate.columns.id), ...vouched.map(({ id }) => id)])]
    const rows: ObjectRow[] = []
    for (let at = 0; at < ids.length; at += IDS_PER_QUERY) {
      const slice = ids.slice(at, at + IDS_PER_QUERY)
      const limit = Math.min(ROWS_PER_QUERY, slice.length * VERSIONS_MOST)
      rows.push(...(await this.#context.store.objects({ logs: [], author, ids: slice, statuses, limit })).rows)
    }
    if (fresh.some((candidate) => candidate.columns.type === 'marking-definition')) {
      const logs = this.#heads.of(author).map(({ log }) => log)
      const page = await this.#context.store.objects({ logs, statuses: ['quarantined'], limit: REJUDGED_MOST })
      const seen = new Set(rows.map(placeOf))
      for (const row of page.rows)
        if (row.code === 'QUARANTINE:UNKNOWN_MARKING' && !seen.has(placeOf(row))) rows.push(row)
    }
    return rows.flatMap((row) => {
      const object = toObject(row.json)
      const { log, index, entryTime } = row
      const audience = this.#heads.get(log)?.audience
      const candidate = object && audience && toCandidate({ log, index, audience, entryTime, object })
      return candidate ? [{ candidate, row }] : []
    })
  }

  async #rules(publisher: MemberId, candidates: readonly Candidate[]): Promise<Rules> {
    return {
      publisher,
      self: this.#context.self.member,
      register: this.#directory.register(),
      delivered: this.#directory.registerKnownTo(publisher),
      definitions: await this.#definitions.for(
        publisher,
        candidates.map((candidate) => candidate.object),
      ),
      now: this.#context.now(),
      acceptsDrill: this.#context.acceptsDrill,
    }
  }

  /** Whether the author was allowed to send the log here at all. */
  #isAdmitted(author: MemberId, audience: Audience): boolean {
    return admits({
      audience,
      author,
      server: author,
      reader: this.#context.self.member,
      channel: 'node',
      register: this.#directory.registerKnownTo(author),
      now: this.#context.now(),
    }).send
  }

  /**
   * Withheld entries are taken provisionally until the log names them in a recall or an expiry: that stands before the end
   * of what was offered by then, so it is missed only once all of that is here, and what came after it as well.
   */
  async #explained(mirror: MirrorState, { entries, checkpoint, offered }: Batch, named: ReadonlyMap<number, Hash>) {
    const known = (await this.#context.store.record(MIRRORS, mirror.log)) as unknown as MirrorRecord | undefined
    const withheld = entries.filter((entry) => !entry.bytes && entry.why === 'withheld').map((entry) => entry.index)
    const before = (known?.unexplained ?? []).map((one) =>
      typeof one === 'number' ? ([one, 0] as UnexplainedEntry) : one,
    )
    const unnamed = new Set(
      await this.#recalls.unnamed(
        mirror.log,
        before.map(([index]) => index),
      ),
    )
    const open = before.filter(([index]) => unnamed.has(index) && !named.has(index))
    const isWhole = checkpoint.size >= offered
    const overdue = open.filter(([, by]) => isWhole && by <= mirror.frontier.size)
    const by: [number, MemberId?] = mirror.via === undefined ? [offered] : [offered, mirror.via]
    const fresh = withheld.filter((index) => !named.has(index)).map((index): UnexplainedEntry => [index, ...by])
    const unexplained = [...open, ...fresh].map((one) => [...one] as Json[])
    const record = (frontier: Frontier, entryTime: Millis): Json => ({
      frontier: toHex(frontier.toBytes()),
      entryTime: Math.max(entryTime, mirror.entryTime),
      unexplained,
    })
    return { record, overdue }
  }
}

function toMirrored(
  entry: VerifiedEntry,
  columns: ReadonlyMap<number, ObjectColumns>,
  malformed: ReadonlySet<number>,
): MirroredEntry {
  if (!entry.bytes || malformed.has(entry.index)) return { leaf: entry.leaf }
  const object = columns.get(entry.index)
  return { bytes: entry.bytes, kind: entry.kind, time: entry.time, ...(object ? { object } : {}) }
}

function toStatusChange({ candidate, verdict }: Revision): Change {
  const { log, index } = candidate
  return {
    op: 'status',
    log,
    index,
    status: verdict.status,
    ...(verdict.code === undefined ? {} : { code: verdict.code }),
  }
}

const withoutCode = (columns: ReadonlyMap<number, ObjectColumns>, code: string) =>
  new Map([...columns].filter(([, column]) => column.code !== code))

const keptWhole = (entry: VerifiedEntry | undefined, malformed: ReadonlySet<number>) =>
  entry?.bytes !== undefined && !malformed.has(entry.index)

const lastTime = (entries: readonly VerifiedEntry[]): Millis =>
  entries.reduce((time, entry) => (entry.bytes ? Math.max(time, entry.time) : time), 0)
