import { FieldFilter, KeywordFilter, NeedleOwners } from './field-filter.ts'
import { type Needle, needleKey, needlesOf } from './needles.ts'
import type { Compiled } from './compile.ts'
import type { SigmaRule } from './rule.ts'
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
  readonly #fields: readonly { slot: number; filter: FieldFilter }[]
  readonly #keywords: KeywordFilter | undefined
  readonly #stamp: Int32Array
  readonly #candidates: Int32Array
  #count = 0
  #epoch = 0

  constructor(rules: readonly ArmedSigma[], fields: FieldNames) {
    this.rules = rules
    this.#stamp = new Int32Array(rules.length)
    this.#candidates = new Int32Array(rules.length)
    const always: number[] = []
    const byField = new Map<string | undefined, NeedleOwners>()
    const weigh = weights(rules)
    for (const [number, { rule }] of rules.entries()) {
      const needles = needlesOf(rule.test, weigh)
      if (!needles) always.push(number)
      for (const needle of needles ?? []) {
        let field = byField.get(needle.field)
        if (!field) byField.set(needle.field, (field = new NeedleOwners()))
        field.add(needle, number)
      }
    }
    const keywords = byField.get(undefined)
    this.#always = Int32Array.from(always)
    this.#keywords = keywords && new KeywordFilter(keywords)
    this.#fields = [...byField].flatMap(([field, owners]) =>
      field === undefined ? [] : [{ slot: fields.slot(field), filter: new FieldFilter(owners, fields.budget) }],
    )
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
    for (const { slot, filter } of this.#fields) {
      const text = view.text(slot)
      if (typeof text === 'string') filter.find(text, this.#take)
      else if (text !== undefined) for (const item of text) filter.find(item, this.#take)
    }
    if (this.#keywords) this.#takeKeywords(this.#keywords, view)
    const chosen = this.#candidates.subarray(0, this.#count)
    if (this.#count > 1) chosen.sort()
    for (const number of chosen) {
      const armed = this.rules[number]!
      if (armed.compiled(view)) found(armed)
    }
  }

  #takeKeywords(keywords: KeywordFilter, view: EventView): void {
    if (view.written && keywords.findWritten(view.written, this.#take)) return
    for (const value of view.leaves()) keywords.find(value, this.#take)
  }

  readonly #take = (owners: Int32Array): void => {
    for (const number of owners) {
      if (this.#stamp[number] === this.#epoch) continue
      this.#stamp[number] = this.#epoch
      this.#candidates[this.#count++] = number
    }
  }
}

/** How much rarer than its letters say a needle is. */
const RARITY = { part: 0, whole: 2, beyond: 6 }

/** Estimates how often a needle is present: short ones often, and those that many rules name, too. */
function weights(rules: readonly ArmedSigma[]): (needle: Needle) => number {
  const popularity = new Map<string, number>()
  const count = (test: Test): void => {
    if (test.op === 'match')
      for (const needle of needlesOf(test, () => 1) ?? [])
        popularity.set(needleKey(needle), (popularity.get(needleKey(needle)) ?? 0) + 1)
    else if (test.op === 'not') count(test.part)
    else for (const part of test.parts) count(part)
  }
  for (const { rule } of rules) count(rule.test)
  return (needle) => {
    const rarity = RARITY[needle.kind] + needle.text.length
    return (
      (popularity.get(needleKey(needle)) ?? 1) ** 0.5 *
      0.6 ** Math.min(rarity, 12) *
      (needle.field === undefined ? 50 : 1)
    )
  }
}
