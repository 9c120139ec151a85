import { checkPattern, type PatternFinding } from './check.ts'
import { PatternError } from './error.ts'
import { compilePattern, matchPattern } from './match.ts'

/** One line of `noroshi pattern check --batch`. */
export interface PatternCheckAnswer {
  readonly id: unknown
  readonly valid?: boolean
  readonly errors?: PatternFinding[]
  readonly error?: string
}

/** One line of `noroshi pattern match --batch`. */
export interface PatternMatchAnswer {
  readonly id: unknown
  readonly match?: boolean
  readonly error?: string
}

/** Answers `{"id","pattern"}` with `{"id","valid","errors"}`, or with `error` where the request has no pattern. */
export function answerPatternCheckVector(request: unknown): PatternCheckAnswer {
  const { id, pattern } = read(request)
  if (pattern === undefined) return { id, error: NO_PATTERN }
  return { id, ...checkPattern(pattern) }
}

/**
 * Answers `{"id","pattern","observed":[bundle,…]}` with `{"id","match"}`, or with `error` where the request is refused:
 * no such pattern, constants or observed values that can't be compared, or a search beyond the budget.
 */
export function answerPatternMatchVector(request: unknown): PatternMatchAnswer {
  const { id, pattern, observed } = read(request)
  if (pattern === undefined) return { id, error: NO_PATTERN }
  if (!Array.isArray(observed)) return { id, error: 'The request has no "observed" list of bundles.' }
  try {
    return { id, match: matchPattern(compilePattern(pattern), observed) }
  } catch (error) {
    if (!(error instanceof PatternError)) throw error
    const place = error.line > 0 ? `line ${error.line}, column ${error.column}: ` : ''
    return { id, error: place + error.message }
  }
}

const NO_PATTERN = 'The request has no "pattern" string.'

function read(request: unknown): { id: unknown; pattern?: string; observed?: unknown } {
  const pattern = field(request, 'pattern')
  const rest = { id: field(request, 'id') ?? null, observed: field(request, 'observed') }
  return typeof pattern === 'string' ? { ...rest, pattern } : rest
}

function field(request: unknown, name: string): unknown {
  if (typeof request !== 'object' || request === null) return undefined
  return Object.getOwnPropertyDescriptor(request, name)?.value
}
