import { compareTimestamps } from '#base'
import { Circles } from '../oddities/circles.ts'
import { namesCollection } from '../oddities/empty-collection.ts'
import { beforeDate } from '../oddities/equal-dates.ts'
import { nextOf } from '../oddities/loose-next.ts'
import { addedAfterOf } from '../oddities/offset-dates.ts'
import { largerPage, smallerPage } from '../oddities/page-limits.ts'
import { SeenRows } from '../oddities/repeated-page.ts'
import { TaxiiClientError } from './error.ts'
import type { TaxiiHttp } from './http.ts'
import { type PulledObject, readPage, type ReadPage, type UnreadableObject } from './page.ts'

/** Where a pull goes on; kept by the caller after each page that is safe. */
export interface Position {
  /** All that was added before then has come. */
  addedAfter?: string
  /** Goes on inside a run that began at `addedAfter`, and has come so far. */
  next?: string
  reached?: string
  /** What came with the last page: it may come again. */
  seen?: string[]
}

/** One page of another server's collection. */
export interface PulledPage {
  /** Objects that did not come with the page before. */
  objects: readonly PulledObject[]
  unreadable: readonly UnreadableObject[]
  /** Where to go on after this page. */
  position: Position
  /** Says that the server holds something which it cannot be made to show. */
  gap?: string
}

/** What is asked for. */
export interface PullOptions {
  limit?: number
  types?: readonly string[]
  /** Pages of this run; the next one goes on behind them. */
  maxPages?: number
}

const MAX_PAGES = 1_000_000
/** Pages without any object, one after the other, before a server counts as stuck. */
const MAX_EMPTY_PAGES = 1_000
/** Rows of the last page that are remembered from run to run. */
const SEEN_ROWS = 2_000

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
  const walk = new Walk(http, collection, from, options)
  for (let pages = 0; pages < (options.maxPages ?? MAX_PAGES); pages++) {
    const page = await walk.step()
    if (page) yield page
    if (walk.isOver) return
  }
}

/** One run through a collection: by `next` where the server gives one, else by time. */
class Walk {
  readonly #http: TaxiiHttp
  readonly #collection: string
  readonly #types: readonly string[]
  /** `added_after` as it is asked; it stays the same as long as `next` is followed. */
  #asked: string | undefined
  #next: string | undefined
  /** The time up to which the run by time has come, and the latest of all rows. */
  #after: string | undefined
  #newest: string | undefined
  #seen: SeenRows
  #limit: number | undefined
  readonly #circles = new Circles()
  #emptyPages = 0
  /** A page of the largest size held one date alone: what else has it is passed over. */
  #isPastDate = false
  #hasRestarted = false
  isOver = false

  constructor(http: TaxiiHttp, collection: string, from: Position, { limit, types = [] }: PullOptions) {
    this.#http = http
    this.#collection = collection
    this.#types = types
    this.#next = from.next
    this.#after = from.addedAfter
    this.#newest = from.reached ?? from.addedAfter
    this.#seen = new SeenRows(from.seen)
    this.#limit = limit
    this.#asked = from.next === undefined ? this.#edge() : from.addedAfter
  }

  async step(): Promise<PulledPage | undefined> {
    const cameByNext = this.#next !== undefined
    const page = await this.#ask()
    const before = this.#newest
    const [first, last] = ['first', 'last'].map((name) => addedAfterOf(page.headers.get(`x-taxii-date-added-${name}`)))
    this.#newest = later(later(before, first), last)
    const objects = this.#seen.fresh(page.objects)
    const isRepeated = page.objects.length > 0 && objects.length === 0
    const answer: Answer = (gap) => ({
      objects,
      unreadable: page.unreadable,
      position: this.#position(),
      ...(gap === undefined ? {} : { gap }),
    })
    this.#emptyPages = page.objects.length === 0 ? this.#emptyPages + 1 : 0
    if (page.envelope['more'] !== true) {
      this.#seen.keep(page.objects, this.#newest === before)
      return this.#end(answer)
    }
    const next = nextOf(page.envelope)
    if (next === undefined || (isRepeated && cameByNext)) {
      if (isRepeated && cameByNext) this.#http.note(`${this.#collection} shows the same page again; going on by time.`)
      const isFallingDate = first !== undefined && last !== undefined && compareTimestamps(last, first) < 0
      return isFallingDate ? this.#end(answer, GAPS.newestFirst) : this.#byTime(page, isRepeated, answer)
    }
    const isStuck = this.#emptyPages > MAX_EMPTY_PAGES || this.#circles.close(next, page.objects)
    if (isStuck) return this.#end(answer, GAPS.circles)
    this.#next = next
    this.#seen.keep(page.objects, false)
    return answer()
  }

