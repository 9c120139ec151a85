import type { Json, LogId, MemberId } from '#base'
import type { ObjectColumns } from '#store'
import type { Batch, Revision } from './absorb.ts'
import type { AlarmKind } from './api.ts'
import { carriedLink } from './carriage/carriers.ts'
import type { Context } from './context.ts'
import type { CharterDirectory } from './directory.ts'
import { equivocationProof, publishedProof, signedEntry, signedLeaf } from './evidence/proofs.ts'
import type { SignedRows } from './evidence/signed-rows.ts'
import type { Heads } from './heads.ts'
import type { UnexplainedEntry } from './mirror-record.ts'
import type { MirrorState, SignedCheckpoint } from './verify.ts'

/** Malformed entries of one batch that its evidence holds. */
const PROVED_MOST = 8
/** Largest of them, in bytes. */
const PROVED_BYTES = 65_536

/** Verdicts that people are told of at once; the first that fits names the kind. */
const KINDS: readonly [code: RegExp, kind: AlarmKind][] = [
  [/EQUIVOCATION/, 'equivocation'],
  [/^REJECT:NOT_OWNER$/, 'forged-author'],
  [/DRILL$/, 'drill'],
  [/MISDELIVERED/, 'misdelivered'],
  [/^QUARANTINE:MODIFIED_AHEAD$/, 'clock'],
  [/^REJECT:ROLLBACK$/, 'rollback'],
]

/** Tells what a batch that was taken in says about its author, with what proves it. */
export class BatchAlarms {
  readonly #context: Context
  readonly #directory: CharterDirectory
  readonly #heads: Heads
  readonly #signedRows: SignedRows

  constructor(context: Context, directory: CharterDirectory, heads: Heads, signedRows: SignedRows) {
    this.#context = context
    this.#directory = directory
    this.#heads = heads
    this.#signedRows = signedRows
  }

  /** Objects that are not what they should be; each object is told of once per verdict. */
  async verdicts(
    { author, log, via }: MirrorState,
    columns: ReadonlyMap<number, ObjectColumns>,
    revisions: readonly Revision[],
  ): Promise<void> {
    const found = new Map<string, { index: number; id: string; log: LogId; code: string; kind: AlarmKind }>()
    const add = (id: string, code: string | undefined, at: { log: LogId; index: number }) => {
      const kind = kindOf(code)
      if (code !== undefined && kind !== undefined && !found.has(id + code))
        found.set(id + code, { id, code, kind, ...at })
    }
    for (const [index, { code, id }] of columns) add(id, code, { log, index })
    for (const { candidate, verdict } of revisions) add(candidate.columns.id, verdict.code, candidate)
    for (const { index, id, log: at, code, kind } of found.values()) {
      // It was on its way when the charter changed: the author did no wrong.
      const isOffered = this.#isOfferedNow(via === undefined ? author : carriedLink(author, via), at)
      if (code.includes('MISDELIVERED') && !isOffered) continue
      const [entry] = await this.#context.store.entries(at, index, index + 1)
      const evidence = {
        id,
        leaf: entry?.leaf ?? null,
        checkpoint: this.#heads.get(at)?.checkpoint ?? null,
        ...(await this.#proof(kind, author, id, at, index)),
      }
      await this.#context.alarm(kind, author, `${id}: ${code}`, { log: at, index, evidence })
    }
  }

  /** Entries that are not what the format or STIX asks for stay inert; told of once a batch, with the bytes as they came. */
  async malformed(
    { author, log, frontier }: MirrorState,
    batch: Batch,
    columns: ReadonlyMap<number, ObjectColumns>,
  ): Promise<void> {
    const bad = batch.entries.filter(
      (entry) =>
        (entry.bytes === undefined && entry.why === 'malformed') ||
        batch.prepared.malformed.has(entry.index) ||
        columns.get(entry.index)?.code?.startsWith('INVALID'),
    )
    const [first] = bad
    if (!first) return
    const arrived = new Map<number, Uint8Array>()
    for (const { index } of bad) {
      const frame = batch.frames[index - frontier.size]
      if (frame && 'bytes' in frame && frame.bytes.length <= PROVED_BYTES) arrived.set(index, frame.bytes)
    }
    const indexes = [...arrived.keys()].slice(0, PROVED_MOST)
    const code = columns.get(first.index)?.code ?? 'no entry of the format'
    const message = `${bad.length} entries from ${first.index} on are not used: ${code}`
    const proof = await publishedProof(this.#context.store, log, indexes, arrived)
    const evidence = { indexes, ...proof }
    await this.#context.alarm('malformed', author, message, { log, index: first.index, evidence })
  }

  /** Content that was left out, and that the log should have explained by now. */
  async omissions(
    { author, log }: MirrorState,
    checkpoint: SignedCheckpoint,
    overdue: readonly UnexplainedEntry[],
  ): Promise<void> {
    for (const [accused, missing] of Map.groupBy(overdue, ([, , carrier]) => carrier ?? author)) {
      const indexes = missing.map(([index]) => index)
      const seen = { indexes, checkpoint: checkpoint.note }
      // A carrier can leave content out as well as the author can: it signs nothing that would prove which of them did.
      const isCarried = accused !== author
      const evidence: Json = isCarried
        ? { carries: author, seen }
        : { ...seen, ...(await this.#omission(log, indexes)) }
      const who = isCarried ? ', by its author or by this member, which carried it here' : ''
      const what = `Content is withheld that no recall or expiry of the log names${who}`
      await this.#context.alarm('omission', accused, what, { log, evidence })
    }
  }

  /** Entries that convict their author, each with its way to a signed root. */
  async #proof(kind: AlarmKind, author: MemberId, id: string, log: LogId, index: number): Promise<{ proof?: Json }> {
    const { store } = this.#context
    if (kind === 'equivocation') {
      const logs = this.#heads.of(author).map((head) => head.log)
      const proof = await equivocationProof(store, logs, id, { log, index })
      return proof ? { proof: proof as unknown as Json } : {}
    }
    if (kind === 'misdelivered') return {}
    if (kind !== 'forged-author') return publishedProof(store, log, [index])
    const entry = await signedEntry(store, log, index)
    return entry ? { proof: { type: 'forged-author', entry } as unknown as Json } : {}
  }

  async #omission(log: LogId, [index]: readonly number[]): Promise<{ proof?: Json }> {
    const entry = index === undefined ? undefined : await signedLeaf(this.#context.store, log, index)
    return entry ? { proof: { type: 'omission', entry } as unknown as Json } : {}
  }

  /** Whether the log is offered over a link by the charters that count here now. */
  #isOfferedNow(link: MemberId, log: LogId): boolean {
    const { self } = this.#context
    const isCurrent = (alliance: string, hash: string) => hash === this.#directory.hashFor(alliance, self.member)
    return this.#signedRows.isOffered(link, log, isCurrent)
  }
}

const kindOf = (code: string | undefined): AlarmKind | undefined =>
  code === undefined ? undefined : KINDS.find(([pattern]) => pattern.test(code))?.[1]
