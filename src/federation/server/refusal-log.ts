import type { MemberId } from '#base'
import type { Context } from '../context.ts'

/** At most one line for a peer and a code in this time. */
const WINDOW_MS = 10_000

/**
 * Tells the log of refused requests without letting whoever sends them fill the disk: the first of a kind at once, then
 * one line for all that came in ten seconds, with their number. Who is no member counts as one stranger.
 */
export class RefusalLog {
  readonly #context: Context
  readonly #windows = new Map<string, { count: number; timer: unknown }>()

  constructor(context: Context) {
    this.#context = context
  }

  /** `peer` must be a member that is known, or the key would be the sender's to choose. */
  note(peer: MemberId | undefined, code: string): void {
    const key = `${peer ?? ''}/${code}`
    const open = this.#windows.get(key)
    if (open) {
      open.count++
      return
    }
    this.#tell(peer, code, 1)
    this.#open(key, peer, code)
  }

  close(): void {
    for (const { timer } of this.#windows.values()) this.#context.timers.clear(timer)
    this.#windows.clear()
  }

  #open(key: string, peer: MemberId | undefined, code: string): void {
    const window = { count: 0, timer: this.#context.timers.set(WINDOW_MS, () => this.#end(key, peer, code)) }
    this.#windows.set(key, window)
  }

  #end(key: string, peer: MemberId | undefined, code: string): void {
    const count = this.#windows.get(key)?.count ?? 0
    this.#windows.delete(key)
    if (count === 0) return
    this.#tell(peer, code, count)
    this.#open(key, peer, code)
  }

  #tell(peer: MemberId | undefined, code: string, count: number): void {
    this.#context.log('info', 'Link requests were refused', { code, count, peer: peer ?? 'a stranger' })
  }
}
