import { compareTimestamps } from '#base'
import { objectsOf } from '../oddities/bundle-envelope.ts'
import { nextOf } from '../oddities/loose-next.ts'
import { addedAfterOf } from '../oddities/offset-dates.ts'
import { LastPage } from '../oddities/repeated-page.ts'
import { TaxiiClientError } from './error.ts'
import type { ClientAnswer, TaxiiHttp } from './http.ts'

/** Where a pull goes on; kept by the caller after each page that is safe. */
export interface Position {
  /** All that was added up to then has come. */
  addedAfter?: string
  /** Goes on inside a run that began at `addedAfter`, and has come so far. */
  next?: string
  reached?: string
}

/** One page of another server's collection. */
export interface PulledPage {
  /** The envelope as it came. */
  body: Buffer
  /** Positions in its `objects` of what did not come with the page before. */
  fresh: readonly number[]
  objects: readonly Record<string, unknown>[]
  /** Where to go on after this page. */
  position: Position
}

/** What is asked for. */
export interface PullOptions {
  limit?: number
  types?: readonly string[]
}

const MAX_PAGES = 1_000_000

/**
 * Everything after a position, page by page. A page that was not taken to its end comes again when the pull is begun again
 * at the position before it.
 *
 * @throws TaxiiClientError
 */
export async function* pullPages(
  http: TaxiiHttp,
  collection: string,
  from: Position,
  options: PullOptions = {},
): AsyncGenerator<PulledPage> {
  const last = new LastPage()
  let position = from
  let newest = from.reached ?? from.addedAfter
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    const answer = await ask(http, collection, position, options)
    const objects = objectsOf(answer.value)
    const fresh = last.fresh(objects)
    const pageLast = addedAfterOf(answer.headers.get('x-taxii-date-added-last'))
    const reachedBefore = newest
    newest = later(newest, pageLast)
    const more = answer.value['more'] === true
    const next = more ? nextOf(answer.value) : undefined
    if (more && objects.length > 0 && fresh.length === 0) {
      // The same page again: `next` means nothing to this server, but the time of the last row may.
      if (position.next === undefined || newest === undefined || newest === position.addedAfter) return
      http.note(`${collection} answers the same page again; going on by time.`)
      position = { addedAfter: newest }
      continue
    }
    const isStuck = next === undefined ? newest === reachedBefore : objects.length === 0 && next === position.next
    const isEnd = !more || isStuck
    position =
      next === undefined || isEnd
        ? toPosition(newest)
        : { ...toPosition(position.addedAfter), next, ...(newest === undefined ? {} : { reached: newest }) }
    yield { body: answer.body, objects, fresh, position }
    if (isEnd) return
  }
}

/** A `next` that the server has forgotten since is left out: the run begins again at its time. */
async function ask(
  http: TaxiiHttp,
  collection: string,
  position: Position,
  options: PullOptions,
): Promise<ClientAnswer> {
  try {
    return await http.get(addressOf(collection, position, options))
  } catch (error) {
    const status = error instanceof TaxiiClientError ? Number(error.details['status']) : 0
    if (position.next === undefined || ![400, 404, 410, 422].includes(status)) throw error
    http.note(`${collection} no longer knows where the last run stopped; going back to its beginning.`)
    return http.get(addressOf(collection, toPosition(position.addedAfter), options))
  }
}

function addressOf(collection: string, { addedAfter, next }: Position, { limit, types }: PullOptions): string {
  const query = new URLSearchParams()
  if (addedAfter !== undefined) query.set('added_after', addedAfter)
  if (next !== undefined) query.set('next', next)
  if (limit !== undefined) query.set('limit', String(limit))
  if (types && types.length > 0) query.set('match[type]', types.join(','))
  const text = query.toString()
  return `${collection}objects/${text === '' ? '' : `?${text}`}`
}

const toPosition = (addedAfter: string | undefined): Position => (addedAfter === undefined ? {} : { addedAfter })

/** Some servers list the newest first: a run has reached the latest time of all its pages. */
const later = (a: string | undefined, b: string | undefined) =>
  a === undefined || (b !== undefined && compareTimestamps(a, b) < 0) ? b : a
