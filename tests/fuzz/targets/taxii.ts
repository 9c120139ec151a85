// What clients of the TAXII server send, and what a hostile TAXII server answers to the client.
import type { Json } from '#base'
import {
  collectionsAt,
  fromMicros,
  fromVersionKey,
  pullPages,
  push,
  TaxiiClientError,
  TaxiiError,
  TaxiiHttp,
  toMicros,
} from '#taxii'
import { CursorSeal } from '../../../src/node/cursor.ts'
import { NodeError } from '../../../src/node/errors.ts'
import { acceptsTaxii, isTaxiiType } from '../../../src/taxii/media-type.ts'
import { parseFilter, toNext } from '../../../src/taxii/query.ts'
import { versionKey } from '../../../src/taxii/time.ts'
import { ODD_TIMES } from '../mutate/odd-values.ts'
import { attempt, jsonOf, must, mustEqual, type Target, textOf } from '../target.ts'

const TYPE = 'application/taxii+json;version=2.1'

export const mediaType: Target = {
  name: 'media-type',
  weight: 3,
  shape: 'text',
  maxBytes: 8_192,
  words: [
    'application/taxii+json',
    'version',
    '=',
    '2.1',
    '2.0',
    ';',
    ',',
    'q',
    '0',
    '0.5',
    '1.0',
    '"',
    '*/*',
    'application/*',
    'text/html',
    'charset=utf-8',
  ],
  seeds: [
    TYPE,
    'Application/TAXII+JSON; Version="2.1"; q=0.3 , text/html',
    '*/*;q=0',
    'application/taxii+json;q=0, */*',
  ],
  run: (input) => {
    const text = textOf(input)
    const [accepts, is] = [acceptsTaxii(text), isTaxiiType(text)]
    must(typeof accepts === 'boolean' && typeof is === 'boolean', 'any header is judged')
    mustEqual(acceptsTaxii(`${text.toUpperCase()}`), accepts || acceptsTaxii(text.toUpperCase()), 'case')
    if (!text.includes('"')) {
      must(acceptsTaxii(`${text},${TYPE};q=1`) || /;\s*q/i.test(text), 'naming the type as well accepts it', text)
      if (is && !/[,"]/.test(text) && !/;\s*q/i.test(text))
        must(accepts, 'the type that is sent is one that is accepted', text)
    }
    return `${accepts} ${is}`
  },
}

const FIELDS = { ids: true, types: true, versions: true }
const MAX_LIMIT = 1_000
const seal = new CursorSeal((bytes) => new Uint8Array(bytes).fill(7))
const sealed = seal.seal('row:7', 'token')

export const query: Target = {
  name: 'taxii-query',
  weight: 2,
  shape: 'text',
  maxBytes: 20_000,
  words: [
    'added_after=',
    'limit=',
    'next=',
    'match[id]=',
    'match[type]=',
    'match[version]=',
    'match[spec_version]=',
    '&',
    ',',
    'last',
    'first',
    'all',
    '2.1',
    '%00',
    '+',
    '%2C',
    '0',
    '-1',
    '1e3',
    sealed,
  ],
  seeds: [
    'added_after=2026-01-01T00:00:00.000000Z&limit=10&match[type]=indicator,malware&match[version]=last,first',
    'limit=999999999999999',
    'limit=1001&next=2gosa7pa2gv',
    'next=1abc&match[id]=indicator--1&match[spec_version]=2.1,2.0',
    'match%5Bversion%5D=2026-01-01T00:00:00.5Z,all',
    sealed,
    ...ODD_TIMES,
  ],
  run: (input) => {
    const text = textOf(input)
    const filter = attempt(() => parseFilter(new URLSearchParams(text), MAX_LIMIT, FIELDS), TaxiiError)
    if (filter.ok) {
      const { after, limit, ids } = filter.value
      must(limit >= 1 && limit <= MAX_LIMIT && Number.isInteger(limit), 'a page has a size within bounds', limit)
      must(Number.isSafeInteger(after) && after >= 0, 'a place is a safe integer', after)
      must((ids?.length ?? 0) <= 500, 'the number of values is bounded')
      const next = parseFilter(new URLSearchParams({ next: toNext(after) }), MAX_LIMIT, FIELDS)
      mustEqual(next.after, after, 'a cursor leads back to its place')
    } else mustEqual(filter.word, 'TAXII_BAD_REQUEST', 'a query is a bad request, or read')
    const micros = attempt(() => toMicros(text, 'x'), TaxiiError)
    if (micros.ok)
      mustEqual(toMicros(fromMicros(micros.value), 'x'), micros.value, 'a time that is written is read the same')
    const key = attempt(() => versionKey(text), TaxiiError)
    if (key.ok)
      mustEqual(versionKey(fromVersionKey(key.value)), key.value, 'a version that is written is read the same')
    const opened = attempt(() => seal.open(text, 'token'), NodeError)
    if (opened.ok) mustEqual(opened.value, 'row:7', 'only a cursor that was sealed opens')
    return [filter, micros, key, opened].map(({ word }) => word).join(' ')
  },
}

const ROOT = 'https://taxii.example/'
const CALLS_MAX = 40
const object = { type: 'indicator', id: 'indicator--1', modified: '2026-01-01T00:00:00.000Z', spec_version: '2.1' }
const answer = (body: Json, more: object = {}) => ({ status: 200, headers: { 'content-type': TYPE }, body, ...more })

export const client: Target = {
  name: 'taxii-client',
  weight: 0.4,
  shape: 'json',
  maxBytes: 8_192,
  words: [
    'status',
    'headers',
    'body',
    'content-type',
    'x-taxii-date-added-last',
    'location',
    'retry-after',
    'api_roots',
    'default',
    'versions',
    'max_content_length',
    'collections',
    'id',
    'can_read',
    'can_write',
    'objects',
    'more',
    'next',
    'pending',
    'failures',
    'failure_count',
    'pending_count',
    'http://other.example/',
    '/root/',
    TYPE,
  ],
  seeds: [
    [
      answer({ title: 't', api_roots: ['/root/', 'https://taxii.example/other/'], default: '/root/' }),
      answer({ title: 'r', versions: [TYPE], max_content_length: 1000 }),
      answer({ collections: [{ id: 'c', title: 'C', can_read: true, can_write: true }] }),
      answer(
        { more: true, next: 7, objects: [object, object] },
        { headers: { 'content-type': TYPE, 'x-taxii-date-added-last': '2026-01-01T00:00:00+00:00' } },
      ),
      answer({ more: false, objects: [object] }),
      answer({ id: 's', status: 'pending', pending_count: 1, failures: [], failure_count: 0 }),
      answer({ id: 's', status: 'complete', failures: [{ id: 'x', version: 'y', message: 'z' }], failure_count: 3 }),
    ],
    [
      answer({ id: 'c', can_read: true }),
      answer({}),
      answer({ type: 'bundle', objects: [{ type: 'bundle', objects: [object] }] }),
    ],
    [
      answer({ more: true }),
      answer({ more: true, objects: [] }),
      { status: 503, headers: { 'retry-after': '9' }, body: '' },
    ],
    [
      { status: 302, headers: { location: 'http://other.example/' }, body: '' },
      { status: 401, headers: {}, body: { title: 'no', description: 7 } },
    ],
    [answer('<html>', { headers: { 'content-type': 'text/html' } }), answer('{"objects":[{"a":1}', {}), answer([1])],
  ],
  run: async (input) => {
    const answers = jsonOf(input)
    if (!Array.isArray(answers)) return 'no answers'
    const words: string[] = []
    for (const ask of [discover, pull, submit]) words.push(await ask(answers as Json[]))
    return words.join(' ')
  },
}

/** A client whose server gives these answers, over and over, until it has given enough. */
function clientOf(answers: readonly Json[]): TaxiiHttp {
  let calls = 0
  return new TaxiiHttp({
    fetch: async (url) => {
      if (calls >= CALLS_MAX) throw new TypeError('fetch failed')
      const given = answers[calls++ % Math.max(1, answers.length)]
      const { status, headers, body } = (typeof given === 'object' && given !== null ? given : {}) as Record<
        string,
        unknown
      >
      const text = typeof body === 'string' ? body : JSON.stringify(body ?? {})
      const code = typeof status === 'number' && status >= 200 && status <= 599 ? Math.trunc(status) : 200
      const isEmpty = [204, 205, 304].includes(code)
      const response = new Response(isEmpty ? null : text, { status: code, headers: headersOf(headers) })
      Object.defineProperty(response, 'url', { value: url })
      return response as never
    },
    sleep: async () => {},
    now: () => 1_767_225_600_000,
    random: () => 0,
  })
}

function headersOf(given: unknown): Headers {
  const headers = new Headers()
  if (typeof given !== 'object' || given === null) return headers
  for (const [name, value] of Object.entries(given)) {
    try {
      headers.append(name, String(value))
    } catch {
      // No server can send a name or value that HTTP does not have.
    }
  }
  return headers
}

async function discover(answers: readonly Json[]): Promise<string> {
  return asked(async () => {
    const found = await collectionsAt(clientOf(answers), `${ROOT}taxii2/`)
    for (const { url, root, maxBytes } of found) {
      must(URL.canParse(url) && URL.canParse(root), 'a collection has an address', url)
      must(maxBytes > 0 && Number.isFinite(maxBytes), 'submissions are bounded', maxBytes)
    }
    return `found ${Math.min(3, found.length)}`
  })
}

async function pull(answers: readonly Json[]): Promise<string> {
  return asked(async () => {
    let pages = 0
    for await (const page of pullPages(clientOf(answers.slice(3)), `${ROOT}root/collections/c/`, {})) {
      pages++
      must(Array.isArray(page.objects) && typeof page.position === 'object', 'a page has objects and a place')
      must(pages <= CALLS_MAX, 'no more pages than answers', pages)
    }
    return `pages ${Math.min(4, pages)}`
  })
}

async function submit(answers: readonly Json[]): Promise<string> {
  return asked(async () => {
    const [collection] = await collectionsAt(clientOf(answers), `${ROOT}taxii2/`)
    if (!collection) return 'none'
    const done = await push(clientOf(answers.slice(5)), collection, {
      body: Buffer.from('{"objects":[{}]}'),
      objects: 1,
    } as never)
    must(done.failures.length <= 10_000, 'failures are bounded', done.failures.length)
    return 'pushed'
  })
}

async function asked(ask: () => Promise<string>): Promise<string> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof TaxiiClientError) return error.code.slice(6)
    throw error
  }
}
