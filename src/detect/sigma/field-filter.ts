import { NeedleSearch } from './aho.ts'
import { ByteText } from './byte-text.ts'
import { hasBeyond, type Needle } from './needles.ts'
import { BLOCK, SkipSearch } from './skip-search.ts'
import { type CacheBudget, KEPT_TEXT_MAX, ValueCache } from './value-cache.ts'

/** Takes the numbers of rules one of whose needles is present; maybe the same more than once. */
export type TakeOwners = (owners: Int32Array) => void

/** Needles of one field, or of keywords, by kind and text, with the numbers of the rules that look for them. */
export class NeedleOwners {
  readonly part = new Map<string, number[]>()
  readonly whole = new Map<string, number[]>()
  readonly beyond: number[] = []

  add({ kind, text }: Needle, owner: number): void {
    if (kind === 'beyond') this.beyond.push(owner)
    else {
      const owners = this[kind].get(text)
      if (owners) owners.push(owner)
      else this[kind].set(text, [owner])
    }
  }
}

type Search = NeedleSearch | SkipSearch

/** Needles of this length and more are worth a search of their own that skips. */
const SKIP_MIN = 6
const NONE = new Int32Array(0)
const BYTES = new ByteText()

/**
 * The needles of one field: which rules a value calls for. Telemetry repeats values massively, and what is known of one
 * costs less than looking at it again.
 */
export class FieldFilter {
  readonly #searches: readonly Search[]
  readonly #whole: ReadonlyMap<string, Int32Array>
  readonly #beyond: Int32Array
  readonly #known: ValueCache<Int32Array>
  readonly #collected = new Set<number>()

  constructor(needles: NeedleOwners, budget: CacheBudget) {
    this.#searches = searchesFor(needles.part)
    this.#whole = new Map([...needles.whole].map(([text, owners]) => [text, Int32Array.from(owners)]))
    this.#beyond = Int32Array.from(needles.beyond)
    this.#known = new ValueCache(budget)
  }

  /** Owners of the needles that stand in a value. */
  find(text: string, take: TakeOwners): void {
    if (text.length > KEPT_TEXT_MAX) return this.#search(text, take)
    let owners = this.#known.get(text)
    if (owners === undefined) {
      this.#collected.clear()
      this.#search(text, this.#collect)
      owners = this.#collected.size === 0 ? NONE : Int32Array.from(this.#collected)
      this.#known.set(text, owners, owners.byteLength)
    }
    if (owners.length > 0) take(owners)
  }

  #search(text: string, take: TakeOwners): void {
    if (this.#searches.length > 0) {
      const bytes = BYTES.of(text)
      for (const search of this.#searches) search.search(bytes, take)
    }
    if (this.#whole.size > 0) {
      const owners = this.#whole.get(text.toLowerCase())
      if (owners) take(owners)
    }
    if (this.#beyond.length > 0 && hasBeyond(text)) take(this.#beyond)
  }

  readonly #collect = (owners: Int32Array): void => {
    for (const owner of owners) this.#collected.add(owner)
  }
}

/**
 * The needles of keywords, which may stand in any value of an event. Where the event's line is at hand as it was written,
 * all values are searched at once in there.
 */
export class KeywordFilter {
  readonly #searches: readonly Search[]
  readonly #beyond: Int32Array
  readonly #written: readonly SkipSearch[] | undefined

  constructor(needles: NeedleOwners) {
    this.#searches = searchesFor(needles.part)
    this.#beyond = Int32Array.from(needles.beyond)
    this.#written = needles.beyond.length > 0 ? undefined : writtenSearches(needles.part)
  }

  /** Searches a line of JSON; false where that would not be sure to find everything. */
  findWritten(line: Uint8Array, take: TakeOwners): boolean {
    if (!this.#written) return false
    for (const search of this.#written) search.search(line, take)
    return true
  }

  find(value: string, take: TakeOwners): void {
    const bytes = BYTES.of(value)
    for (const search of this.#searches) search.search(bytes, take)
    if (this.#beyond.length > 0 && hasBeyond(value)) take(this.#beyond)
  }
}

function searchesFor(needles: ReadonlyMap<string, readonly number[]>): Search[] {
  const { long, short } = byLength(needles)
  return [...(long.size > 0 ? [new SkipSearch(long)] : []), ...(short.size > 0 ? [new NeedleSearch(short)] : [])]
}

/** What JSON may write in another way than it is; texts are cut there. */
// oxlint-disable-next-line no-control-regex
const ESCAPED = /["\\/\x00-\x1f\x7f]+/
/** What numbers look like after reading may differ from how they were written. */
const OF_NUMBERS = /^[-+.0-9einfty]*$/

/** Searches for what of each needle is written in JSON as it is; `undefined` where a needle has no such part. */
function writtenSearches(needles: ReadonlyMap<string, readonly number[]>): SkipSearch[] | undefined {
  const plain = new Map<string, number[]>()
  for (const [text, owners] of needles) {
    const parts = text.split(ESCAPED).filter((part) => part.length >= BLOCK && !OF_NUMBERS.test(part))
    const [best] = parts.toSorted((one, other) => other.length - one.length)
    if (best === undefined) return undefined
    plain.set(best, [...(plain.get(best) ?? []), ...owners])
  }
  return Object.values(byLength(plain)).flatMap((some) => (some.size > 0 ? [new SkipSearch(some)] : []))
}

function byLength(needles: ReadonlyMap<string, readonly number[]>) {
  return {
    long: new Map([...needles].filter(([text]) => text.length >= SKIP_MIN)),
    short: new Map([...needles].filter(([text]) => text.length < SKIP_MIN)),
  }
}
