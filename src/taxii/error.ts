import { NoroshiError } from '#base'

/** Every refusal of the TAXII surface: code → HTTP status and title. @see TAXII 2.1 section 3.6.1 */
export const TAXII_ERRORS = {
  TAXII_BAD_REQUEST: [400, 'Bad request'],
  TAXII_UNAUTHENTICATED: [401, 'Authentication is needed'],
  TAXII_FORBIDDEN: [403, 'Not allowed'],
  TAXII_NOT_FOUND: [404, 'Not found'],
  TAXII_METHOD_NOT_ALLOWED: [405, 'Method not allowed'],
  TAXII_NOT_ACCEPTABLE: [406, 'Not acceptable'],
  TAXII_TOO_LARGE: [413, 'Too large'],
  TAXII_UNSUPPORTED_MEDIA_TYPE: [415, 'Unsupported media type'],
  TAXII_UNPROCESSABLE: [422, 'Unprocessable'],
  TAXII_RATE_LIMITED: [429, 'Too many requests'],
  TAXII_FAILED: [500, 'Server error'],
  TAXII_UNAVAILABLE: [503, 'Not ready'],
  TAXII_DISK_FULL: [507, 'No room'],
} as const satisfies Record<string, readonly [status: number, title: string]>

/** Codes of everything that the TAXII surface refuses. */
export type TaxiiErrorCode = keyof typeof TAXII_ERRORS

/** A refusal that becomes a TAXII error resource; its message is for the caller. */
export class TaxiiError extends NoroshiError<TaxiiErrorCode> {}

/** The refusal with this HTTP status, or the nearest one. */
export function taxiiCodeOf(status: number): TaxiiErrorCode {
  const codes = Object.keys(TAXII_ERRORS) as TaxiiErrorCode[]
  return (
    codes.find((code) => TAXII_ERRORS[code][0] === status) ?? (status >= 500 ? 'TAXII_FAILED' : 'TAXII_BAD_REQUEST')
  )
}

/** The error resource's JSON text. @see TAXII 2.1 section 3.6.1 */
export function errorResource(code: TaxiiErrorCode, description?: string): string {
  const [status, title] = TAXII_ERRORS[code]
  return JSON.stringify({
    title,
    ...(description === undefined ? {} : { description }),
    error_code: code,
    http_status: String(status),
  })
}
