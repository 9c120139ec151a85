/**
 * The one error class: every part narrows `code` to its own closed union.
 *
 * A message says what was wrong, where, and what to do next; `details` holds the same as structured fields and
 * never a secret. An expected "no" is a returned value, not an error.
 */
export class NoroshiError<Code extends string = string> extends Error {
  readonly code: Code
  readonly details: Readonly<Record<string, unknown>>

  constructor(code: Code, message: string, options: { details?: Record<string, unknown>; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = new.target.name
    this.code = code
    this.details = options.details ?? {}
  }
}
