/**
 * The TAXII 2.1 surface as a function of a request. Checks come in one order for everybody: the form of the address, the
 * method, what the caller accepts, then what the caller may see; so no answer tells more than that one.
 * @see TAXII 2.1 sections 4 and 5
 */
import { addedHeaders, joinEnvelope, manifestOf, versionsOf } from './envelope.ts'
import { errorResource, TAXII_ERRORS, TaxiiError, type TaxiiErrorCode } from './error.ts'
import { acceptsTaxii, isTaxiiType, STIX_TYPE, TAXII_TYPE } from './media-type.ts'
import { keyOf, selectPage } from './page.ts'
import { everything, parseFilter } from './query.ts'
import type { ApiRoot, Collection, OpenCollection, TaxiiBackend } from './resources.ts'
import type { Row } from './rows.ts'

/** A request below the discovery address. */
export interface TaxiiRequest<Reader> {
  method: string
  /** Address of the discovery resource as the caller reached it, without a slash at its end. */
  base: string
  /** Path below it, as it was sent. */
  path: string
  search: URLSearchParams
  accept: string | undefined
  contentType: string | undefined
  body: Uint8Array
  reader: Reader
}

/** An answer. */
export interface TaxiiAnswer {
  status: number
  headers: Record<string, string>
  body: string | Buffer
}

interface Call<Reader> extends TaxiiRequest<Reader> {
  backend: TaxiiBackend<Reader>
  parts: string[]
}

type Handler = <Reader>(call: Call<Reader>) => Promise<TaxiiAnswer>

/** Versions of one object that a DELETE looks at, a page at a time. */
const DELETE_ROWS = 1_000

/** Answers one request; refusals come back as error resources. */
export async function answerTaxii<Reader>(
  backend: TaxiiBackend<Reader>,
  request: TaxiiRequest<Reader>,
): Promise<TaxiiAnswer> {
  try {
    const parts = partsOf(request.path)
    const methods = ADDRESSES.find(({ form }) => fits(form, parts))?.methods
    if (!methods) throw new TaxiiError('TAXII_NOT_FOUND', '')
    const handler = methods[request.method === 'HEAD' ? 'GET' : request.method]
    if (!handler) return refused('TAXII_METHOD_NOT_ALLOWED', undefined, { allow: Object.keys(methods).join(', ') })
    if (!acceptsTaxii(request.accept)) throw new TaxiiError('TAXII_NOT_ACCEPTABLE', `Accept ${TAXII_TYPE}.`)
    return await handler({ ...request, backend, parts })
  } catch (error) {
    if (error instanceof TaxiiError) return refused(error.code, error.message === '' ? undefined : error.message)
    throw error
  }
}

/** The answer of a refusal. */
export function refused(code: TaxiiErrorCode, description?: string, headers: Record<string, string> = {}): TaxiiAnswer {
  return {
    status: TAXII_ERRORS[code][0],
    headers: { 'content-type': TAXII_TYPE, ...headers },
    body: errorResource(code, description),
  }
}

const discovery: Handler = async ({ backend, base, reader }) => {
  const roots = await backend.roots(reader)
  const urls = roots.map(({ name }) => `${base}/${name}/`)
  return ok({
    title: backend.title,
    ...(backend.contact === undefined ? {} : { contact: backend.contact }),
    ...(urls.length > 0 ? { default: urls[0], api_roots: urls } : {}),
  })
}

const apiRoot: Handler = async (call) => {
  const { title, description } = await rootOf(call)
  return ok({
    title,
    ...(description === undefined ? {} : { description }),
    versions: [TAXII_TYPE],
    max_content_length: call.backend.maxBytes,
  })
}

const status: Handler = async (call) => {
  const { name } = await rootOf(call)
  const found = await call.backend.status(call.reader, name, call.parts[2] ?? '')
  if (!found) throw notFound()
  return ok(found)
}

const collections: Handler = async (call) => {
  const { name } = await rootOf(call)
  const found = await call.backend.collections(call.reader, name)
  return ok(found.length > 0 ? { collections: found.map(collectionResource) } : {})
}

const collection: Handler = async (call) => ok(collectionResource(await collectionOf(call)))

const manifest: Handler = async (call) => {
  const { source } = await readable(call)
  const filter = parseFilter(call.search, call.backend.maxPage, { ids: true, types: true, versions: true })
  const page = await selectPage(source, filter)
  return ok(manifestOf(page), addedHeaders(page))
}

const objects: Handler = async (call) => {
  const { source } = await readable(call)
  const filter = parseFilter(call.search, call.backend.maxPage, { ids: true, types: true, versions: true })
  const page = await selectPage(source, filter, { isNameless: true })
  return ok(joinEnvelope(page), addedHeaders(page))
}

const submit: Handler = async (call) => {
  if (!isTaxiiType(call.contentType)) throw new TaxiiError('TAXII_UNSUPPORTED_MEDIA_TYPE', `Send ${TAXII_TYPE}.`)
  const { name } = await rootOf(call)
  const target = await collectionOf(call)
  if (!target.canWrite) throw new TaxiiError('TAXII_FORBIDDEN', 'This collection takes no objects from you.')
  const result = await call.backend.submit(call.reader, name, target, call.body)
  return { status: 202, headers: { 'content-type': TAXII_TYPE }, body: JSON.stringify(result) }
}

