import type { ComparisonNode, Literal, ObservationNode } from './ast.ts'
import { PatternError, placeOf } from './error.ts'
import { parseWithFaults } from './parser.ts'

/** What is wrong with a pattern; line and column count from 1, and are 0 where the whole pattern is meant. */
export interface PatternFinding {
  readonly line: number
  readonly column: number
  readonly message: string
}

/**
 * Checks a pattern as an author would want it checked: the grammar, one qualifier of a kind for each bracketed
 * observation expression, and constants compared with a hash of a known algorithm that have the shape of such a hash.
 */
export function checkPattern(text: string): { valid: boolean; errors: PatternFinding[] } {
  try {
    const { pattern, faults } = parseWithFaults(text)
    const errors = faults.map(({ offset, message }) => ({ ...placeOf(text, offset), message }))
    for (const message of hashFindings(pattern.expression)) errors.push({ line: 0, column: 0, message })
    return { valid: errors.length === 0, errors }
  } catch (error) {
    if (!(error instanceof PatternError)) throw error
    return { valid: false, errors: [{ line: error.line, column: error.column, message: error.message }] }
  }
}

/** Hexadecimal digits of a hash, by the name of its algorithm in small letters and without hyphens. */
const HASH_DIGITS: Readonly<Record<string, number>> = {
  md5: 32,
  md6: 64,
  ripemd160: 40,
  sha1: 40,
  sha224: 56,
  sha256: 64,
  sha384: 96,
  sha512: 128,
  sha3224: 56,
  sha3256: 64,
  sha3384: 96,
  sha3512: 128,
  whirlpool: 128,
}

function* hashFindings(node: ObservationNode): Generator<string> {
  if (node.kind === 'observation') yield* hashFindingsOf(node.comparison)
  else for (const operand of 'operands' in node ? node.operands : [node.operand]) yield* hashFindings(operand)
}

function* hashFindingsOf(node: ComparisonNode): Generator<string> {
  if (node.kind === 'exists') return
  if (node.kind !== 'test') {
    for (const operand of node.operands) yield* hashFindingsOf(operand)
    return
  }
  const algorithm = node.path.at(-1)
  const dictionary = node.path.at(-2)
  if (typeof algorithm !== 'string' || typeof dictionary !== 'string' || !dictionary.endsWith('hashes')) return
  if (node.operator !== '=' && node.operator !== '!=' && node.operator !== 'IN') return
  const digits = HASH_DIGITS[algorithm.toLowerCase().replaceAll(/[-_]/g, '')]
  if (digits === undefined) return
  for (const constant of node.values)
    if (!isHash(constant, digits))
      yield `A ${algorithm} hash is a string of ${digits} hexadecimal digits: ${JSON.stringify(constant.value).slice(0, 80)} is not.`
}

function isHash(constant: Literal, digits: number): boolean {
  if (constant.type === 'hex') return constant.value.length * 2 === digits
  return constant.type === 'string' && constant.value.length === digits && /^[0-9a-fA-F]*$/.test(constant.value)
}
