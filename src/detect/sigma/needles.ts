import { literalsOf } from './regex-literals.ts'
import type { Match, Test } from './test.ts'

/** A text that must stand in a field (anywhere, small letters) wherever the test holds; without field, in any value. */
export interface Needle {
  field: string | undefined
  text: string
  /** `whole`: the field must equal the text, not merely hold it; `beyond`: any character beyond ASCII stands there. */
  kind: 'part' | 'whole' | 'beyond'
}

/** Needles longer than this are cut to their end, which tells more than the beginning (paths, keys). */
export const NEEDLE_MAX = 14
const NEEDLES_MAX = 400
const REGEX_NEEDLE_MIN = 2
/** Shorter texts tell less than that there is any character beyond ASCII. */
const TELLING_MIN = 3

/**
 * A set of needles of which at least one is present whenever the test holds; `undefined` where there is no such set.
 *
 * `weigh` estimates how often a needle is present; of the parts of an "and", the rarest set is taken.
 */
export function needlesOf(test: Test, weigh: (needle: Needle) => number): Needle[] | undefined {
  switch (test.op) {
    case 'not':
      return undefined
    case 'match': {
      if (test.match.kind === 'regex') return regexNeedles(test.field, test.match.source)
      const needle = needleOf(test.field, test.match)
      return needle && [needle]
    }
    case 'and': {
      let best: Needle[] | undefined
      let bestWeight = Infinity
      for (const part of test.parts) {
        const set = needlesOf(part, weigh)
        if (!set) continue
        const weight = set.reduce((sum, needle) => sum + weigh(needle), 0)
        if (weight < bestWeight) {
          best = set
          bestWeight = weight
        }
      }
      return best
    }
    default: {
      // "N of" holds only where at least one part holds.
      const union = new Map<string, Needle>()
      for (const part of test.parts) {
        const set = needlesOf(part, weigh)
        if (!set) return undefined
        for (const needle of set) union.set(needleKey(needle), needle)
        if (union.size > NEEDLES_MAX) return undefined
      }
      return [...union.values()]
    }
  }
}

/** The same for needles that ask for the same. */
export const needleKey = ({ field, text, kind }: Needle): string => `${kind} ${field ?? ''}|${text}`

function needleOf(field: string | undefined, match: Match): Needle | undefined {
  if (match.kind !== 'text') return undefined
  const [only] = match.tokens
  if (field !== undefined && match.tokens.length === 1 && typeof only === 'string' && isAscii(only)) {
    const text = only.toLowerCase()
    if (text.length <= NEEDLE_MAX) return text === '' ? undefined : { field, text, kind: 'whole' }
    return { field, text: text.slice(-NEEDLE_MAX), kind: 'part' }
  }
  let longest = ''
  for (const token of match.tokens) {
    if (typeof token !== 'string') continue
    for (const stretch of token.toLowerCase().split(NOT_ASCII)) if (stretch.length > longest.length) longest = stretch
  }
  // Lower-casing makes no character beyond ASCII out of one of ASCII: what is there in small letters is there as written.
  if (longest.length < TELLING_MIN && match.tokens.some((token) => typeof token === 'string' && hasBeyond(token)))
    return { field, text: '', kind: 'beyond' }
  return longest === '' ? undefined : { field, text: longest.slice(-NEEDLE_MAX), kind: 'part' }
}

function regexNeedles(field: string | undefined, source: string): Needle[] | undefined {
  const literals = literalsOf(source)
  if (!literals?.every((text) => isAscii(text) && text.length >= REGEX_NEEDLE_MIN)) return undefined
  return literals.map((text) => ({ field, text: text.slice(-NEEDLE_MAX), kind: 'part' as const }))
}

// oxlint-disable-next-line no-control-regex
const NOT_ASCII = /[^\x00-\x09\x0b-\x7f]+/
// oxlint-disable-next-line no-control-regex
const BEYOND_ASCII = /[^\x00-\x7f]/
/** Whether a text has a character beyond ASCII. */
export const hasBeyond = (text: string): boolean => BEYOND_ASCII.test(text)
const isAscii = (text: string): boolean => !NOT_ASCII.test(text)
