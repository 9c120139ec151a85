import { NoroshiError } from '#base'

/**
 * Why a pattern, or a request to match one, is refused.
 *
 * PATTERN_SYNTAX: not of the grammar. PATTERN_LIMIT: too long, too deep or too many parts. PATTERN_CONSTANT: a constant
 * that can't be compared with. PATTERN_REGEX: a regular expression outside of the linear-time kind.
 * PATTERN_OBSERVED: observations that can't be read. PATTERN_VALUE: an observed value that can't be compared.
 * PATTERN_BUDGET: the search took too many steps.
 */
export type PatternErrorCode =
  | 'PATTERN_SYNTAX'
  | 'PATTERN_LIMIT'
  | 'PATTERN_CONSTANT'
  | 'PATTERN_REGEX'
  | 'PATTERN_OBSERVED'
  | 'PATTERN_VALUE'
  | 'PATTERN_BUDGET'

/** The one error that this folder throws; `line` and `column` count from 1 and are 0 where no place in the text is meant. */
export class PatternError extends NoroshiError<PatternErrorCode> {
  readonly line: number
  readonly column: number

  constructor(code: PatternErrorCode, message: string, place: { line: number; column: number } = NOWHERE) {
    super(code, message, { details: { ...place } })
    this.line = place.line
    this.column = place.column
  }
}

const NOWHERE = { line: 0, column: 0 }

/** Line and column, both from 1, of an offset into the text of a pattern. */
export function placeOf(text: string, offset: number): { line: number; column: number } {
  let line = 1
  let start = 0
  for (let at = text.indexOf('\n'); at !== -1 && at < offset; at = text.indexOf('\n', at + 1)) {
    line++
    start = at + 1
  }
  return { line, column: offset - start + 1 }
}
