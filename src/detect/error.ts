import { NoroshiError } from '#base'

/** Why a rule or an input of the detection part was refused. */
export type DetectCode =
  | 'DETECT_PATTERN_INVALID'
  | 'DETECT_VALUE_INVALID'
  | 'DETECT_RANGE_TOO_BROAD'
  | 'DETECT_RESERVED_ADDRESS'
  | 'DETECT_OWN_RANGE'
  | 'DETECT_ALLOWED_VALUE'
  | 'DETECT_PUBLIC_SUFFIX'
  | 'DETECT_ORDINARY'
  | 'DETECT_VALIDITY_INVALID'
  | 'DETECT_LIMIT'
  | 'DETECT_FORMAT_UNKNOWN'
  | 'SIGMA_YAML'
  | 'SIGMA_STRUCTURE'
  | 'SIGMA_CONDITION'
  | 'SIGMA_MODIFIER'
  | 'SIGMA_VALUE'
  | 'SIGMA_REGEX'
  | 'SIGMA_EXPAND'
  | 'SIGMA_CORRELATION'
  | 'SIGMA_LIMIT'

/** Thrown for broken rules and unknown formats; `code` says which check failed. */
export class DetectError extends NoroshiError<DetectCode> {}
