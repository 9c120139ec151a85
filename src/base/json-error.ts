import { NoroshiError } from './error.ts'

/** Why a JSON text was refused. */
export type JsonErrorCode =
  | 'JSON_TOO_LARGE'
  | 'JSON_TOO_DEEP'
  | 'JSON_NOT_UTF8'
  | 'JSON_BYTE_ORDER_MARK'
  | 'JSON_SYNTAX'
  | 'JSON_DUPLICATE_KEY'
  | 'JSON_LONE_SURROGATE'
  | 'JSON_NUMBER_RANGE'
  | 'JSON_NOT_A_VALUE'

/**
 * A JSON text that is refused; where its place is known, `details` holds `offset` (bytes from 0), `line` and `column`
 * (characters from 1), and `what` is wrong there.
 */
export class JsonError extends NoroshiError<JsonErrorCode> {}
