import { type MemberId, toBase64 } from '#base'
import { encodeFrame, type Frame } from '#log'
import type { LogHead, StoredEntry } from '#store'
import type { Context } from '../context.ts'
import { encodeEvent, KEEPALIVE } from '../event-stream.ts'
import type { Given, Snapshots } from './snapshots.ts'

/**
 * One reader's server-sent events: a signed snapshot whenever something changed, with the new entries along where they
 * are few. What the reader may see is asked anew for each batch; a slow reader gets one batch for many changes, and
 * holds up nobody.
 * @see docs/wire.md, Stream
 */
export class ReaderStream {
  readonly reader: MemberId
  readonly #context: Context
  readonly #snapshots: Snapshots
  #since: number | undefined
  #dirty = true
  #closed = false
  #wake: () => void = () => undefined
  #timer: unknown

  constructor(context: Context, snapshots: Snapshots, reader: MemberId, since: number | undefined) {
    this.#context = context
    this.#snapshots = snapshots
    this.reader = reader
    this.#since = since
  }

  /** Something changed that this reader might see. */
  notify(): void {
    this.#dirty = true
    this.#wake()
  }

  close(): void {
    this.#closed = true
    this.#wake()
  }

  /** Chunks to write, until closed. */
  async *chunks(ended: () => void): AsyncGenerator<Uint8Array> {
    try {
      let refresh = this.#context.now() + this.#context.limits.pollMs
      while (!this.#closed) {
        if (this.#dirty || this.#context.now() >= refresh) {
          this.#dirty = false
          refresh = this.#context.now() + this.#context.limits.pollMs
          yield await this.#batch()
        } else if (await this.#idle()) yield KEEPALIVE
      }
    } finally {
      this.#context.timers.clear(this.#timer)
      ended()
    }
  }

  /** True when the keepalive is due. */
  #idle(): Promise<boolean> {
    return new Promise((resolve) => {
      const done = (due: boolean) => {
        this.#context.timers.clear(this.#timer)
        this.#wake = () => undefined
        resolve(due)
      }
      this.#wake = () => done(false)
      this.#timer = this.#context.timers.set(this.#context.limits.keepaliveMs, () => done(true))
    })
  }

  async #batch(): Promise<Uint8Array> {
    const { envelope, heads, given, base } = this.#snapshots.make(this.reader, this.#since)
    this.#since = given.sequence
    const entries = base ? await this.#inline(base, heads) : []
    const data = JSON.stringify({ snapshot: envelope, entries })
    return encodeEvent({ event: 'snapshot', id: String(given.sequence), data })
  }

  /** New entries of changed logs with their checkpoints, as far as they fit; the reader fetches the others. */
  async #inline(base: Given, heads: readonly LogHead[]) {
    let left = this.#context.limits.inlineBytes
    const known = new Map(base.logs.map((row) => [row.log, row.size]))
    const inline: { log: string; from: number; checkpoint: string; frames: string }[] = []
    for (const head of heads) {
      const from = known.get(head.log) ?? 0
      if (head.size <= from || head.size - from > this.#context.limits.pageEntries || left <= 0) continue
      const stored = await this.#context.store.entries(head.log, from, head.size, left)
      if (stored.length < head.size - from) continue
      const frames = framesOf(stored)
      left -= frames.length
      if (left < 0) continue
      inline.push({ log: head.log, from, checkpoint: head.checkpoint, frames: toBase64(frames) })
    }
    return inline
  }
}

/** Entries as they go over the wire: content withheld or purged is a stub. */
export function framesOf(entries: readonly StoredEntry[]): Uint8Array {
  return Buffer.concat(entries.map((entry) => encodeFrame(toFrame(entry))))
}

/** The frame of a stored entry. */
export function toFrame(entry: StoredEntry): Frame {
  return entry.bytes ? { bytes: entry.bytes } : { leaf: Buffer.from(entry.leaf, 'hex') }
}
