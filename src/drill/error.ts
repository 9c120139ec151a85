import { NoroshiError } from '#base'

/** What can go wrong with a drill. */
export type DrillErrorCode =
  | 'SCENARIO_SYNTAX'
  | 'SCENARIO_INVALID'
  | 'SCENARIO_FILE'
  | 'DRILL_NODE_FAILED'
  | 'DRILL_REQUEST_FAILED'
  | 'DRILL_NOT_READY'
  | 'DRILL_UNKNOWN'

/** A drill that cannot run; a drill that ran and failed is a result, not an error. */
export class DrillError extends NoroshiError<DrillErrorCode> {}
