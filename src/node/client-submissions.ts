/**
 * What an organisation of which this node is the provider may know of versions that stand here: those in logs that it may
 * read, and those that it submitted itself. A version that is kept from it answers its submissions as an absent one does.
 * @see SHARING-RULES section 6
 */
import { createHash } from 'node:crypto'
import { canonicalJson, type Hash, type Json, type JsonObject, type LogId, toHex, utf8 } from '#base'
import type { Change, LogHead, ObjectRow, Store } from '#store'
import type { Place, Planned } from './publish-plan.ts'

const COLLECTION = 'client-submissions'

/** Who submits, where it is another organisation, and the logs that it may read. */
export interface Submitter {
  org: string
  within: readonly LogHead[]
}

/** A version that an organisation submitted: its content, and where it was published for each audience. */
interface Submitted {
  content: string
  places: (Place & { to: Hash })[]
}

/** Everything, for the node's own people; what it may know of, for a submitter. */
export class KnownVersions {
  readonly #store: Store
  readonly #submitter: Submitter | undefined
  readonly #logs: ReadonlySet<LogId>

  constructor(store: Store, submitter?: Submitter) {
    this.#store = store
    this.#submitter = submitter
    this.#logs = new Set(submitter?.within.map(({ log }) => log))
  }

  isKnown({ log }: ObjectRow): boolean {
    return this.#submitter === undefined || this.#logs.has(log)
  }

  /** Which of an object's rows others than this submitter brought; none are strange to the node's own people. */
  async foreign(id: string, rows: readonly ObjectRow[]): Promise<ObjectRow[]> {
    if (!this.#submitter || rows.length === 0) return []
    const own = new Set<string>()
    for await (const { value } of this.#store.records(COLLECTION, { prefix: `${this.#submitter.org} ${id} ` }))
      for (const { log, index } of (value as unknown as Submitted).places) own.add(`${log} ${index}`)
    return rows.filter(({ log, index }) => !own.has(`${log} ${index}`))
  }

  /** The same version as this organisation submitted it, while it stands. */
  async submitted(id: string, modified: string): Promise<Submitted | undefined> {
    if (!this.#submitter) return undefined
    const record = await this.#store.record<Json>(COLLECTION, keyOf(this.#submitter.org, id, modified))
    if (record === undefined) return undefined
    const { content, places } = record as unknown as Submitted
    const standing: Submitted['places'] = []
    for (const place of places) {
      const [entry] = await this.#store.entries(place.log, place.index, place.index + 1)
      if (entry?.object?.status === 'accepted') standing.push(place)
    }
    return standing.length === 0 ? undefined : { content, places: standing }
  }

  /** Keeps what was submitted, so that its submitter may ask again and hears of its own contradictions. */
  async keep(planned: readonly Planned[], placeOf: (plan: Planned) => Place | undefined): Promise<void> {
    const { org } = this.#submitter ?? {}
    if (org === undefined) return
    const changes: Change[] = []
    for (const [key, plans] of Map.groupBy(planned, (plan) => keyOf(org, plan.release.id, plan.columns.modified))) {
      const [{ release, columns, content }] = plans as [Planned]
      const earlier = (await this.submitted(release.id, columns.modified))?.places ?? []
      const fresh = plans.flatMap((plan) => {
        const place = placeOf(plan)
        return place && !plan.standing ? [{ to: plan.audienceId, log: place.log, index: place.index }] : []
      })
      if (fresh.length === 0) continue
      const value: Submitted = { content: content ?? '', places: [...earlier, ...fresh] }
      changes.push({ op: 'put', collection: COLLECTION, key, value: value as unknown as Json })
    }
    if (changes.length > 0) await this.#store.commit(changes)
  }
}

const keyOf = (org: string, id: string, modified: string) => `${org} ${id} ${modified}`

/** By which two contents of one version are told apart. */
export const contentOf = (value: JsonObject): string =>
  createHash('sha256').update(canonicalJson(value)).digest('base64url')

/**
 * An object under an id of its own: this node never signs two contents of one version, and its submitter must not learn
 * that there is another one.
 */
export function renamed(value: JsonObject, random: Uint8Array): { id: string; json: Uint8Array } {
  const bytes = random.slice(0, 16)
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  const uuid = toHex(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
  const id = `${String(value['type'])}--${uuid}`
  return { id, json: utf8(JSON.stringify({ ...value, id })) }
}
