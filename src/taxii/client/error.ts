import { NoroshiError } from '#base'

/** What goes wrong with other servers. */
export type TaxiiClientErrorCode =
  | 'TAXII_SERVER_REFUSED'
  | 'TAXII_SERVER_UNREACHABLE'
  | 'TAXII_SERVER_ODD'
  | 'TAXII_TLS_REQUIRED'

/** A failure at another server; `details.status` is its HTTP status. */
export class TaxiiClientError extends NoroshiError<TaxiiClientErrorCode> {}
