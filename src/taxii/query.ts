import type { Micros } from '#store'
import { TaxiiError } from './error.ts'
import { toMicros, versionKey } from './time.ts'

/** Values of one match field at most. */
const MAX_VALUES = 500
/** Characters of one value at most. */
const MAX_VALUE_LENGTH = 300
const SPEC_VERSIONS = new Set(['2.1', '2.0', '1.0', '1.1', '1.2'])
const STORED_SPEC_VERSION = '2.1'
const NEXT_FORM = /^[0-9a-z]{1,11}$/
const NEXT_RADIX = 36

/** Which versions of an object match: any of these. */
export interface VersionFilter {
  last: boolean
  first: boolean
  all: boolean
  /** Version keys. */
  at: ReadonlySet<string>
}

/** What a request asks of a collection. @see TAXII 2.1 section 3.4 */
export interface Filter {
  /** Only what was added after; `next` and `added_after` together. */
  after: Micros
  limit: number
  ids: readonly string[] | undefined
  types: readonly string[] | undefined
  versions: VersionFilter
  /** Something was asked for that this server never has: another version of STIX. */
  isEmpty: boolean
}

/** What a way in allows to filter on. */
export interface FilterFields {
  ids?: boolean
  types?: boolean
  versions?: boolean
}

/**
 * Reads the filters of a request; parameters that TAXII does not know are ignored.
 * @throws TaxiiError TAXII_BAD_REQUEST
 */
export function parseFilter(search: URLSearchParams, maxLimit: number, fields: FilterFields): Filter {
  const addedAfter = single(search, 'added_after')
  const next = single(search, 'next')
  const spec = values(search, 'match[spec_version]')
  if (spec?.some((version) => !SPEC_VERSIONS.has(version))) throw bad('match[spec_version] names no version of STIX.')
  return {
    after: Math.max(
      addedAfter === undefined ? 0 : toMicros(addedAfter, 'added_after'),
      next === undefined ? 0 : fromNext(next),
    ),
    limit: limitOf(single(search, 'limit'), maxLimit),
    ids: fields.ids ? values(search, 'match[id]') : undefined,
    types: fields.types ? values(search, 'match[type]') : undefined,
    versions: versionsOf(fields.versions ? values(search, 'match[version]') : undefined),
    isEmpty: spec !== undefined && !spec.includes(STORED_SPEC_VERSION),
  }
}

/** Everything after `after`. */
export const everything = (limit: number, versions: Partial<VersionFilter> = { all: true }): Filter => ({
  after: 0,
  limit,
  ids: undefined,
  types: undefined,
  versions: { last: false, first: false, all: false, at: new Set(), ...versions },
  isEmpty: false,
})

/** The `next` of a page whose last row was added then. */
export const toNext = (added: Micros): string => added.toString(NEXT_RADIX)

function fromNext(text: string): Micros {
  const micros = NEXT_FORM.test(text) ? Number.parseInt(text, NEXT_RADIX) : NaN
  if (!Number.isSafeInteger(micros)) throw bad('next is not one that this server gave; begin without it.')
  return micros
}

function limitOf(text: string | undefined, max: number): number {
  if (text === undefined) return max
  if (!/^\d{1,15}$/.test(text) || Number(text) === 0) throw bad('limit is no number above 0.')
  return Math.min(Number(text), max)
}

function versionsOf(texts: readonly string[] | undefined): VersionFilter {
  const words = new Set(texts ?? ['last'])
  const at = [...words].filter((word) => word !== 'last' && word !== 'first' && word !== 'all').map(versionKey)
  return { last: words.has('last'), first: words.has('first'), all: words.has('all'), at: new Set(at) }
}

function single(search: URLSearchParams, name: string): string | undefined {
  const all = search.getAll(name)
  if (all.length > 1) throw bad(`${name} is given ${all.length} times.`)
  // A plus that was not encoded arrives as a space.
  return all[0]?.trim() === '' ? undefined : all[0]?.trim()
}

/** Values of a field: a comma stands for "or". */
function values(search: URLSearchParams, name: string): string[] | undefined {
  const texts = search.getAll(name)
  if (texts.length === 0) return undefined
  const found = [...new Set(texts.flatMap((text) => text.split(',')).map((text) => text.trim()))].filter(Boolean)
  if (found.length === 0) throw bad(`${name} has no value.`)
  if (found.length > MAX_VALUES) throw bad(`${name} has ${found.length} values; ${MAX_VALUES} are allowed.`)
  if (found.some((text) => text.length > MAX_VALUE_LENGTH)) throw bad(`${name} has a value that is too long.`)
  return found
}

const bad = (message: string) => new TaxiiError('TAXII_BAD_REQUEST', message)
