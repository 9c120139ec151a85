import { type MemberId, toHex } from '#base'
import { signLinkRequest } from '#log'
import { TIME_HEADER } from './clock-fault.ts'
import { decoded } from './content-coding.ts'
import type { Context } from './context.ts'
import { readBounded } from './bytes-bound.ts'
import { FederationError } from './error.ts'
import { LACKS_HEADER, lacksIn, PROTOCOL, PROTOCOL_HEADER, whyNotProtocol } from './protocol.ts'

const NOTHING = new Uint8Array()
/** Why an exchange is aborted that nobody waits for any more. */
const OVER = new Error('the exchange is over')

/** Where a request goes. */
export interface Target {
  member: MemberId
  address: string
  /** The author whose logs are asked of it; absent: its own. */
  carries?: MemberId
}

/** Sends signed requests to peers; every answer is bounded in bytes and time. */
export class LinkClient {
  readonly #context: Context

  constructor(context: Context) {
    this.#context = context
  }

  /** @throws FederationError LINK_UNREACHABLE, LINK_REFUSED */
  async get(to: Target, path: string, signal?: AbortSignal): Promise<Uint8Array> {
    return this.#whole(to, 'GET', path, NOTHING, signal)
  }

  /** @throws FederationError LINK_UNREACHABLE, LINK_REFUSED */
  async post(to: Target, path: string, body: Uint8Array, signal?: AbortSignal): Promise<Uint8Array> {
    return this.#whole(to, 'POST', path, body, signal)
  }

  /**
   * The chunks of an open stream; they fail when nothing comes for the idle time or `signal` aborts.
   * @throws FederationError LINK_UNREACHABLE, LINK_REFUSED
   */
  async stream(to: Target, path: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    const deadline = new Deadline(this.#context, this.#context.limits.requestTimeoutMs, signal)
    try {
      const body = await this.#send(to, 'GET', path, NOTHING, deadline)
      return this.#untilIdle(body instanceof Uint8Array ? once(body) : body, deadline)
    } catch (cause) {
      deadline.end()
      throw cause
    }
  }

  async #whole(to: Target, method: 'GET' | 'POST', path: string, body: Uint8Array, signal?: AbortSignal) {
    const deadline = new Deadline(this.#context, this.#context.limits.requestTimeoutMs, signal)
    try {
      const answer = await this.#send(to, method, path, body, deadline)
      const whole = await deadline.race(readBounded(answer, this.#context.limits.responseBodyBytes))
      deadline.settle()
      return whole
    } catch (cause) {
      deadline.end()
      throw cause instanceof FederationError ? cause : unreachable(to, cause)
    }
  }

  async #send(to: Target, method: 'GET' | 'POST', target: string, body: Uint8Array, deadline: Deadline) {
    const { self, now, random, transport } = this.#context
    const sent = now()
    const headers: Record<string, string> = signLinkRequest(
      { method, target, body },
      {
        from: self.member,
        to: to.member,
        created: Math.floor(now() / 1_000),
        nonce: toHex(random(16)),
        signer: self.nodeKey,
      },
    )
    headers[PROTOCOL_HEADER] = PROTOCOL
    // Only pages of history are compressed by peers; a proxy on the way may do so with anything.
    headers['accept-encoding'] = target.includes('/entries?') ? 'gzip' : 'identity'
    if (method === 'POST') headers['content-type'] = 'application/json'
    const request = { method, target, headers, body, signal: deadline.signal }
    const answer = await deadline.race(transport(to.address, request)).catch((cause: unknown) => {
      throw unreachable(to, cause)
    })
    const why = whyNotProtocol(answer.headers[PROTOCOL_HEADER])
    if (why !== undefined) throw new FederationError('LINK_REFUSED', `${to.address} ${why}`)
    if (answer.status === 200) return decoded(answer.body, answer.headers['content-encoding'])
    const time = Number(answer.headers[TIME_HEADER])
    const clock =
      answer.status === 401 && Number.isSafeInteger(time) && time > 0 ? { sent, time, now: now() } : undefined
    const lacks = answer.status === 503 ? lacksIn(answer.headers[LACKS_HEADER]) : []
    throw new FederationError('LINK_REFUSED', `${to.address} answered ${answer.status} to ${method} ${target}`, {
      details: { status: answer.status, ...(clock ? { clock } : {}), ...(lacks.length > 0 ? { lacks } : {}) },
    })
  }

  async *#untilIdle(body: AsyncIterable<Uint8Array>, deadline: Deadline): AsyncGenerator<Uint8Array> {
    const chunks = body[Symbol.asyncIterator]()
    try {
      while (true) {
        deadline.extend(this.#context.limits.streamIdleMs)
        const { done, value } = await deadline.race(chunks.next())
        if (done) return
        yield value
      }
    } finally {
      deadline.end()
      // The transport may hang in its own clean-up; nobody waits for it.
      void chunks.return?.().catch(() => undefined)
    }
  }
}

/** Aborts an exchange when its time is over or the caller gives up, also where the transport ignores its signal. */
class Deadline {
  readonly #context: Context
  readonly #abort = new AbortController()
  #timer: unknown
  /** Fails the wait in progress; there is one at a time, and no promise that collects all the waits of a long stream. */
  #fail: (cause: unknown) => void = () => undefined
  #outer: AbortSignal | undefined
  #stop = () => this.#abort.abort(new Error('the caller gave up'))

  constructor(context: Context, ms: number, outer?: AbortSignal) {
    this.#context = context
    this.#outer = outer
    this.#abort.signal.addEventListener('abort', () => this.#fail(this.#abort.signal.reason), { once: true })
    if (outer?.aborted) this.#stop()
    outer?.addEventListener('abort', this.#stop, { once: true })
    this.extend(ms)
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  extend(ms: number): void {
    this.#context.timers.clear(this.#timer)
    this.#timer = this.#context.timers.set(ms, () => this.#abort.abort(new Error(`no answer within ${ms} ms`)))
  }

  race<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#fail = reject
      if (this.#abort.signal.aborted) reject(this.#abort.signal.reason as Error)
      work.then(resolve, reject)
    })
  }

  /** The exchange came to its end: nothing of it is open any more. */
  settle(): void {
    this.#context.timers.clear(this.#timer)
    this.#outer?.removeEventListener('abort', this.#stop)
  }

  /** Ends the exchange: whatever is still open of it is aborted. */
  end(): void {
    this.settle()
    this.#abort.abort(OVER)
  }
}

async function* once(body: Uint8Array) {
  yield body
}

function unreachable(to: Target, cause: unknown): FederationError {
  const why = cause instanceof Error ? cause.message : String(cause)
  return new FederationError('LINK_UNREACHABLE', `${to.address} can't be reached: ${why}`, { cause })
}
