import type { Millis } from '#base'
import { NodeError } from './errors.ts'

const MINUTE_MS = 60_000
/** What a body counts whose length is not told before it comes. */
const UNTOLD_BYTES = 1_048_576

/** Requests and bytes of one client, as far as they were not worked off by time. */
interface Account {
  requests: number
  bytes: number
  at: Millis
}

/**
 * What each client of this node may ask and send in a minute, over all its tokens: a client that floods waits, the others
 * and the node's own people do not.
 */
export class ClientRates {
  readonly #accounts = new Map<string, Account>()
  readonly #limits: { requests: number; bytes: number }
  readonly #now: () => Millis

  constructor(limits: { requests: number; bytes: number }, now: () => Millis) {
    this.#limits = limits
    this.#now = now
  }

  /** Counts a request; answers the seconds that the client must wait, 0 where it need not: then it counts. */
  take(org: string, bytes: number | undefined): number {
    const { requests, bytes: most } = this.#limits
    const now = this.#now()
    const before = this.#accounts.get(org) ?? { requests: 0, bytes: 0, at: now }
    const share = Math.max(0, now - before.at) / MINUTE_MS
    const account = {
      requests: Math.max(0, before.requests - requests * share),
      bytes: Math.max(0, before.bytes - most * share),
      at: now,
    }
    this.#accounts.set(org, account)
    const over = Math.max((account.requests + 1 - requests) / requests, (account.bytes - most) / most)
    if (over > 0) return Math.max(1, Math.ceil(over * 60))
    account.requests++
    account.bytes += bytes ?? UNTOLD_BYTES
    return 0
  }
}

/** @throws RATE_LIMITED where a client must wait */
export function assertRate(
  rates: ClientRates,
  org: string,
  headers: Readonly<Record<string, string | string[] | undefined>>,
  tell: (seconds: number) => void,
): void {
  const length = headers['content-length']
  const bytes = headers['transfer-encoding'] === undefined ? Number(length ?? 0) : undefined
  const seconds = rates.take(org, bytes)
  if (seconds === 0) return
  tell(seconds)
  throw new NodeError('RATE_LIMITED', `This organisation asked or sent more than its share; wait ${seconds} s.`)
}
