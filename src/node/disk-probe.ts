import { randomBytes } from 'node:crypto'
import type { Millis } from '#base'
import type { Store } from '#store'

/** How long an answer stands, so that a load balancer's questions cost one write a second at most. */
const ANSWER_MS = 1_000
/** Bytes that a healthy disk is asked to take. */
const PROBE_BYTES = 4_096
/** Bytes that it is asked to take after it refused a publication: about as much as the commit of a large one. */
const LARGE_PROBE_BYTES = 1_048_576
const COLLECTION = 'disk-probe'

/** What the probe is handed. */
export interface DiskProbeOptions {
  store: Store
  now: () => Millis
  /** When the disk last refused what this node was to publish. */
  refused: () => Millis | undefined
}

/** Finds out by writing whether the data directory's disk takes writes. */
export class DiskProbe {
  readonly #o: DiskProbeOptions
  #answer: { until: Millis; refused: Millis | undefined; takes: Promise<boolean> } | undefined
  /** The refusal after which the disk took a large probe. */
  #overcome: Millis | undefined

  constructor(options: DiskProbeOptions) {
    this.#o = options
  }

  /** Whether the disk takes writes, as of a second ago at most. */
  takesWrites(): Promise<boolean> {
    const now = this.#o.now()
    const refused = this.#o.refused()
    if (!this.#answer || now >= this.#answer.until || refused !== this.#answer.refused)
      this.#answer = { until: now + ANSWER_MS, refused, takes: this.#write(refused) }
    return this.#answer.takes
  }

  async #write(refused: Millis | undefined): Promise<boolean> {
    const isLarge = refused !== this.#overcome
    try {
      await this.#put(isLarge ? LARGE_PROBE_BYTES : PROBE_BYTES)
      if (isLarge) await this.#put(PROBE_BYTES)
      this.#overcome = refused
      return true
    } catch {
      return false
    }
  }

  async #put(bytes: number): Promise<void> {
    const value = randomBytes(bytes / 2).toString('hex')
    await this.#o.store.commit([{ op: 'put', collection: COLLECTION, key: 'last', value }])
  }
}