  /** No `next`, or one that means nothing to this server: the time of the last row goes on. */
  #byTime(page: ReadPage, isRepeated: boolean, answer: Answer): PulledPage | undefined {
    if (this.#newest === undefined) return this.#end(answer, GAPS.noWay)
    const isFurther = this.#after === undefined || compareTimestamps(this.#after, this.#newest) < 0
    const isNothingNew = isRepeated || page.objects.length === 0
    this.#next = undefined
    this.#circles.clear()
    if (!isFurther && isNothingNew) {
      if (this.#isPastDate) return this.#end(answer, GAPS.noWay)
      const limit = largerPage(this.#limit, page.objects.length)
      if (limit !== undefined) {
        this.#limit = limit
        return undefined
      }
      this.#isPastDate = true
      this.#asked = this.#newest
      return answer(GAPS.sharedDate)
    }
    this.#seen.keep(page.objects, !isFurther)
    this.#after = this.#newest
    this.#isPastDate = false
    this.#asked = this.#edge()
    return answer()
  }

  #end(answer: Answer, gap?: string): PulledPage {
    this.isOver = true
    this.#next = undefined
    this.#after = this.#newest
    return answer(gap)
  }

  /** Rows with the very date that was reached may come later: they are asked for again, and known ones left out. */
  #edge(): string | undefined {
    return this.#after === undefined || this.#seen.isEmpty ? this.#after : beforeDate(this.#after)
  }

  #position(): Position {
    const seen = this.#seen.last(SEEN_ROWS)
    const isInside = this.#next !== undefined
    const addedAfter = isInside ? this.#asked : this.#after
    return {
      ...(addedAfter === undefined ? {} : { addedAfter }),
      ...(this.#next === undefined ? {} : { next: this.#next }),
      ...(isInside && this.#newest !== undefined ? { reached: this.#newest } : {}),
      ...(seen.length === 0 ? {} : { seen }),
    }
  }

  async #ask(): Promise<ReadPage> {
    for (;;) {
      const url = this.#address()
      try {
        return await this.#http.page(url, (answer) => readPage(url, answer))
      } catch (error) {
        if (!(error instanceof TaxiiClientError)) throw error
        if (this.#next === undefined && error.details['status'] === 404 && (await this.#isThere()))
          return { headers: new Headers(), objects: [], unreadable: [], envelope: {} }
        if (!this.#hasAnotherWay(error)) throw error
      }
    }
  }

  #hasAnotherWay({ details }: TaxiiClientError): boolean {
    const status = Number(details['status'] ?? 0)
    if (status === 413 || details['isTooLarge'] === true) {
      const limit = smallerPage(this.#limit)
      if (limit === undefined) return false
      this.#http.note(`${this.#collection} finds its page too large; asking for ${limit} objects at a time.`)
      this.#limit = limit
      return true
    }
    if (this.#next !== undefined && !this.#hasRestarted && [400, 404, 410, 422].includes(status)) {
      this.#http.note(`${this.#collection} no longer knows where the last run stopped; going back to its beginning.`)
      this.#hasRestarted = true
      this.#next = undefined
      this.#circles.clear()
      return true
    }
    if (this.#limit !== undefined && [400, 422].includes(status)) {
      this.#http.note(`${this.#collection} does not take limit=${this.#limit}; asking without.`)
      this.#limit = undefined
      return true
    }
    return false
  }

  /** An empty collection is 404 at some servers: then the collection itself is there. @see oddities/empty-collection.ts */
  async #isThere(): Promise<boolean> {
    try {
      return namesCollection((await this.#http.get(this.#collection)).value)
    } catch (error) {
      if (error instanceof TaxiiClientError && error.code === 'TAXII_SERVER_REFUSED') return false
      throw error
    }
  }

  #address(): string {
    const query = new URLSearchParams()
    if (this.#asked !== undefined) query.set('added_after', this.#asked)
    if (this.#next !== undefined) query.set('next', this.#next)
    if (this.#limit !== undefined) query.set('limit', String(this.#limit))
    if (this.#types.length > 0) query.set('match[type]', this.#types.join(','))
    const text = query.toString()
    return `${this.#collection}objects/${text === '' ? '' : `?${text}`}`
  }
}

type Answer = (gap?: string) => PulledPage

/** Why a server's rows could not all be reached. */
const GAPS = {
  circles: 'The server leads in circles: it names a page again that was read already. What lies behind is not reached.',
  noWay:
    'The server says that there is more, but gives neither "next" nor a date added by which it could be asked for.',
  newestFirst:
    'The server shows the newest first and gives no "next": what is older than this page is not reached. A larger --limit may.',
  sharedDate:
    'More objects share one date added than the server puts on a page, and it gives no "next": some are missed.',
}

/** Some servers list the newest first: a run has reached the latest time of all its pages. */
const later = (a: string | undefined, b: string | undefined) =>
  a === undefined || (b !== undefined && compareTimestamps(a, b) < 0) ? b : a
