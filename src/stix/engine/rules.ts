import { compareTimestamps } from '#base'
import type { JsonObject } from '#base'
import type { Rule } from './data-type.ts'
import { isTimestamp } from './forms.ts'
import type { Sink } from './sink.ts'

/** Checks what properties of one object say about each other. */
export type CompiledRule = (object: JsonObject, sink: Sink) => void

/** Turns rules of the tables into checking functions. */
export function compileRules(rules: readonly Rule[], section: string): CompiledRule[] {
  return rules.map((rule) => compileRule(rule, section))
}

function compileRule(rule: Rule, section: string): CompiledRule {
  switch (rule.rule) {
    case 'order':
      return compileOrder(rule.earlier, rule.later, rule.strictly === true, rule.section ?? section)
    case 'at-least-one':
      return compileAtLeastOne(rule.of, section)
    case 'not-both':
      return compileNotBoth(rule.of[0], rule.of[1], section)
    case 'requires':
      return compileRequires(rule.property, rule.needs, section)
    case 'when':
      return compileWhen(rule, section)
    case 'code': {
      const { check } = rule
      return (object, sink) => check(object, sink, section)
    }
  }
}

function compileOrder(earlier: string, later: string, strictly: boolean, section: string): CompiledRule {
  const code = 'TIME_ORDER'
  return (object, sink) => {
    const from = object[earlier]
    const to = object[later]
    if (typeof from !== 'string' || typeof to !== 'string') return
    // Of one length, timestamps sort as text; this spares most objects the exact comparison.
    if (from.length === to.length && (strictly ? from < to : from <= to)) return
    if (!isTimestamp(from) || !isTimestamp(to)) return
    const order = compareTimestamps(from, to)
    if (order < 0 || (order === 0 && !strictly)) return
    sink.fail(
      code,
      `must ${strictly ? 'be later than' : 'not be earlier than'} ${earlier} (${from}), but is ${to}`,
      section,
      later,
    )
  }
}

function compileAtLeastOne(names: readonly string[], section: string): CompiledRule {
  return (object, sink) => {
    for (const name of names) if (object[name] !== undefined) return
    const list = names.length > 8 ? `${names.slice(0, 8).join(', ')}, …` : names.join(', ')
    sink.fail('MISSING_PROPERTY', `needs at least one of ${list}`, section)
  }
}

function compileNotBoth(one: string, other: string, section: string): CompiledRule {
  return (object, sink) => {
    if (object[one] !== undefined && object[other] !== undefined)
      sink.fail('PROPERTY_COMBINATION', `must not be given together with ${one}`, section, other)
  }
}

function compileRequires(property: string, needs: readonly string[], section: string): CompiledRule {
  return (object, sink) => {
    if (object[property] === undefined) return
    for (const need of needs)
      if (object[need] === undefined)
        sink.fail('MISSING_PROPERTY', `is required where ${property} is given`, section, need)
  }
}

function compileWhen(rule: Extract<Rule, { rule: 'when' }>, section: string): CompiledRule {
  const { property, is, forbids, requires } = rule
  return (object, sink) => {
    if (object[property] !== is) return
    if (forbids !== undefined && object[forbids] !== undefined)
      sink.fail('PROPERTY_COMBINATION', `must not be given where ${property} is ${is}`, section, forbids)
    if (requires !== undefined && object[requires] === undefined)
      sink.fail('MISSING_PROPERTY', `is required where ${property} is ${is}`, section, requires)
  }
}
