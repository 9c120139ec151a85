import type { Json, LogId, MemberId, Millis } from '#base'
import { LogError, SNAPSHOT_FRESH_MS } from '#log'
import type { AlarmKind } from '../api.ts'
import type { Context } from '../context.ts'
import type { CharterDirectory } from '../directory.ts'
import { FederationError } from '../error.ts'
import type { SignedRows } from '../evidence/signed-rows.ts'
import { MirrorFault } from '../mirror-state.ts'
import { carriedLink } from './carriers.ts'
import type { Carrying } from './out-of-reach.ts'

/** How long a carrier may not give a log that stands in the list it brought, until that is called withholding. */
const WITHHELD_AFTER_MS = 15_000

/**
 * Alarms about carriers, each told once in a while. What an author signed is its own; what it did not sign so, what is
 * older than what was shown, and what is not given is said of the carrier, beside what the author signed.
 */
export class CarrierFaults {
  readonly #context: Context
  readonly #directory: CharterDirectory
  readonly #signedRows: SignedRows
  readonly #told = new Map<string, Millis>()
  /** Since when logs are not given. */
  readonly #missing = new Map<string, Millis>()

  constructor(context: Context, directory: CharterDirectory, signedRows: SignedRows) {
    this.#context = context
    this.#directory = directory
    this.#signedRows = signedRows
  }

  /** A snapshot was refused. Clocks that differ, and lists that don't fit each other, are nobody's fault. */
  async refused(of: Carrying, cause: unknown, shown: Json | undefined): Promise<void> {
    if (!(cause instanceof LogError) || cause.code === 'SNAPSHOT_BASE' || cause.code === 'SNAPSHOT_AHEAD') return
    const kinds: Partial<Record<string, AlarmKind>> = {
      SIGNATURE_INVALID: 'bad-signature',
      SNAPSHOT_REPLAYED: 'rollback',
    }
    const evidence = { carries: of.author, shown: shown ?? null }
    const message = `${this.#slugOf(of.carrier)}, which carries ${this.#slugOf(of.author)}: ${cause.message}`
    await this.#tell(of, cause.code, kinds[cause.code] ?? 'bad-answer', message, { evidence })
  }

  /** A log that stands in the list was not given, or not as it was signed: carriers hold what the lists they show name. */
  async missed(of: Carrying, log: LogId, cause: unknown): Promise<void> {
    const isRefused = cause instanceof FederationError && cause.details['status'] === 404
    if (!isRefused && !(cause instanceof MirrorFault)) return
    const key = `${carriedLink(of.author, of.carrier)}/${log}`
    const now = this.#context.now()
    const first = this.#missing.get(key) ?? now
    this.#missing.set(key, first)
    if (now - first < WITHHELD_AFTER_MS) return
    const snapshot = this.#signedRows.of(carriedLink(of.author, of.carrier), log)
    const evidence = { carries: of.author, snapshot: (snapshot ?? null) as unknown as Json }
    const message = `${this.#slugOf(of.carrier)} does not give a log that stands in the list of ${this.#slugOf(of.author)} which it carries`
    await this.#tell(of, log, 'omission', message, { log, evidence })
  }

  /** A log was given. */
  given({ author, carrier }: Carrying, log: LogId): void {
    this.#missing.delete(`${carriedLink(author, carrier)}/${log}`)
  }

  /** Nothing fresh of the author comes; which of the two is silent can't be told. */
  async silent({ author, carrier }: Carrying, what: 'has expired' | 'never came'): Promise<void> {
    const [from, by] = [this.#slugOf(author), this.#slugOf(carrier)]
    const message = `The list of ${from} that ${by} carries ${what}: ${from} does not reach ${by}, or ${by} holds it back`
    await this.#context.alarm('stale', carrier, message)
  }

  async #tell(of: Carrying, what: string, kind: AlarmKind, message: string, more: { log?: LogId; evidence: Json }) {
    const key = `${carriedLink(of.author, of.carrier)}/${what}`
    const now = this.#context.now()
    if (now - (this.#told.get(key) ?? -Infinity) < SNAPSHOT_FRESH_MS) return
    this.#told.set(key, now)
    await this.#context.alarm(kind, of.carrier, message, more)
  }

  #slugOf(member: MemberId): string {
    return this.#directory.member(member)?.slug ?? member
  }
}
