import { NoroshiError } from '#base'

/** Why an input cannot be taken at all; what is left out of one that can be taken is in its loss report. */
export type ExchangeErrorCode =
  | 'EXCHANGE_TOO_LARGE'
  | 'EXCHANGE_FORMAT_UNKNOWN'
  | 'EXCHANGE_SYNTAX'
  | 'EXCHANGE_ENCODING'
  | 'EXCHANGE_EMPTY'

/** An input that cannot be read in the format it was given as. */
export class ExchangeError extends NoroshiError<ExchangeErrorCode> {}
