import type { SigmaRule } from './rule.ts'
import { NeedleSearch } from './aho.ts'
import { SkipSearch } from './skip-search.ts'
import { type Needle, needlesOf } from './needles.ts'
import type { Compiled } from './compile.ts'
import type { Test } from './test.ts'
import type { EventView, FieldNames } from './view.ts'

/** A rule with its compiled test. */
export interface ArmedSigma {
  id: string
  rule: SigmaRule
  compiled: Compiled
}

/**
 * The rules of one kind of event (one set of log sources) behind a filter: a rule is only evaluated where one of its
 * needles stands in the event. Rules without needles are always evaluated.
 */
export class RuleGroup {
  readonly rules: readonly ArmedSigma[]
  readonly #always: Int32Array
  readonly #fields: FieldFilter[]
  readonly #stamp: Int32Array
  readonly #candidates: Int32Array
  #count = 0
  #epoch = 0

  constructor(rules: readonly ArmedSigma[], fields: FieldNames) {
    this.rules = rules
    this.#stamp = new Int32Array(rules.length)
    this.#candidates = new Int32Array(rules.length)
    const always: number[] = []
    const byField = new Map<string | undefined, { part: Map<string, number[]>; whole: Map<string, number[]> }>()
    const weigh = weights(rules)
    for (const [number, { rule }] of rules.entries()) {
      const needles = needlesOf(rule.test, weigh)
      if (!needles) always.push(number)
      for (const needle of needles ?? []) {
        const field = getOr(byField, needle.field, () => ({ part: new Map(), whole: new Map() }))
        getOr(needle.whole ? field.whole : field.part, needle.text, () => []).push(number)
      }
    }
    this.#always = Int32Array.from(always)
    this.#fields = [...byField].map(([field, { part, whole }]) => ({
      slot: field === undefined ? undefined : fields.slot(field),
      searches: searchesFor(part),
      whole: new Map([...whole].map(([text, owners]) => [text, Int32Array.from(owners)])),
    }))
  }

  /** How many rules the filter can't hold back. */
  get unfiltered(): number {
    return this.#always.length
  }

  /** Rules that match the event that the view has open, in the order in which they were armed. */
  match(view: EventView, found: (armed: ArmedSigma) => void): void {
    this.#epoch++
    this.#count = 0
    this.#take(this.#always)
    for (const { slot, searches, whole } of this.#fields) {
      const text = slot === undefined ? view.leaves() : view.text(slot)
      if (text === undefined) continue
      if (typeof text === 'string') {
        for (const search of searches) search.search(text, this.#take)
        if (whole.size > 0) this.#take(whole.get(text.toLowerCase()))
      } else
        for (const item of text) {
          for (const search of searches) search.search(item, this.#take)
          if (whole.size > 0) this.#take(whole.get(item.toLowerCase()))
        }
    }
    const chosen = this.#candidates.subarray(0, this.#count)
    if (this.#count > 1) chosen.sort()
    for (const number of chosen) {
      const armed = this.rules[number]!
      if (armed.compiled(view)) found(armed)
    }
  }

  readonly #take = (owners: Int32Array | undefined): void => {
    if (!owners) return
    for (const number of owners) {
      if (this.#stamp[number] === this.#epoch) continue
      this.#stamp[number] = this.#epoch
      this.#candidates[this.#count++] = number
    }
  }
}

interface FieldFilter {
  slot: number | undefined
  searches: readonly (NeedleSearch | SkipSearch)[]
  whole: ReadonlyMap<string, Int32Array>
}

/** Needles of this length and more are worth a search of their own that skips. */
const SKIP_MIN = 6

function searchesFor(needles: ReadonlyMap<string, readonly number[]>): (NeedleSearch | SkipSearch)[] {
  const long = new Map([...needles].filter(([text]) => text.length >= SKIP_MIN))
  const short = new Map([...needles].filter(([text]) => text.length < SKIP_MIN))
  return [...(long.size > 0 ? [new SkipSearch(long)] : []), ...(short.size > 0 ? [new NeedleSearch(short)] : [])]
}

/** Estimates how often a needle is present: short ones often, and those that many rules name, too. */
function weights(rules: readonly ArmedSigma[]): (needle: Needle) => number {
  const popularity = new Map<string, number>()
  const key = (needle: Needle) => `${needle.field ?? ''}|${needle.text}`
  const count = (test: Test): void => {
    if (test.op === 'match')
      for (const needle of needlesOf(test, () => 1) ?? [])
        popularity.set(key(needle), (popularity.get(key(needle)) ?? 0) + 1)
    else if (test.op === 'not') count(test.part)
    else for (const part of test.parts) count(part)
  }
  for (const { rule } of rules) count(rule.test)
  return (needle) => {
    const rarity = needle.whole ? needle.text.length + 2 : needle.text.length
    return (popularity.get(key(needle)) ?? 1) * 0.6 ** Math.min(rarity, 12) * (needle.field === undefined ? 50 : 1)
  }
}

function getOr<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make()
  map.set(key, made)
  return made
}
