import { ERRORS, type NodeErrorCode } from './errors.ts'

/** Media type of problem details. @see RFC 9457 */
export const PROBLEM_TYPE = 'application/problem+json'

/** An error as problem details (RFC 9457). */
export interface Problem {
  type: string
  title: string
  status: number
  detail: string
  code: NodeErrorCode
  partCode?: string
  next: string
}

/** Problem details of a code; `detail` must hold nothing the caller may not know. */
export function toProblem(code: NodeErrorCode, detail?: string, partCode?: string): Problem {
  const [status, next] = ERRORS[code]
  return {
    type: `urn:noroshi:error:${code.toLowerCase().replaceAll('_', '-')}`,
    title: titleOf(code),
    status,
    detail: detail ?? titleOf(code),
    code,
    ...(partCode === undefined ? {} : { partCode }),
    next,
  }
}

const titleOf = (code: NodeErrorCode): string => {
  const words = code.toLowerCase().replaceAll('_', ' ')
  return words[0]?.toUpperCase() + words.slice(1)
}
