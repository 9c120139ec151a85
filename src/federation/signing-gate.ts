import type { Store } from '#store'
import { FederationError } from './error.ts'
import type { Timers } from './api.ts'
import { systemTimers } from './timers.ts'

/** How long an append waits for peers to be asked: longer than an ordinary start asks. */
const APPEND_WAIT_MS = 5_000

/**
 * Keeps a node from signing while it doesn't know whether its peers hold more of its own logs than it does itself: until
 * it opens, nothing is appended.
 * @see docs/wire.md, Heads
 */
export class SigningGate {
  /** Whether the data directory was restored from a backup and has asked nobody yet. */
  readonly isRestored: boolean
  readonly #timers: Timers
  readonly #opened = Promise.withResolvers<void>()
  #isOpen = false

  constructor(isRestored: boolean, timers: Timers = systemTimers) {
    this.isRestored = isRestored
    this.#timers = timers
  }

  /** Why nothing is signed; undefined once it is. */
  get why(): string | undefined {
    if (this.#isOpen) return undefined
    const asks = 'asking peers which checkpoints they hold of this node’s logs; nothing is signed until then'
    return this.isRestored ? `Restored from a backup: ${asks}.` : `Starting: ${asks}.`
  }

  open(): void {
    this.#isOpen = true
    this.#opened.resolve()
  }

  /**
   * Resolves once it is open: an ordinary start is waited for, a restored node says at once what it waits for.
   * @throws FederationError RESTORE_ASKING
   */
  async passed(): Promise<void> {
    if (this.#isOpen) return
    const wait = this.isRestored ? 0 : APPEND_WAIT_MS
    const late = Promise.withResolvers<void>()
    const timer = this.#timers.set(wait, late.resolve)
    await Promise.race([this.#opened.promise, late.promise])
    this.#timers.clear(timer)
    if (!this.#isOpen) throw new FederationError('RESTORE_ASKING', this.why ?? '')
  }

  /** The store as everybody but the restore itself gets it: appends wait. */
  guard<S extends Store>(store: S): S {
    return {
      ...store,
      commit: async (changes) => {
        if (changes.some(({ op }) => op === 'append')) await this.passed()
        return store.commit(changes)
      },
    }
  }
}
