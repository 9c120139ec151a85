import type { MemberId, Millis } from '#base'
import type { CharterDirectory } from '../directory.ts'
import { carriedLink, carriersBetween, namedCarriers } from './carriers.ts'

/** How long an author may be out of reach until its carriers are asked: a restart or a moment's cut needs none. */
const REACH_AFTER_MS = 1_500

/** Who is read through whom. */
export interface Carrying {
  readonly author: MemberId
  readonly carrier: MemberId
}

/** Authors that have been out of reach for a while, and who may carry from them. */
export class OutOfReach {
  readonly #directory: CharterDirectory
  readonly #missed = new Map<MemberId, Millis>()

  constructor(directory: CharterDirectory) {
    this.#directory = directory
  }

  /** Pairs by the name of their link; none, and nothing looked at, where no charter names a carrier. */
  carryings(up: () => readonly MemberId[], now: Millis): Map<MemberId, Carrying> {
    const register = this.#directory.register()
    const wanted = new Map<MemberId, Carrying>()
    if (namedCarriers(register).length === 0) return wanted
    const { self } = this.#directory
    const isUp = new Set(up())
    for (const { id: author } of this.#directory.members()) {
      if (author === self) continue
      if (isUp.has(author)) {
        this.#missed.delete(author)
        continue
      }
      const since = this.#missed.get(author) ?? now
      this.#missed.set(author, since)
      if (now - since < REACH_AFTER_MS) continue
      for (const carrier of carriersBetween(register, [author, self]))
        wanted.set(carriedLink(author, carrier), { author, carrier })
    }
    return wanted
  }

  /** When the next author has been out of reach for long enough; Infinity where none is about to be. */
  nextAt(now: Millis): Millis {
    const due = [...this.#missed.values()].map((since) => since + REACH_AFTER_MS).filter((at) => at > now)
    return Math.min(Infinity, ...due)
  }
}
