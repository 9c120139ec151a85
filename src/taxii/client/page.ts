/**
 * Reads a page of objects: the envelope in bounded pieces, each object by itself, so that one that is broken, too deep or
 * too large costs no other. Objects keep the bytes in which they came.
 */
import { isJsonObject, type Json } from '#base'
import { BundleReader, StixError } from '#stix'
import { isNestedBundle } from '../oddities/nested-bundle.ts'
import type { ClientAnswer } from './client-options.ts'
import { TaxiiClientError } from './error.ts'

/** Bytes handed to the reader at once. */
const PIECE_BYTES = 1_048_576
/** Elements of one page: more is no page, but an attempt to fill memory. */
const MAX_ELEMENTS = 250_000
/** Bytes of an element: a whole bundle may stand there. */
const ELEMENT_BYTES = 33_554_432
/** Levels of an element: an object's own, and those of a bundle around it. */
const ELEMENT_DEPTH = 66

/** An object of a page. */
export interface PulledObject {
  id: string
  /** Equal for what is the same version. */
  key: string
  bytes: Uint8Array
}

/** Something in a page that can't be read as an object. */
export interface UnreadableObject {
  id: string
  code: string
  message: string
}

/** A page as it came. */
export interface ReadPage {
  headers: Headers
  objects: PulledObject[]
  unreadable: UnreadableObject[]
  /** Members of the envelope besides its objects. */
  envelope: Record<string, unknown>
}

/** @throws TaxiiClientError TAXII_SERVER_ODD */
export function readPage(url: string, { headers, body }: ClientAnswer): ReadPage {
  const page: ReadPage = { headers, objects: [], unreadable: [], envelope: {} }
  const start = firstByte(body)
  if (start === undefined) return page
  if (body[start] !== OPEN_OBJECT) throw broken(url, 'the answer is no JSON object')
  const reader = new BundleReader({ maxObjectBytes: ELEMENT_BYTES, maxDepth: ELEMENT_DEPTH })
  let documents = 0
  let items = 0
  let first: Json | undefined
  const take = (some: ReturnType<BundleReader['push']>) => {
    for (const item of some) {
      items++
      if (item.kind === 'bundle') {
        if (++documents > 1) throw broken(url, 'something follows the envelope')
        if (isJsonObject(item.value)) page.envelope = item.value
      } else if (documents > 0) throw broken(url, 'something follows the envelope')
      else if (item.kind === 'fault') takeFault(url, page, item.index, item.error)
      else {
        first ??= item.value
        takeElement(url, page, item.index, item.value, item.bytes)
      }
      if (page.objects.length + page.unreadable.length > MAX_ELEMENTS)
        throw new TaxiiClientError('TAXII_SERVER_ODD', `${url} answers more than ${MAX_ELEMENTS} objects at once.`, {
          details: { isTooLarge: true },
        })
    }
  }
  for (let at = start; at < body.length; at += PIECE_BYTES) take(reader.push(body.subarray(at, at + PIECE_BYTES)))
  take(reader.end())
  if (documents > 0) return page
  // An envelope without a list of objects: empty, or only with `more`.
  if (items === 1 && isJsonObject(first) && first['id'] === undefined)
    return { ...page, unreadable: [], envelope: first }
  throw broken(url, 'the answer is no envelope')
}

const OPEN_OBJECT = 0x7b
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf])

/** Where the text begins, behind white space and a byte-order mark. */
function firstByte(body: Buffer): number | undefined {
  let at = body.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK) ? BYTE_ORDER_MARK.length : 0
  while (at < body.length && [0x20, 0x0a, 0x0d, 0x09].includes(body[at] as number)) at++
  return at < body.length ? at : undefined
}

function takeFault(url: string, page: ReadPage, index: number, error: Error & { code: string }): void {
  const isPages = error instanceof StixError && ['STIX_STREAM_TRUNCATED', 'STIX_STREAM_SYNTAX'].includes(error.code)
  if (isPages) throw broken(url, error.message)
  page.unreadable.push({ id: `#${index}`, code: error.code, message: error.message })
}

function takeElement(url: string, page: ReadPage, index: number, value: Json, bytes: Uint8Array): void {
  if (isNestedBundle(value)) {
    const inner = new BundleReader({ maxObjectBytes: ELEMENT_BYTES, maxDepth: ELEMENT_DEPTH })
    for (const item of [...inner.push(bytes), ...inner.end()]) {
      if (item.kind === 'fault') takeFault(url, page, index, item.error)
      else if (item.kind === 'object') takeObject(page, index, item.value, item.bytes)
    }
  } else takeObject(page, index, value, bytes)
}

function takeObject(page: ReadPage, index: number, value: Json, bytes: Uint8Array): void {
  if (!isJsonObject(value) || typeof value['id'] !== 'string')
    page.unreadable.push({
      id: `#${index}`,
      code: 'NOT_STIX',
      message: `Element ${index} of a page is no STIX object: it has no id.`,
    })
  else page.objects.push({ id: value['id'], key: `${value['id']} ${versionOf(value)}`, bytes })
}

/** Without `modified`, the whole object tells versions apart only by its size; it is taken again rather than missed. */
const versionOf = (value: Record<string, Json>) => String(value['modified'] ?? value['created'] ?? '')

const broken = (url: string, what: string) =>
  new TaxiiClientError('TAXII_SERVER_ODD', `${url} answers a page that can't be read: ${what}.`, {
    details: { costly: true },
  })
