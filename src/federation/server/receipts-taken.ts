import type { Hash, Json, LogId, MemberId, Millis } from '#base'
import { type Envelope, type Frame, leafHash, parseEnvelope, Possession, verifyStatement } from '#log'
import type { Change, LogHead } from '#store'
import type { Receipt, RecallAck } from '../api.ts'
import type { Forwarded } from '../carriage/forwarded.ts'
import type { Context } from '../context.ts'
import type { CharterDirectory } from '../directory.ts'
import type { Heads } from '../heads.ts'
import { raiseFalseReceipt } from '../evidence/false-receipt.ts'
import { CLOCK_AHEAD_MS } from '../limits.ts'
import type { Access } from './access.ts'

const RECEIPTS = 'receipts'
const ACKS = 'recall-acks'
/** Receipts of one member in which the one that covers an entry is looked for; it is among the first, as batches follow each other. */
const COVERING_LOOKED = 100
const READ_BYTES = 4 * 1_024 * 1_024

/** Why a receipt was not taken. */
export type RefusalCode = 'FORM' | 'FULL' | 'SIGNATURE' | 'MEMBER' | 'LOG' | 'RANGE' | 'ROOT' | 'POSSESSION' | 'TIME'

interface ReceiptRow {
  kind: 'received' | 'armed'
  envelope: Envelope
  arrived: Millis
  verified: boolean
  /** The carrier that brought it. */
  via?: MemberId
}

interface AckRow {
  envelope: Envelope
  arrived: Millis
  via?: MemberId
}

type Taken = { code: RefusalCode } | { code?: undefined; changes: Change[]; tell: () => void }

/**
 * Receipts of other members for this author's logs: checked on arrival, kept with the author's own time of arrival
 * beside the claimed one.
 * @see WIRE, Receipts
 */
export class TakenReceipts {
  readonly #context: Context
  readonly #directory: CharterDirectory
  readonly #heads: Heads
  readonly #access: Access
  readonly #forwarded: Forwarded
  /** How far each member has proved each log: entries are hashed again once for each member, not for each request. */
  readonly #proved = new Map<string, number>()

  constructor(context: Context, directory: CharterDirectory, heads: Heads, access: Access, forwarded: Forwarded) {
    this.#forwarded = forwarded
    this.#context = context
    this.#directory = directory
    this.#heads = heads
    this.#access = access
  }

  /** Takes envelopes of one member; answers how many, and why not the others. */
  async take(sender: MemberId, envelopes: readonly Json[]) {
    const refused: { index: number; code: RefusalCode }[] = []
    const changes: Change[] = []
    const tell: (() => void)[] = []
    for (const [index, envelope] of envelopes.entries()) {
      const taken = await this.#takeOne(sender, envelope)
      if (taken.code !== undefined) refused.push({ index, code: taken.code })
      else {
        changes.push(...taken.changes)
        tell.push(taken.tell)
      }
    }
    if (changes.length > 0) await this.#context.store.commit(changes)
    for (const event of tell) event()
    return { accepted: envelopes.length - refused.length, refused }
  }

  /** Receipts kept, by arrival. */
  async list(log?: LogId): Promise<Receipt[]> {
    const rows = this.#context.store.records(RECEIPTS, log === undefined ? {} : { prefix: `${log}/` })
    const receipts = await Array.fromAsync(rows, ({ value }) => toReceipt(value as unknown as ReceiptRow))
    return receipts.sort((a, b) => a.arrived - b.arrived)
  }

  /** For each of these members, the first good receipt of each kind that covers an entry, with its arrival here. */
  async covering(
    log: LogId,
    index: number,
    members: ReadonlySet<string>,
  ): Promise<{ envelope: Envelope; arrived: Millis }[]> {
    const found: { envelope: Envelope; arrived: Millis }[] = []
    for (const member of members)
      for (const kind of ['received', 'armed']) {
        const prefix = `${log}/${member}/${kind}/`
        // Keys ascend by size: what comes after this one reaches beyond the entry.
        const options = { prefix, after: `${prefix}${pad(index)}/~`, limit: COVERING_LOOKED }
        const rows = await this.#context.store.recordPage(RECEIPTS, options)
        const kept = rows.map(({ value }) => toReceipt(value as unknown as ReceiptRow))
        const first = kept.find(({ from, verified }) => verified && from <= index)
        if (first) found.push({ envelope: first.envelope, arrived: first.arrived })
      }
    return found
  }

  async acks(log: LogId, index: number): Promise<RecallAck[]> {
    const rows = this.#context.store.records(ACKS, { prefix: `${log}/${pad(index)}/` })
    return Array.fromAsync(rows, ({ value }) => toAck(value as unknown as AckRow))
  }

