import { contains, toNetwork } from '../atoms/address.ts'
import type { Form, Match, Test } from './test.ts'
import { compileTokens, plainText } from './value.ts'
import { type CacheBudget, ValueCache } from './value-cache.ts'
import type { EventView, FieldNames, FieldText } from './view.ts'

/** A compiled test of the event that the view has open. */
export type Compiled = (view: EventView) => boolean

/** Compiles a tree of tests into closures. */
export function compileTest(test: Test, fields: FieldNames): Compiled {
  if (test.op === 'least')
    return atLeast(
      test.count,
      test.parts.map((part) => compileTest(part, fields)),
    )
  switch (test.op) {
    case 'not': {
      const part = compileTest(test.part, fields)
      return (view) => !part(view)
    }
    case 'match':
      return test.field === undefined
        ? compileKeyword(test.match)
        : compileMatch(fields.slot(test.field), test.match, fields)
    case 'and':
      return every(cheapFirst(test.parts).map((part) => compileTest(part, fields)))
    case 'or': {
      const { lists, others } = gatherLists(test.parts)
      return some([
        ...lists.map((list) => compileList(fields.slot(list.field), list)),
        ...cheapFirst(others).map((part) => compileTest(part, fields)),
      ])
    }
  }
}

function every(parts: readonly Compiled[]): Compiled {
  const [first, second] = parts
  if (parts.length === 2 && first && second) return (view) => first(view) && second(view)
  return (view) => {
    for (const part of parts) if (!part(view)) return false
    return true
  }
}

function some(parts: readonly Compiled[]): Compiled {
  const [first, second] = parts
  if (parts.length === 1 && first) return first
  if (parts.length === 2 && first && second) return (view) => first(view) || second(view)
  return (view) => {
    for (const part of parts) if (part(view)) return true
    return false
  }
}

function atLeast(count: number, parts: readonly Compiled[]): Compiled {
  return (view) => {
    let met = 0
    for (const part of parts) if (part(view) && ++met === count) return true
    return false
  }
}

/** The values of one field of which any may match: read once, then tried one after the other. */
interface ValueList {
  field: string
  cased: boolean
  matches: TextMatch[]
}

type TextMatch = Extract<Match, { kind: 'text' }>

function gatherLists(parts: readonly Test[]): { lists: ValueList[]; others: Test[] } {
  const lists = new Map<string, ValueList>()
  const others: Test[] = []
  for (const part of parts.flatMap(flattened)) {
    if (part.op !== 'match' || part.field === undefined || part.match.kind !== 'text') {
      others.push(part)
      continue
    }
    const key = `${part.match.cased} ${part.field}`
    const list = lists.get(key) ?? { field: part.field, cased: part.match.cased, matches: [] }
    list.matches.push(part.match)
    lists.set(key, list)
  }
  return { lists: [...lists.values()], others }
}

const flattened = (test: Test): readonly Test[] => (test.op === 'or' ? test.parts.flatMap(flattened) : [test])

function compileList(slot: number, { cased, matches }: ValueList): Compiled {
  const whole = new Set<string>()
  const tests: ((text: string) => boolean)[] = []
  for (const { tokens } of matches) {
    const plain = plainText(tokens)
    if (plain === undefined) tests.push(compileTokens(tokens))
    else whole.add(plain)
  }
  const test =
    tests.length === 0
      ? (text: string) => whole.has(text)
      : (text: string) => {
          if (whole.size > 0 && whole.has(text)) return true
          for (const one of tests) if (one(text)) return true
          return false
        }
  return cased ? (view) => anyOf(view.text(slot), test) : (view) => anyOf(view.lower(slot), test)
}

const cheapFirst = (parts: readonly Test[]): Test[] => parts.toSorted((one, other) => cost(one) - cost(other))

/** Rough cost, so that the cheap part of an "and" or "or" is asked first; the answer does not depend on it. */
function cost(test: Test): number {
  if (test.op === 'not') return cost(test.part)
  if (test.op === 'match') {
    if (test.field === undefined) return 100
    return test.match.kind === 'regex' ? 1_000 : test.match.kind === 'text' ? 2 : 1
  }
  return test.parts.reduce((sum, part) => sum + cost(part), 0)
}

function compileMatch(slot: number, match: Match, fields: FieldNames): Compiled {
  switch (match.kind) {
    case 'text': {
      const test = compileTokens(match.tokens)
      return match.cased ? (view) => anyOf(view.text(slot), test) : (view) => anyOf(view.lower(slot), test)
    }
    case 'regex': {
      const test = remembering(match.test, fields.budget)
      return (view) => anyOf(view.text(slot), test)
    }
    case 'network':
      return (view) =>
        anyOf(view.text(slot), (text) => {
          const address = toNetwork(text)
          return address !== undefined && contains(match.network, address)
        })
    case 'compare':
      return (view) => anyOf(view.text(slot), (text) => compares(text, match.operator, match.number))
    case 'exists':
      return (view) => (view.text(slot) !== undefined) === match.wanted
    case 'null':
      return (view) => view.text(slot) === undefined
    case 'field': {
      const other = fields.slot(match.other)
      const { form, cased } = match
      return (view) => {
        const values = cased ? view.text(other) : view.lower(other)
        return anyOf(cased ? view.text(slot) : view.lower(slot), (text) =>
          anyOf(values, (value) => stands(text, value, form)),
        )
      }
    }
  }
}

/** An expression costs far more than looking up what it said of the same text before. */
function remembering(test: (text: string) => boolean, budget: CacheBudget): (text: string) => boolean {
  const answers = new ValueCache<boolean>(budget)
  return (text) => {
    let answer = answers.get(text)
    if (answer === undefined) {
      answer = test(text)
      answers.set(text, answer, 0)
    }
    return answer
  }
}

function compileKeyword(match: Match): Compiled {
  if (match.kind === 'regex') return (view) => match.test(view.keywords())
  if (match.kind !== 'text') return () => false
  const test = compileTokens(match.tokens)
  return match.cased ? (view) => test(view.keywords()) : (view) => test(view.keywordsLower())
}

function anyOf(value: FieldText, test: (text: string) => boolean): boolean {
  if (typeof value === 'string') return test(value)
  return value === undefined ? false : value.some(test)
}

function compares(text: string, operator: 'lt' | 'lte' | 'gt' | 'gte', number: number): boolean {
  const value = text.trim() === '' ? NaN : Number(text)
  switch (operator) {
    case 'lt':
      return value < number
    case 'lte':
      return value <= number
    case 'gt':
      return value > number
    case 'gte':
      return value >= number
  }
}

function stands(text: string, value: string, form: Form): boolean {
  switch (form) {
    case 'equals':
      return text === value
    case 'contains':
      return text.includes(value)
    case 'startswith':
      return text.startsWith(value)
    case 'endswith':
      return text.endsWith(value)
  }
}
