import { parseTimestamp, timestampKey } from '#base'
import { RE2JS } from 're2js'
import { contains, parseNetwork } from './address.ts'
import type { ComparisonTest, Literal } from './ast.ts'
import type { Budget } from './budget.ts'
import { PatternError } from './error.ts'
import { compileLike, nfc } from './like.ts'
import { REGEX_LENGTH_LIMIT, REGEX_SIZE_LIMIT, REGEX_WORK_LIMIT, REGEX_WORK_PER_STEP } from './limits.ts'
import { expandedSize } from './regex-size.ts'

/** Decides one observed value; `binary` tells that a text holds bytes, one character each. */
export type ValueTest = (value: unknown, binary: boolean) => boolean

/**
 * Compiles operator, constant and NOT of a comparison.
 *
 * Values of another type than the constant's are different: unequal, without order, in no set. NOT turns the answer
 * for each value; a path that leads to no value is never true.
 *
 * @throws PatternError PATTERN_CONSTANT, PATTERN_REGEX; the compiled test throws PATTERN_VALUE
 * @see STIX 2.1 section 9.6
 */
export function compileTest(test: ComparisonTest, budget: Budget): ValueTest {
  const positive = compilePositive(test, budget)
  return test.negated ? (value, binary) => !positive(value, binary) : positive
}

function compilePositive({ operator, values }: ComparisonTest, budget: Budget): ValueTest {
  const [constant] = values
  if (operator === 'IN') return compileSet(values)
  if (!constant) throw new PatternError('PATTERN_CONSTANT', `${operator} has no constant.`)
  if (operator === '=') return compileEquality(constant)
  if (operator === '!=') {
    const equal = compileEquality(constant)
    return (value, binary) => !equal(value, binary)
  }
  const text = String(constant.value)
  switch (operator) {
    case 'LIKE': {
      const like = compileLike(text, budget)
      return (value) => typeof value === 'string' && like(value)
    }
    case 'MATCHES': {
      const regex = compileRegex(text)
      return (value) => typeof value === 'string' && isFound(regex, nfc(value), budget)
    }
    case 'ISSUBSET':
    case 'ISSUPERSET':
      return compileNetwork(text, operator === 'ISSUBSET')
    default:
      return compileOrder(constant, ORDERS[operator])
  }
}

const ORDERS = {
  '<': (order: number) => order < 0,
  '<=': (order: number) => order <= 0,
  '>': (order: number) => order > 0,
  '>=': (order: number) => order >= 0,
} as const

function compileEquality(constant: Literal): ValueTest {
  const { value: wanted } = constant
  if (constant.type !== 'timestamp') return (value) => value === wanted
  const key = keyOfConstant(constant.value)
  return (value, binary) => typeof value === 'string' && !binary && keyOfValue(value) === key
}

function compileSet(constants: readonly Literal[]): ValueTest {
  const kinds = new Set(constants.map((constant) => KIND[constant.type]))
  if (kinds.size > 1)
    throw new PatternError('PATTERN_CONSTANT', `The members of a set are of one type, not ${[...kinds].join(' and ')}.`)
  if (kinds.has('timestamp')) {
    const tests = constants.map(compileEquality)
    return (value, binary) => tests.some((test) => test(value, binary))
  }
  const members = new Set<unknown>(constants.map((constant) => constant.value))
  return (value) => members.has(value)
}

const KIND = {
  string: 'string',
  timestamp: 'timestamp',
  hex: 'binary',
  binary: 'binary',
  integer: 'number',
  float: 'number',
  boolean: 'boolean',
} as const

function compileOrder(constant: Literal, holds: (order: number) => boolean): ValueTest {
  const { type, value: bound } = constant
  if (type === 'timestamp') {
    const key = keyOfConstant(bound)
    return (value, binary) => typeof value === 'string' && !binary && holds(byCodeUnit(keyOfValue(value), key))
  }
  if (typeof bound === 'number') return (value) => typeof value === 'number' && holds(value - bound)
  if (typeof bound !== 'string') throw new PatternError('PATTERN_CONSTANT', `${String(bound)} has no order.`)
  if (type !== 'string')
    return (value) => typeof value === 'string' && isBytes(value) && holds(byCodeUnit(value, bound))
  const boundIsBytes = isBytes(bound)
  return (value, binary) => typeof value === 'string' && (!binary || boundIsBytes) && holds(byCodePoint(value, bound))
}

/** Text and bytes are compared only where every character of the text stands for one byte. */
// oxlint-disable-next-line no-control-regex -- U+0000 to U+00FF are the 256 bytes
const isBytes = (text: string) => /^[\u0000-\u00ff]*$/.test(text)

const byCodeUnit = (a: string, b: string) => (a < b ? -1 : a === b ? 0 : 1)

/** UTF-16 order is code point order, except that surrogates sort below U+E000 to U+FFFF. */
function byCodePoint(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let at = 0; at < length; at++) {
    const left = a.charCodeAt(at)
    const right = b.charCodeAt(at)
    if (left !== right) return aboveSurrogates(left) - aboveSurrogates(right)
  }
  return a.length - b.length
}
const aboveSurrogates = (unit: number) => (unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit)

function keyOfConstant(text: string): string {
  if (!parseTimestamp(text))
    throw new PatternError('PATTERN_CONSTANT', `t'${text}' is no day and time of the calendar.`)
  return timestampKey(text)
}

function keyOfValue(text: string): string {
  if (!parseTimestamp(text))
    throw new PatternError(
      'PATTERN_VALUE',
      `The observed value ${JSON.stringify(text.slice(0, 60))} is compared with a timestamp, and is none.`,
    )
  return timestampKey(text)
}

/** Unanchored, `.` matches every character, linear time. @throws PatternError PATTERN_REGEX */
function compileRegex(text: string): RE2JS {
  if (text.length > REGEX_LENGTH_LIMIT)
    throw new PatternError('PATTERN_REGEX', `A regular expression has at most ${REGEX_LENGTH_LIMIT} characters.`)
  if (expandedSize(text) > REGEX_SIZE_LIMIT)
    throw new PatternError(
      'PATTERN_REGEX',
      `A regular expression has at most ${REGEX_SIZE_LIMIT} parts when its counted repetitions are written out: count to less.`,
    )
  try {
    return RE2JS.compile(nfc(text), RE2JS.DOTALL)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new PatternError(
      'PATTERN_REGEX',
      `The regular expression ${JSON.stringify(text.slice(0, 200))} is refused: ${reason}. Look-around and back references are not supported.`,
    )
  }
}

/** @throws PatternError PATTERN_BUDGET, so that a large expression on a long text is refused instead of slow */
function isFound(regex: RE2JS, text: string, budget: Budget): boolean {
  const work = regex.programSize() * text.length
  if (work > REGEX_WORK_LIMIT)
    throw new PatternError('PATTERN_BUDGET', 'A regular expression is too large for so long a text: shorten it.')
  budget.spend(Math.ceil(work / REGEX_WORK_PER_STEP))
  return regex.test(text)
}

function compileNetwork(text: string, subset: boolean): ValueTest {
  const constant = parseNetwork(text)
  if (!constant) return () => false
  return (value) => {
    const observed = typeof value === 'string' ? parseNetwork(value) : undefined
    if (!observed) return false
    return subset ? contains(constant, observed) : contains(observed, constant)
  }
}
