import type { MemberId } from '#base'
import type { Context } from '../context.ts'
import { encodeEvent, KEEPALIVE, type StreamEvent } from '../event-stream.ts'
import { inlineEntries } from './inline.ts'
import { isSameView, type Snapshots, type View } from './snapshots.ts'

/** What goes to a reader beside its own snapshots: lists that are carried, word that statements wait for it. */
export interface Beside {
  /** Events that are due now, and count as sent. */
  due(): StreamEvent[]
  /** When something is due though nothing wakes the stream. */
  nextAt(): number | undefined
}

/**
 * One reader's server-sent events: a signed snapshot whenever its own list changed, with the new entries along where they
 * are few. What the reader may see is asked anew for each batch; a slow reader gets one batch for many changes, and
 * holds up nobody.
 *
 * What goes out, and when, depends on this reader's list and on time alone. Something withheld from the reader wakes the
 * stream as well, but sends nothing and moves no deadline: else its instant could be read off the stream.
 * @see docs/wire.md, Stream
 */
export class ReaderStream {
  readonly reader: MemberId
  readonly #context: Context
  readonly #snapshots: Snapshots
  readonly #beside: Beside
  #since: number | undefined
  #shown: View | undefined
  #dirty = true
  /** The last snapshot was a step on the way to the whole list. */
  #hasMore = false
  #closed = false
  #wake: () => void = () => undefined
  #timer: unknown

  constructor(
    { context, snapshots }: { context: Context; snapshots: Snapshots },
    reader: MemberId,
    since: number | undefined,
    beside: Beside,
  ) {
    this.#context = context
    this.#beside = beside
    this.#snapshots = snapshots
    this.reader = reader
    this.#since = since
  }

  /** Something changed that this reader might see. */
  notify(): void {
    this.#dirty = true
    this.#wake()
  }

  /** There may be something beside its own snapshots. */
  wake(): void {
    this.#wake()
  }

  close(): void {
    this.#closed = true
    this.#wake()
  }

  /** Chunks to write, until closed. */
  async *chunks(ended: () => void): AsyncGenerator<Uint8Array> {
    const { now, limits } = this.#context
    let [refreshAt, keepaliveAt] = [0, 0]
    try {
      while (!this.#closed) {
        let view = this.#hasMore ? this.#snapshots.view(this.reader) : this.#dirty ? this.#changed() : undefined
        this.#dirty = false
        const beside = this.#beside.due()
        if (!view && beside.length === 0) {
          const ownAt = Math.min(refreshAt, keepaliveAt)
          const besideAt = this.#beside.nextAt() ?? Infinity
          const isDue = await this.#idle(Math.min(ownAt, besideAt) - now())
          if (this.#closed) return
          if (!isDue || besideAt < ownAt) continue
          if (refreshAt <= keepaliveAt) view = this.#snapshots.view(this.reader)
        }
        keepaliveAt = now() + limits.keepaliveMs
        if (view) refreshAt = now() + limits.pollMs
        if (view) yield await this.#batch(view)
        else if (beside.length === 0) yield KEEPALIVE
        for (const event of beside) yield encodeEvent(event)
      }
    } finally {
      this.#context.timers.clear(this.#timer)
      ended()
    }
  }

  /** What the reader may see now, where that is something else than it was shown last. */
  #changed(): View | undefined {
    const view = this.#snapshots.view(this.reader)
    return this.#shown && isSameView(this.#shown, view) ? undefined : view
  }

  /** True once the time is over, false where something woke the stream before. */
  #idle(waitMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const done = (due: boolean) => {
        this.#context.timers.clear(this.#timer)
        this.#wake = () => undefined
        resolve(due)
      }
      this.#wake = () => done(false)
      // The clock may have been set back meanwhile: never silent for longer than a keepalive.
      const wait = Math.min(Math.max(0, waitMs), this.#context.limits.keepaliveMs)
      this.#timer = this.#context.timers.set(wait, () => done(true))
    })
  }

  async #batch(view: View): Promise<Uint8Array> {
    const { envelope, given, base } = this.#snapshots.make(this.reader, this.#since, view)
    this.#since = given.sequence
    this.#shown = view
    this.#hasMore = envelope.statement['more'] === true
    const entries = base && !this.#hasMore ? await inlineEntries(this.#context, base, view.heads) : []
    const data = JSON.stringify({ snapshot: envelope, entries })
    return encodeEvent({ event: 'snapshot', id: String(given.sequence), data })
  }
}
