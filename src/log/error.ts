import { NoroshiError } from '#base'

/** Why something of the wire format was refused. */
export type LogErrorCode =
  | 'AIR_GAP_INVALID'
  | 'AUDIENCE_INVALID'
  | 'CHARTER_INVALID'
  | 'CHECKPOINT_INVALID'
  | 'DELEGATION_INVALID'
  | 'ENTRY_INVALID'
  | 'FRAME_INVALID'
  | 'KEY_INVALID'
  | 'LINK_CLOCK'
  | 'LINK_FORM'
  | 'LINK_KEY'
  | 'LINK_RECIPIENT'
  | 'LINK_REPLAY'
  | 'LINK_SIGNATURE'
  | 'NOTE_INVALID'
  | 'PROOF_INVALID'
  | 'SIGNATURE_INVALID'
  | 'SNAPSHOT_AHEAD'
  | 'SNAPSHOT_BASE'
  | 'SNAPSHOT_EXPIRED'
  | 'SNAPSHOT_FOREIGN'
  | 'SNAPSHOT_REPLAYED'
  | 'STATEMENT_INVALID'
  | 'TREE_RANGE'
  | 'VECTOR_INVALID'

/** Bytes, text or a value that does not follow the wire format, or a proof or signature that does not hold. */
export class LogError extends NoroshiError<LogErrorCode> {}
