import type { MemberId } from '#base'
import type { Context } from '../context.ts'
import { encodeEvent, KEEPALIVE } from '../event-stream.ts'
import { inlineEntries } from './inline.ts'
import { isSameView, type Snapshots, type View } from './snapshots.ts'

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
  #since: number | undefined
  #shown: View | undefined
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
    const { now, limits } = this.#context
    let [refreshAt, keepaliveAt] = [0, 0]
    try {
      while (!this.#closed) {
        let view = this.#dirty ? this.#changed() : undefined
        this.#dirty = false
        if (!view) {
          const isDue = await this.#idle(Math.min(refreshAt, keepaliveAt) - now())
          if (this.#closed) return
          if (!isDue) continue
          if (refreshAt <= keepaliveAt) view = this.#snapshots.view(this.reader)
        }
        keepaliveAt = now() + limits.keepaliveMs
        if (view) refreshAt = now() + limits.pollMs
        yield view ? await this.#batch(view) : KEEPALIVE
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
    const entries = base ? await inlineEntries(this.#context, base, view.heads) : []
    const data = JSON.stringify({ snapshot: envelope, entries })
    return encodeEvent({ event: 'snapshot', id: String(given.sequence), data })
  }
}
