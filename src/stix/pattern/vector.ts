import { checkPattern, type PatternFinding } from './check.ts'

/** One line of `noroshi pattern check --batch`. */
export interface PatternCheckAnswer {
  readonly id: unknown
  readonly valid?: boolean
  readonly errors?: PatternFinding[]
  readonly error?: string
}

/** Answers `{"id","pattern"}` with `{"id","valid","errors"}`, or with `error` where the request has no pattern. */
export function answerPatternCheckVector(request: unknown): PatternCheckAnswer {
  const pattern = field(request, 'pattern')
  const id = field(request, 'id') ?? null
  if (typeof pattern !== 'string') return { id, error: 'The request has no "pattern" string.' }
  return { id, ...checkPattern(pattern) }
}

function field(request: unknown, name: string): unknown {
  if (typeof request !== 'object' || request === null) return undefined
  return Object.getOwnPropertyDescriptor(request, name)?.value
}
