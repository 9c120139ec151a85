import type { FastifyReply } from 'fastify'

/** Bytes of answers that wait to be read, over all callers, and of one token. */
const ALL_BYTES = 268_435_456
const TOKEN_BYTES = 67_108_864
/** A caller that reads nothing for so long is let go. */
const STALLED_MS = 30_000

/** Bounds what slow readers cost: memory by bytes, time by progress. */
export class InFlight {
  #all = 0
  readonly #byToken = new Map<string, number>()

  /** Counts an answer until its connection is done with it; false where there is no room for it. */
  add(reply: FastifyReply, token: string, bytes: number): boolean {
    const own = this.#byToken.get(token) ?? 0
    const isFirst = own === 0
    if (this.#all + bytes > ALL_BYTES || (!isFirst && own + bytes > TOKEN_BYTES)) return false
    this.#all += bytes
    this.#byToken.set(token, own + bytes)
    reply.raw.setTimeout(STALLED_MS, () => reply.raw.destroy())
    reply.raw.once('close', () => {
      this.#all -= bytes
      const left = (this.#byToken.get(token) ?? 0) - bytes
      if (left > 0) this.#byToken.set(token, left)
      else this.#byToken.delete(token)
    })
    return true
  }
}