  async #takeOne(sender: MemberId, value: Json): Promise<Taken> {
    let envelope: Envelope
    try {
      envelope = parseEnvelope(value)
    } catch {
      return { code: 'FORM' }
    }
    const { type, member, log, time } = envelope.statement as {
      type: string
      member: MemberId
      log: LogId
      time: Millis
    }
    if (type !== 'received' && type !== 'armed' && type !== 'recall-ack') return { code: 'FORM' }
    const via = member === sender ? undefined : sender
    if (via && !this.#forwarded.mayBring(via, member)) return { code: 'MEMBER' }
    if (time > this.#context.now() + CLOCK_AHEAD_MS) return { code: 'TIME' }
    try {
      verifyStatement(envelope, type, this.#directory.nodeKeys(member, time))
    } catch {
      return { code: 'SIGNATURE' }
    }
    const head = this.#heads.get(log)
    // Foreign, unknown and not admitted are one answer: a receipt is no way to ask which logs exist.
    if (!head || (via && !this.#access.admits(head, via))) return { code: 'LOG' }
    if (!head.own) {
      const code = await this.#forwarded.take(head, member, envelope)
      return code === undefined ? { changes: [], tell: () => undefined } : { code }
    }
    if (!this.#access.admits(head, member) && !(await this.#hasReceived(log, member))) return { code: 'LOG' }
    if (type === 'recall-ack') return this.#takeAck(head, envelope, via)
    return this.#takeReceipt(type, head, envelope, via)
  }

  async #takeReceipt(
    kind: 'received' | 'armed',
    head: LogHead,
    envelope: Envelope,
    via: MemberId | undefined,
  ): Promise<Taken> {
    const { member, from, size } = envelope.statement as unknown as { member: MemberId; from: number; size: number }
    if (size > head.size) return { code: 'RANGE' }
    const key = `${head.log}/${member}/${kind}/${pad(size)}/${pad(from)}`
    if (await this.#context.store.record(RECEIPTS, key)) return { changes: [], tell: () => undefined }
    const verified = kind === 'armed' ? true : await this.#checkPossession(head, envelope)
    if (verified === 'ROOT' || verified === 'POSSESSION') {
      await raiseFalseReceipt(this.#context, head.log, envelope, verified)
      return { code: verified }
    }
    const row: ReceiptRow = { kind, envelope, arrived: this.#context.now(), verified, ...(via ? { via } : {}) }
    return {
      changes: [{ op: 'put', collection: RECEIPTS, key, value: row as unknown as Json }],
      tell: () => this.#context.emit('receipt', toReceipt(row)),
    }
  }

  async #checkPossession(head: LogHead, envelope: Envelope): Promise<boolean | 'ROOT' | 'POSSESSION'> {
    const { member, from, size, root, possession, stubs } = envelope.statement as unknown as {
      member: MemberId
      from: number
      size: number
      root: Hash
      possession: Hash
      stubs: number[]
    }
    const known = size === head.size ? head.root : await this.#context.store.root(head.log, size)
    if (root !== known) return 'ROOT'
    const key = `${head.log}/${member}`
    // Proved before, and claimed again under another range: taken, but not hashed again.
    if (size <= (this.#proved.get(key) ?? 0)) return true
    const prover = new Possession(member, head.log)
    const held = new Set(stubs)
    for (let at = from; at < size;) {
      const kept = await this.#context.store.frames(head.log, at, size, READ_BYTES)
      if (kept.length === 0) return false
      const claimed: Frame[] = []
      for (const [offset, frame] of kept.entries()) {
        if (held.has(at + offset)) claimed.push('bytes' in frame ? { leaf: leafHash(frame.bytes) } : frame)
        // Recalled here in the meantime: the recipient may well have had it, but this author can't tell any more.
        else if ('leaf' in frame) return false
        else claimed.push(frame)
      }
      prover.add(claimed)
      at += kept.length
    }
    if (prover.digest() !== possession) return 'POSSESSION'
    this.#proved.set(key, size)
    return true
  }

  async #takeAck(head: LogHead, envelope: Envelope, via: MemberId | undefined): Promise<Taken> {
    const { member, index, leaf, purged } = envelope.statement as unknown as RecallAck & { leaf: Hash }
    const [entry] = index < head.size ? await this.#context.store.entries(head.log, index, index + 1) : []
    if (!entry || entry.leaf !== leaf) return { code: 'RANGE' }
    const key = `${head.log}/${pad(index)}/${member}/${purged === null ? 'withheld' : 'purged'}`
    if (await this.#context.store.record(ACKS, key)) return { changes: [], tell: () => undefined }
    const row: AckRow = { envelope, arrived: this.#context.now(), ...(via ? { via } : {}) }
    return {
      changes: [{ op: 'put', collection: ACKS, key, value: row as unknown as Json }],
      tell: () => this.#context.emit('recallAcknowledged', toAck(row)),
    }
  }

  async #hasReceived(log: LogId, member: MemberId): Promise<boolean> {
    return (await this.#context.store.recordPage(RECEIPTS, { prefix: `${log}/${member}/`, limit: 1 })).length > 0
  }
}

function toReceipt({ kind, envelope, arrived, verified, via }: ReceiptRow): Receipt {
  const { member, log, from, size, time, refused } = envelope.statement as unknown as Receipt & { time: Millis }
  const more = { ...(refused ? { refused } : {}), ...(via ? { via } : {}) }
  return { kind, member, log, from, size, claimed: time, arrived, verified, ...more, envelope }
}

function toAck({ envelope, arrived, via }: AckRow): RecallAck {
  const { member, log, index, withheld, purged } = envelope.statement as unknown as RecallAck
  return { member, log, index, withheld, purged, arrived, ...(via ? { via } : {}), envelope }
}

const pad = (n: number) => String(n).padStart(12, '0')
