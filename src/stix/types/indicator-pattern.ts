import type { RuleCheck } from '../engine/data-type.ts'
import { checkPattern } from '../pattern/check.ts'

/**
 * One equality of one property with a text without escapes, or with a hash of the right length: what most indicators
 * are. It is valid by the grammar, and a tenth of the parser's work shows it.
 */
const PLAIN_EQUALITY =
  /^\[[a-z][a-z0-9-]{2,60}:(?!hashes)[a-z_]{1,60} = '[^'\\]{1,2000}'\]$|^\[file:hashes\.(?:MD5 = '[0-9a-f]{32}|'SHA-1' = '[0-9a-f]{40}|'SHA-256' = '[0-9a-f]{64})'\]$/

/** Checks the pattern of an indicator whose `pattern_type` is `stix`. @see STIX 4.7, 9 */
export const checkIndicatorPattern: RuleCheck = (object, sink) => {
  const pattern = object['pattern']
  if (object['pattern_type'] !== 'stix' || typeof pattern !== 'string' || PLAIN_EQUALITY.test(pattern)) return
  const { valid, errors } = checkPattern(pattern)
  if (valid) return
  if (errors.length === 0) sink.fail('INVALID_PATTERN', 'is not a STIX pattern', '9', 'pattern')
  for (const { line, column, message } of errors)
    sink.fail('INVALID_PATTERN', `is not a STIX pattern: line ${line}, column ${column}: ${message}`, '9', 'pattern')
}
