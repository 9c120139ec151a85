import type { MemberId, Millis } from '#base'
import type { Context } from '../context.ts'

/** What a peer may take at once: a first sync, at the speed of the network. */
const BURST_SECONDS = 16
/** Requests of one peer that wait for their turn; more are refused. */
const WAITING_MOST = 8
/** Longest wait: peers give up after 15 s. */
const WAIT_MOST_MS = 10_000

interface Bucket {
  left: number
  at: Millis
  waiting: number
}

/**
 * Bytes that each peer is answered with: a peer that takes more than its rate waits for its next answer, and costs the
 * others nothing. An answer is paid for after it was given, so that none is too large.
 */
export class ServedBytes {
  readonly #context: Pick<Context, 'now' | 'timers' | 'limits'>
  readonly #buckets = new Map<MemberId, Bucket>()

  constructor(context: Pick<Context, 'now' | 'timers' | 'limits'>) {
    this.#context = context
  }

  /** Resolves when the peer may be answered; false where too many of its requests wait already, or too long. */
  async turn(peer: MemberId): Promise<boolean> {
    const bucket = this.#bucket(peer)
    if (bucket.left > 0) return true
    const waitMs = Math.ceil(((1 - bucket.left) / this.#context.limits.peerBytesPerSecond) * 1_000)
    if (bucket.waiting >= WAITING_MOST || waitMs > WAIT_MOST_MS) return false
    bucket.waiting++
    try {
      await new Promise<void>((resolve) => this.#context.timers.set(waitMs, resolve))
    } finally {
      bucket.waiting--
    }
    return this.#bucket(peer).left > 0 || this.turn(peer)
  }

  /** The peer was answered with so many bytes. */
  spent(peer: MemberId, bytes: number): void {
    this.#bucket(peer).left -= bytes
  }

  #bucket(peer: MemberId): Bucket {
    const { now, limits } = this.#context
    const most = limits.peerBytesPerSecond * BURST_SECONDS
    const bucket = this.#buckets.get(peer) ?? { left: most, at: now(), waiting: 0 }
    this.#buckets.set(peer, bucket)
    const seconds = Math.max(0, now() - bucket.at) / 1_000
    bucket.left = Math.min(most, bucket.left + seconds * limits.peerBytesPerSecond)
    bucket.at = now()
    return bucket
  }
}
