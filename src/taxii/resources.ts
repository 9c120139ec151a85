import type { RowSource } from './rows.ts'

/** A group of collections. @see TAXII 2.1 section 4.2 */
export interface ApiRoot {
  /** Its name in addresses. */
  name: string
  title: string
  description?: string
}

/** A collection as one reader may use it. @see TAXII 2.1 section 5.2 */
export interface Collection {
  id: string
  alias?: string
  title: string
  description?: string
  canRead: boolean
  canWrite: boolean
}

/** A collection whose rows can be read. */
export interface OpenCollection extends Collection {
  source: RowSource
}

/** One object of a submission in its status. @see TAXII 2.1 section 4.3.1 */
export interface StatusDetail {
  id: string
  version: string
  message?: string
}

/** What became of a submission. @see TAXII 2.1 section 4.3.1 */
export interface Status {
  id: string
  status: 'complete' | 'pending'
  request_timestamp: string
  total_count: number
  success_count: number
  successes?: StatusDetail[]
  failure_count: number
  failures?: StatusDetail[]
  pending_count: number
  pendings?: StatusDetail[]
}

/**
 * What a server stands on. Every answer is for one reader: what it may not see, a backend does not know.
 */
export interface TaxiiBackend<Reader> {
  title: string
  contact?: string
  /** Bytes of a submission at most. */
  maxBytes: number
  /** Objects of one page at most. */
  maxPage: number
  roots(reader: Reader): Promise<ApiRoot[]>
  /** The collections of a root, ascending by id. */
  collections(reader: Reader, root: string): Promise<Collection[]>
  /** By id or alias. */
  collection(reader: Reader, root: string, name: string): Promise<OpenCollection | undefined>
  status(reader: Reader, root: string, id: string): Promise<Status | undefined>
  /** Takes the objects of an envelope; answers when they are durable. */
  submit(reader: Reader, root: string, collection: OpenCollection, envelope: Uint8Array): Promise<Status>
  /** Takes back versions of an object that the reader submitted: false where it did not submit what is there. */
  remove(
    reader: Reader,
    root: string,
    collection: OpenCollection,
    object: string,
    versions: ReadonlySet<string>,
  ): Promise<boolean>
}
