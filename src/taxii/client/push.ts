import type { StatusDetail } from '../resources.ts'
import { countOf, failuresOf } from '../oddities/loose-status.ts'
import type { RemoteCollection } from './discover.ts'
import { TaxiiClientError } from './error.ts'
import type { TaxiiHttp } from './http.ts'

/** Objects of one submission. */
const SUBMISSION_OBJECTS = 1_000
/** Time between two looks at a submission that is not done, and how often. */
const LOOK_MS = 1_000
const MAX_LOOKS = 600
const OPEN = Buffer.from('{"objects":[')
const CLOSE = Buffer.from(']}')

/** What became of one submission. */
export interface Pushed {
  failures: StatusDetail[]
  /** Not known when the client stopped looking. */
  pending: number
}

/** A submission that the server has, by the status resource under which it can be asked for. */
export interface Submitted {
  status?: string
}

/**
 * Cuts objects into submissions that the server takes; the bytes stay as they are.
 */
export async function* toSubmissions(
  objects: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<{ body: Buffer; objects: number }> {
  let parts: Uint8Array[] = []
  let size = OPEN.length + CLOSE.length
  const done = () => ({ body: envelope(parts), objects: parts.length })
  for await (const object of objects) {
    if (parts.length > 0 && (size + object.length + 1 > maxBytes || parts.length === SUBMISSION_OBJECTS)) {
      yield done()
      parts = []
      size = OPEN.length + CLOSE.length
    }
    parts.push(object)
    size += object.length + 1
  }
  if (parts.length > 0) yield done()
}

/**
 * Sends one submission and waits until the server has dealt with it. `accepted` hears of it as soon as the server has it:
 * who is cut off then asks for its status by `follow`, and sends nothing twice.
 *
 * @throws TaxiiClientError
 */
export async function push(
  http: TaxiiHttp,
  collection: RemoteCollection,
  { body, objects }: { body: Buffer; objects: number },
  accepted: (submitted: Submitted) => Promise<void> = async () => undefined,
): Promise<Pushed> {
  const { value } = await http.post(`${collection.url}objects/`, body)
  const { id } = value
  if (value['status'] === 'pending' && typeof id === 'string') {
    await accepted({ status: id })
    return look(http, collection, id, objects, value)
  }
  return toPushed(value, objects)
}

/** Waits for a submission that an earlier run made. @throws TaxiiClientError */
export async function follow(
  http: TaxiiHttp,
  collection: RemoteCollection,
  { status }: Submitted,
  objects: number,
): Promise<Pushed> {
  return status === undefined ? { failures: [], pending: 0 } : look(http, collection, status, objects)
}

async function look(
  http: TaxiiHttp,
  { root }: RemoteCollection,
  id: string,
  objects: number,
  first?: Record<string, unknown>,
): Promise<Pushed> {
  let value = first ?? { status: 'pending' }
  for (let looks = 0; value['status'] === 'pending' && looks < MAX_LOOKS; looks++) {
    if (looks > 0 || first) await http.sleep(LOOK_MS)
    try {
      value = (await http.get(`${root}status/${encodeURIComponent(id)}/`)).value
    } catch (error) {
      if (!(error instanceof TaxiiClientError) || error.code !== 'TAXII_SERVER_REFUSED') throw error
      // The server took the submission, but shows no status to this account, or keeps none.
      http.note(`${error.message} What became of ${objects} objects is not known.`)
      break
    }
  }
  return toPushed(value, objects)
}

function toPushed(value: Record<string, unknown>, objects: number): Pushed {
  const isPending = value['status'] === 'pending'
  return { failures: failuresOf(value, objects), pending: isPending ? (countOf(value['pending_count']) ?? objects) : 0 }
}

function envelope(parts: readonly Uint8Array[]): Buffer {
  const comma = Buffer.from(',')
  return Buffer.concat([OPEN, ...parts.flatMap((part, i) => (i === 0 ? [part] : [comma, part])), CLOSE])
}
