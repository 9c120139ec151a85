import type { StatusDetail } from '../resources.ts'
import type { RemoteCollection } from './discover.ts'
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
  objects: number
  failures: StatusDetail[]
  /** Not known when the client stopped looking. */
  pending: number
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

/** Sends one submission and waits until the server has dealt with it. @throws TaxiiClientError */
export async function push(
  http: TaxiiHttp,
  { url, root }: RemoteCollection,
  submission: { body: Buffer; objects: number },
): Promise<Pushed> {
  let { value } = await http.post(`${url}objects/`, submission.body)
  const id = value['id']
  for (let looks = 0; value['status'] === 'pending' && typeof id === 'string' && looks < MAX_LOOKS; looks++) {
    await http.sleep(LOOK_MS)
    value = (await http.get(`${root}status/${encodeURIComponent(id)}/`)).value
  }
  const failures = Array.isArray(value['failures']) ? (value['failures'] as StatusDetail[]) : []
  const unnamed = Number(value['failure_count'] ?? 0) - failures.length
  for (let i = 0; i < unnamed; i++) failures.push({ id: 'unknown', version: '', message: 'not named by the server' })
  return {
    objects: submission.objects,
    failures,
    pending: value['status'] === 'pending' ? Number(value['pending_count'] ?? 0) : 0,
  }
}

function envelope(parts: readonly Uint8Array[]): Buffer {
  const comma = Buffer.from(',')
  return Buffer.concat([OPEN, ...parts.flatMap((part, i) => (i === 0 ? [part] : [comma, part])), CLOSE])
}
