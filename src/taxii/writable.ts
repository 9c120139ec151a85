import type { Json, Millis } from '#base'
import type { TlpLevel } from '#log'
import type { Store } from '#store'

/** A collection that takes submissions, as its operator set it up. */
export interface WritableCollection {
  id: string
  alias: string
  title: string
  description?: string
  /** Name of its root. */
  root: string
  /** The audience of what is submitted, besides what objects say themselves: `alliance:…`, `member:…`, … */
  to: string[]
  /** Marking of objects that carry none; absent = those go to quarantine. */
  tlp?: TlpLevel
  grants: Grant[]
  created: Millis
}

/** Leave for a token or for everybody of an organisation. */
export interface Grant {
  /** Id of the token or of the organisation. */
  who: string
  can: 'read' | 'write'
}

const RECORDS = 'taxii-collections'
/** Collections that one node keeps. */
export const MAX_COLLECTIONS = 1_000

/** Keeps the writable collections of a node. */
export class WritableCollections {
  readonly #store: Store

  constructor(store: Store) {
    this.#store = store
  }

  /** All, or those of one root. */
  async list(root?: string): Promise<WritableCollection[]> {
    const rows = await this.#store.recordPage<Json>(RECORDS, { limit: MAX_COLLECTIONS })
    const all = rows.map(({ value }) => value as unknown as WritableCollection)
    return root === undefined ? all : all.filter((one) => one.root === root)
  }

  /** By id or alias. */
  async find(name: string, root?: string): Promise<WritableCollection | undefined> {
    return (await this.list(root)).find(({ id, alias }) => id === name || alias === name)
  }

  async put(collection: WritableCollection): Promise<void> {
    await this.#store.commit([
      { op: 'put', collection: RECORDS, key: collection.id, value: collection as unknown as Json },
    ])
  }
}

/** Whether one of the grants is for this token or organisation. */
export const isGranted = (
  grants: readonly Grant[],
  reader: { org: string; tokenId: string },
  can?: Grant['can'],
): boolean =>
  grants.some((grant) => (can ?? grant.can) === grant.can && (grant.who === reader.org || grant.who === reader.tokenId))
