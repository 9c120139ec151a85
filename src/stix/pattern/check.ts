import { PatternError, placeOf } from './error.ts'
import { parseWithFaults } from './parser.ts'

/** What is wrong with a pattern; line and column count from 1. */
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
    const { faults } = parseWithFaults(text)
    const errors = faults.map(({ offset, message }) => ({ ...placeOf(text, offset), message }))
    return { valid: errors.length === 0, errors }
  } catch (error) {
    if (!(error instanceof PatternError)) throw error
    return { valid: false, errors: [{ line: error.line, column: error.column, message: error.message }] }
  }
}
