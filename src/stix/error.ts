import { NoroshiError } from '#base'

/** What can go wrong in this part besides a finding, which is a returned value. */
export type StixErrorCode =
  | 'STIX_STREAM_SYNTAX'
  | 'STIX_STREAM_OBJECT_TOO_LARGE'
  | 'STIX_STREAM_TOO_DEEP'
  | 'STIX_STREAM_TRUNCATED'

/** Input that can't be read as STIX at all. */
export class StixError extends NoroshiError<StixErrorCode> {}