const object: Handler = async (call) => {
  const { source } = await readable(call)
  const filter = parseFilter(call.search, call.backend.maxPage, { versions: true })
  const ids = await known(call, source)
  const page = await selectPage(source, { ...filter, ids })
  return ok(joinEnvelope(page), addedHeaders(page))
}

const versions: Handler = async (call) => {
  const { source } = await readable(call)
  const filter = parseFilter(call.search, call.backend.maxPage, {})
  const ids = await known(call, source)
  const page = await selectPage(source, { ...filter, ids, versions: everything(1).versions })
  return ok(versionsOf(page), addedHeaders(page))
}

const remove: Handler = async (call) => {
  const { name } = await rootOf(call)
  const target = await readable(call)
  if (!target.canWrite) throw new TaxiiError('TAXII_FORBIDDEN', 'You may not write to this collection.')
  const asked = parseFilter(call.search, DELETE_ROWS, { versions: true })
  const versions = call.search.has('match[version]') ? asked.versions : everything(1).versions
  const ids = await known(call, target.source)
  const rows: Row[] = []
  for (let after = 0; ;) {
    const page = await selectPage(target.source, { ...asked, after, limit: DELETE_ROWS, ids, versions })
    rows.push(...page.rows)
    if (page.next === undefined) break
    after = page.next
  }
  if (rows.length === 0) throw notFound()
  const named = new Set(rows.map(keyOf))
  if (!(await call.backend.remove(call.reader, name, target, ids[0] as string, named)))
    throw new TaxiiError('TAXII_FORBIDDEN', 'Only who submitted an object takes it back.')
  return { status: 200, headers: { 'content-type': TAXII_TYPE }, body: '' }
}

/** Every address, by its parts; `*` is a name. */
const ADDRESSES: readonly { form: readonly string[]; methods: Readonly<Record<string, Handler>> }[] = [
  { form: [], methods: { GET: discovery } },
  { form: ['*'], methods: { GET: apiRoot } },
  { form: ['*', 'status', '*'], methods: { GET: status } },
  { form: ['*', 'collections'], methods: { GET: collections } },
  { form: ['*', 'collections', '*'], methods: { GET: collection } },
  { form: ['*', 'collections', '*', 'manifest'], methods: { GET: manifest } },
  { form: ['*', 'collections', '*', 'objects'], methods: { GET: objects, POST: submit } },
  { form: ['*', 'collections', '*', 'objects', '*'], methods: { GET: object, DELETE: remove } },
  { form: ['*', 'collections', '*', 'objects', '*', 'versions'], methods: { GET: versions } },
]

function partsOf(path: string): string[] {
  try {
    const inner = path.replace(/^\//, '').replace(/\/$/, '')
    return inner === '' ? [] : inner.split('/').map(decodeURIComponent)
  } catch {
    throw new TaxiiError('TAXII_NOT_FOUND', '')
  }
}

const fits = (form: readonly string[], parts: readonly string[]) =>
  form.length === parts.length && form.every((name, i) => (name === '*' ? parts[i] !== '' : name === parts[i]))

async function rootOf<Reader>({ backend, reader, parts }: Call<Reader>): Promise<ApiRoot> {
  const found = (await backend.roots(reader)).find(({ name }) => name === parts[0])
  if (!found) throw notFound()
  return found
}

async function collectionOf<Reader>(call: Call<Reader>): Promise<OpenCollection> {
  const { name } = await rootOf(call)
  const found = await call.backend.collection(call.reader, name, call.parts[2] ?? '')
  if (!found) throw notFound()
  return found
}

async function readable<Reader>(call: Call<Reader>): Promise<OpenCollection> {
  const found = await collectionOf(call)
  if (!found.canRead) throw new TaxiiError('TAXII_FORBIDDEN', 'You may not read this collection.')
  return found
}

/** The id that the address names, if the reader may see anything of that object. */
async function known<Reader>({ parts }: Call<Reader>, source: OpenCollection['source']): Promise<string[]> {
  const ids = [parts[4] ?? '']
  const { rows } = await source.rows({ after: 0, limit: 1, ids })
  if (rows.length === 0) throw notFound()
  return ids
}

const collectionResource = ({ id, alias, title, description, canRead, canWrite }: Collection) => ({
  id,
  title,
  ...(description === undefined ? {} : { description }),
  ...(alias === undefined ? {} : { alias }),
  can_read: canRead,
  can_write: canWrite,
  media_types: [STIX_TYPE],
})

const ok = (body: object | string | Buffer, headers: Record<string, string> = {}): TaxiiAnswer => ({
  status: 200,
  headers: { 'content-type': TAXII_TYPE, ...headers },
  body: typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body),
})

/** One for everything that is not there, and for everything that the reader may not see. */
const notFound = () => new TaxiiError('TAXII_NOT_FOUND', '')
