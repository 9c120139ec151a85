import type { Json, JsonObject } from '#base'
import { BundleReader } from '#stix'
import { UsageError } from './command.ts'
import type { NodeClient } from './node-client.ts'

/** Objects in one page. */
const PAGE_OBJECTS = 1_000
/** Ids in one request. */
const PAGE_IDS = 100
/** Bytes of one row, or of one object, that is read at most. */
const ROW_BYTES = 2_097_152
const BUNDLE_TYPE = 'application/stix+json'

/** Which objects of a node. */
export interface ObjectsAsked {
  versions?: string
  type?: string
  ids?: readonly string[]
  since?: number
  order?: 'oldest' | 'newest'
}

/** A piece of a listing with the bytes that the node sent. */
export interface Listed {
  value: JsonObject
  bytes: Uint8Array
}

/** A page of a listing. */
export interface ListedPage {
  items: Listed[]
  /** The strictest level, where the page holds bare objects. */
  tlp?: string
}

/** The rows of a listing: objects with what is known about them. */
export const rowPages = (node: NodeClient, asked: ObjectsAsked): AsyncGenerator<ListedPage> =>
  pages(node, asked, 'application/json')

/** The objects of a listing alone, each with its author's bytes. */
export const barePages = (node: NodeClient, asked: ObjectsAsked): AsyncGenerator<ListedPage> =>
  pages(node, asked, BUNDLE_TYPE)

async function* pages(node: NodeClient, asked: ObjectsAsked, accept: string): AsyncGenerator<ListedPage> {
  const { ids } = asked
  if (ids?.length === 0) return
  for (let from = 0; from === 0 || from < (ids?.length ?? 0); from += PAGE_IDS) {
    let cursor: string | undefined
    do {
      const query = queryOf(asked, ids?.slice(from, from + PAGE_IDS), cursor)
      const response = await node.send('GET', `/api/v1/objects?${query}`, { headers: { accept } })
      const { items, next } = read(new Uint8Array(await response.arrayBuffer()))
      const tlp = response.headers.get('noroshi-tlp')
      yield { items, ...(tlp === null ? {} : { tlp }) }
      cursor = next ?? response.headers.get('noroshi-next') ?? undefined
    } while (cursor !== undefined)
  }
}

function queryOf({ versions, type, since, order }: ObjectsAsked, ids: readonly string[] = [], cursor?: string): string {
  const query = new URLSearchParams({ limit: String(PAGE_OBJECTS) })
  if (versions !== undefined) query.set('versions', versions)
  if (type !== undefined) query.set('type', type)
  if (since !== undefined) query.set('since', String(since))
  if (order !== undefined) query.set('order', order)
  for (const id of ids) query.append('id', id)
  if (cursor !== undefined) query.set('cursor', cursor)
  return query.toString()
}

/** The elements of the answer's list, as they were written. */
function read(body: Uint8Array): { items: Listed[]; next?: string } {
  const reader = new BundleReader({ maxObjectBytes: ROW_BYTES, maxDepth: ROW_DEPTH })
  const items: Listed[] = []
  let next: Json | undefined
  for (const item of [...reader.push(body), ...reader.end()]) {
    if (item.kind === 'fault') throw item.error
    if (item.kind === 'object') items.push({ value: item.value as JsonObject, bytes: item.bytes })
    else next = (item.value as JsonObject)['next']
  }
  return { items, ...(typeof next === 'string' ? { next } : {}) }
}

/** Levels of a row: those of an object, and one around it. */
const ROW_DEPTH = 65

/** Milliseconds of a date or time that was typed. @throws UsageError */
export function sinceOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const ms = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : NaN
  if (!Number.isFinite(ms))
    throw new UsageError(`--since takes a date or a time such as 2026-05-01T12:00:00Z, not ${text}.`)
  return ms
}
