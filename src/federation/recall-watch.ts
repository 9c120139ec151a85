import type { LogId, MemberId } from '#base'
import type { Context } from './context.ts'
import type { Heads } from './heads.ts'
import type { Target } from './link-client.ts'
import type { Head } from './machine-state.ts'
import type { Mirrors } from './mirrors.ts'
import type { Recalls } from './recalls.ts'
import { takenBackBy } from './taken-back.ts'
import type { MirrorState, VerifiedEntry } from './verify.ts'

/**
 * Logs of an author that is over its quota: they are read on, verified and not kept, for the recalls in them alone. A
 * recall takes content away, so it must pass also where nothing else does. Entries up to the head of the mirror are the
 * only ones that it can take away here; the mirror itself stays where it is, and later takes the same recall in again.
 */
export class RecallWatch {
  readonly #context: Context
  readonly #heads: Heads
  readonly #recalls: Recalls
  readonly #mirrors: Mirrors
  /** How far each log was read; after a start it is read again from the head of its mirror. */
  readonly #passed = new Map<LogId, MirrorState>()

  constructor(context: Context, heads: Heads, recalls: Recalls, mirrors: Mirrors) {
    this.#mirrors = mirrors
    this.#context = context
    this.#heads = heads
    this.#recalls = recalls
  }

  /**
   * Reads a log on up to one of its author's checkpoints, and executes the recalls of what is held, on disk before it
   * resolves. Answers up to where it was read, and how many bytes that were.
   * @throws as `Mirrors.read`
   */
  async pass(from: Target, log: LogId, offered: Head): Promise<{ size: number; bytes: number }> {
    const held = await this.#mirrors.standing(from.member, log)
    const passed = this.#passed.get(log)
    const state = passed && passed.frontier.size > held.frontier.size ? passed : held
    // Until it holds: what fails is read again from the head of the mirror.
    this.#passed.delete(log)
    const { entries, next } = await this.#mirrors.read(from, state, offered)
    for (const entry of entries) await this.#execute(from.member, held, entry)
    this.#passed.set(log, next)
    return { size: next.frontier.size, bytes: entries.reduce((sum, { bytes }) => sum + (bytes?.length ?? 0), 0) }
  }

  async #execute(author: MemberId, { log, audience, frontier }: MirrorState, entry: VerifiedEntry): Promise<void> {
    const what = takenBackBy(entry, log, author)
    if (!audience || !what || (what.log === log && what.index >= frontier.size)) return
    // One by one: entries that stand apart are no batch.
    const { changes, done } = await this.#recalls.execute({ author, log, audience, entries: [entry] }, new Map())
    if (changes.length > 0) await this.#context.store.commit(changes)
    await this.#heads.refresh(what.log)
    await done()
  }

  /** What was read counts no more: the log is taken again. */
  forget(log: LogId): void {
    this.#passed.delete(log)
  }
}
