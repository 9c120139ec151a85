import { rootCandidates } from '../oddities/relative-roots.ts'
import { isApiRoot } from '../oddities/bare-root.ts'
import { submissionBytes } from '../oddities/odd-limits.ts'
import { TaxiiClientError } from './error.ts'
import type { TaxiiHttp } from './http.ts'

/** Roots and collections read of one server. */
const MAX_ROOTS = 100
const MAX_COLLECTIONS = 10_000

/** A collection of another server. */
export interface RemoteCollection {
  /** Its address, with a slash at the end. */
  url: string
  id: string
  alias?: string
  title: string
  canRead: boolean
  canWrite: boolean
  /** Bytes of one submission. */
  maxBytes: number
  /** Address of its API root, with a slash at the end. */
  root: string
}

/**
 * The collections behind an address: that of a discovery resource, of an API root, or of one collection.
 *
 * @throws TaxiiClientError
 */
export async function collectionsAt(http: TaxiiHttp, address: string): Promise<RemoteCollection[]> {
  const url = address.endsWith('/') ? address : `${address}/`
  const { value } = await http.get(url)
  if (typeof value['id'] === 'string' && 'can_read' in value) {
    const root = url.replace(/collections\/[^/]+\/$/, '')
    return [toCollection(root, await maxBytesOf(http, root), value)]
  }
  if (isApiRoot(value)) return ofRoot(http, url, value)
  const listed = Array.isArray(value['api_roots']) ? value['api_roots'] : [value['default']]
  const roots = listed.filter((root): root is string => typeof root === 'string').slice(0, MAX_ROOTS)
  if (roots.length === 0)
    throw new TaxiiClientError('TAXII_SERVER_ODD', `${url} lists no API root; check the address, or the account.`)
  const found: RemoteCollection[] = []
  let refused: TaxiiClientError | undefined
  for (const root of roots) {
    try {
      found.push(...(await ofListedRoot(http, url, root)))
    } catch (error) {
      // A root that this account may not see costs no other.
      if (!(error instanceof TaxiiClientError) || error.code === 'TAXII_SERVER_UNREACHABLE') throw error
      http.note(`${error.message} Passing over that API root.`)
      refused = error
    }
  }
  if (found.length === 0 && refused) throw refused
  return found
}

async function ofListedRoot(http: TaxiiHttp, discovery: string, root: string): Promise<RemoteCollection[]> {
  const candidates = rootCandidates(discovery, root)
  for (const [i, candidate] of candidates.entries()) {
    try {
      const { value } = await http.get(candidate)
      return await ofRoot(http, candidate, value)
    } catch (error) {
      const isLast = i === candidates.length - 1
      if (isLast || !(error instanceof TaxiiClientError)) throw error
    }
  }
  return []
}

async function ofRoot(http: TaxiiHttp, root: string, about: Record<string, unknown>): Promise<RemoteCollection[]> {
  const { value } = await http.get(`${root}collections/`)
  const list = Array.isArray(value['collections']) ? (value['collections'] as Record<string, unknown>[]) : []
  const maxBytes = submissionBytes(about['max_content_length'])
  return list
    .slice(0, MAX_COLLECTIONS)
    .filter((one) => typeof one?.['id'] === 'string')
    .map((one) => toCollection(root, maxBytes, one))
}

async function maxBytesOf(http: TaxiiHttp, root: string): Promise<number> {
  try {
    return submissionBytes((await http.get(root)).value['max_content_length'])
  } catch {
    // Some servers show a root only to some accounts; its collections work all the same.
    return submissionBytes(undefined)
  }
}

function toCollection(root: string, maxBytes: number, one: Record<string, unknown>): RemoteCollection {
  const { id, alias, title } = one
  return {
    url: `${root}collections/${encodeURIComponent(String(id))}/`,
    id: String(id),
    ...(typeof alias === 'string' ? { alias } : {}),
    title: typeof title === 'string' ? title : String(id),
    canRead: one['can_read'] !== false,
    canWrite: one['can_write'] === true,
    maxBytes,
    root,
  }
}

/** The one collection of a list that a name or an id means, of those that fit; else what there is to choose from. */
export function findCollection(
  all: readonly RemoteCollection[],
  name: string | undefined,
): { found: RemoteCollection } | { found?: undefined; why: string } {
  const named = name === undefined ? all : all.filter(({ id, alias, title }) => [id, alias, title].includes(name))
  const [found] = named
  if (found && named.length === 1) return { found }
  const listed = all.slice(0, LISTED).map(({ title, id }) => `${title} (${id})`)
  return {
    why:
      `${named.length === 0 ? 'No collection there fits' : 'Several collections there fit'}; give --collection. ` +
      `There are: ${listed.join(', ') || 'none for this account'}.`,
  }
}

/** Collections named where none was found. */
const LISTED = 20
