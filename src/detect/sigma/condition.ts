import { DetectError } from '../error.ts'

/**
 * Conditions: `selection and not 1 of filter_*`.
 *
 * Grammar, loosest first: or, and, not, then parentheses, `N of X`, `all of X`, or a name. X is `them`, a name, or a
 * name with `*`. `them` leaves out names that begin with an underscore.
 * @see https://sigmahq.io/docs/basics/conditions.html
 */
export type Condition =
  | { op: 'and' | 'or'; parts: readonly Condition[] }
  | { op: 'not'; part: Condition }
  | { op: 'of'; least: number | 'all'; names: readonly string[] }
  | { op: 'name'; name: string }

const CONDITION_MAX = 8_192
const DEPTH_MAX = 64
const WORD = /\s*(\(|\)|\||[^\s()|]+)/y

/** Reads a condition over the given detection names. @throws DetectError SIGMA_CONDITION */
export function parseCondition(text: string, names: readonly string[]): Condition {
  const words = split(text)
  let at = 0
  const peek = () => words[at]?.toLowerCase()
  const take = () => words[at++]
  const fault = (message: string): DetectError =>
    new DetectError('SIGMA_CONDITION', `Condition "${text}", word ${at + 1}: ${message}`)

  const parseOr = (depth: number): Condition => list('or', () => list('and', () => parseNot(depth)))
  const list = (op: 'and' | 'or', next: () => Condition): Condition => {
    const parts = [next()]
    while (peek() === op) {
      at++
      parts.push(next())
    }
    return parts.length === 1 ? parts[0]! : { op, parts }
  }
  const parseNot = (depth: number): Condition => {
    if (depth > DEPTH_MAX) throw fault(`nested deeper than ${DEPTH_MAX}.`)
    if (peek() === 'not') {
      at++
      return { op: 'not', part: parseNot(depth + 1) }
    }
    if (peek() === '(') {
      at++
      const inner = parseOr(depth + 1)
      if (take() !== ')') throw fault('a closing parenthesis is missing.')
      return inner
    }
    return words[at + 1]?.toLowerCase() === 'of' ? parseOf() : parseName()
  }
  const parseOf = (): Condition => {
    const count = take()!.toLowerCase()
    at++
    const target = take()
    if (target === undefined) throw fault('"of" needs a name, a pattern or "them".')
    const chosen = select(target, names)
    if (chosen.length === 0) throw fault(`"${target}" names no detection.`)
    if (count === 'all') return { op: 'of', least: 'all', names: chosen }
    if (count === 'any') return { op: 'of', least: 1, names: chosen }
    if (!/^[1-9]\d{0,3}$/.test(count)) throw fault(`"${count} of" is neither a number, "any" nor "all".`)
    return { op: 'of', least: Number(count), names: chosen }
  }
  const parseName = (): Condition => {
    const name = take()
    if (name === undefined) throw fault('it ends too early.')
    if (name === '|') throw fault('aggregations ("| count() …") are not supported; use a correlation rule.')
    if (!names.includes(name)) throw fault(`"${name}" is not a detection of this rule.`)
    return { op: 'name', name }
  }

  const condition = parseOr(0)
  if (peek() === '|') throw fault('aggregations ("| count() …") are not supported; use a correlation rule.')
  if (at < words.length) throw fault(`"${words[at]}" was not expected.`)
  return condition
}

function split(text: string): string[] {
  if (text.length > CONDITION_MAX)
    throw new DetectError('SIGMA_CONDITION', `A condition of ${text.length} characters; the limit is ${CONDITION_MAX}.`)
  const words: string[] = []
  WORD.lastIndex = 0
  for (let match = WORD.exec(text); match; match = WORD.exec(text)) words.push(match[1]!)
  if (words.length === 0) throw new DetectError('SIGMA_CONDITION', 'The condition is empty; name a detection.')
  return words
}

function select(target: string, names: readonly string[]): string[] {
  if (target.toLowerCase() === 'them' && !names.includes(target)) return names.filter((name) => !name.startsWith('_'))
  if (!target.includes('*')) return names.filter((name) => name === target)
  const parts = target.split('*')
  return names.filter((name) => {
    let at = 0
    for (const [i, part] of parts.entries()) {
      const found = i === 0 ? (name.startsWith(part) ? 0 : -1) : name.indexOf(part, at)
      if (found < 0) return false
      at = found + part.length
    }
    const tail = parts.at(-1)!
    return tail === '' || (name.endsWith(tail) && at <= name.length)
  })
}
