import { fromHex, type Hash, type LogId, type MemberId, toHex } from '#base'
import { type Frame, leafHash, Possession, signStatement } from '#log'
import type { Context } from './context.ts'
import type { Heads } from './heads.ts'
import type { Outbox } from './outbox.ts'

const COLLECTION = 'receipted'
/** How long what authors have taken waits to be noted: losing it costs a receipt that is sent again. */
const NOTE_AFTER_MS = 1_000
const READ_BYTES = 4 * 1_024 * 1_024

/** Receipts of this node for the logs of others: proof of possession once a batch is durable. @see WIRE, Receipts */
export class SentReceipts {
  readonly #context: Context
  readonly #heads: Heads
  readonly #outbox: Outbox
  readonly #taken = new Map<LogId, number>()
  readonly #unnoted = new Set<LogId>()
  #timer: unknown

  private constructor(context: Context, heads: Heads, outbox: Outbox) {
    this.#context = context
    this.#heads = heads
    this.#outbox = outbox
  }

  static async open(context: Context, heads: Heads, outbox: Outbox): Promise<SentReceipts> {
    const receipts = new SentReceipts(context, heads, outbox)
    for await (const { key, value } of context.store.records<number>(COLLECTION)) receipts.#taken.set(key, value)
    return receipts
  }

  /** Receipts for what was durable before the last stop and is not known to have arrived. */
  async resume(): Promise<void> {
    for (const head of this.#heads.all()) {
      const from = this.#taken.get(head.log) ?? 0
      if (head.own || from >= head.size) continue
      const { author, log, size, root } = head
      await this.#proveStored(author, log, from, size, root)
    }
  }

  /** The batch [from, size) of a mirror is durable. */
  prove(author: MemberId, log: LogId, from: number, size: number, root: Hash, frames: readonly Frame[]): void {
    const possession = new Possession(this.#context.self.member, log)
    const stubs: number[] = []
    possession.add(frames)
    for (const [offset, frame] of frames.entries()) if ('leaf' in frame) stubs.push(from + offset)
    this.#send(author, { log, from, size, root, possession: possession.digest(), stubs })
  }

  async note(): Promise<void> {
    this.#context.timers.clear(this.#timer)
    this.#timer = undefined
    const logs = [...this.#unnoted]
    this.#unnoted.clear()
    if (logs.length === 0) return
    await this.#context.store.commit(
      logs.map((log) => ({ op: 'put', collection: COLLECTION, key: log, value: this.#taken.get(log) ?? 0 })),
    )
  }

  async #proveStored(author: MemberId, log: LogId, from: number, size: number, root: Hash): Promise<void> {
    const possession = new Possession(this.#context.self.member, log)
    const stubs: number[] = []
    for (let at = from; at < size;) {
      const entries = await this.#context.store.entries(log, at, size, READ_BYTES)
      if (entries.length === 0) return
      const rotten = entries.find(({ bytes, leaf }) => bytes && toHex(leafHash(bytes)) !== leaf)
      if (rotten) {
        // A receipt that names what the disk no longer holds would convict this node of a lie.
        const { index } = rotten
        this.#context.log('error', 'An entry is damaged, and no receipt is given; run noroshi fsck', { log, index })
        return
      }
      possession.add(entries.map(({ bytes, leaf }) => (bytes ? { bytes } : { leaf: fromHex(leaf, 32) })))
      for (const { index, bytes } of entries) if (!bytes) stubs.push(index)
      at += entries.length
    }
    this.#send(author, { log, from, size, root, possession: possession.digest(), stubs })
  }

  #send(
    author: MemberId,
    proof: { log: LogId; from: number; size: number; root: Hash; possession: Hash; stubs: number[] },
  ): void {
    const { self, now } = this.#context
    const envelope = signStatement('received', { member: self.member, ...proof, time: now() }, [self.nodeKey])
    this.#outbox.offer(author, envelope, () => this.#arrived(proof.log, proof.size))
  }

  #arrived(log: LogId, size: number): void {
    this.#taken.set(log, Math.max(size, this.#taken.get(log) ?? 0))
    this.#unnoted.add(log)
    this.#timer ??= this.#context.timers.set(NOTE_AFTER_MS, () => {
      this.note().catch((cause: unknown) =>
        this.#context.log('error', 'Noting receipts failed', { cause: String(cause) }),
      )
    })
  }
}
