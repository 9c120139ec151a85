import { NoroshiError } from '#base'

/** Why a federation operation could not be done. @see docs/errors.md */
export type FederationErrorCode =
  | 'LINK_UNKNOWN_MEMBER'
  | 'LINK_ADDRESS'
  | 'LINK_UNREACHABLE'
  | 'LINK_REFUSED'
  | 'LINK_BAD_ANSWER'
  | 'RECALL_NOT_OWN'
  | 'RECALL_NOT_OBJECT'
  | 'RECALL_CLOSED'
  | 'ALLIANCE_AMENDMENT'
  | 'ALLIANCE_EXISTS'
  | 'ALLIANCE_MEMBER'
  | 'ALLIANCE_UNKNOWN'
  | 'ALLIANCE_SLUG'
  | 'ALLIANCE_NO_FORK'
  | 'ALLIANCE_NO_PROPOSAL'
  | 'ALLIANCE_VERSION'
  | 'ALLIANCE_VOTED'
  | 'CHARTER_INVALID'
  | 'INVITATION_INVALID'
  | 'INVITATION_EXPIRED'
  | 'INVITATION_REFUSED'
  | 'JOIN_UNKNOWN'
  | 'KEY_MISMATCH'

/** An operation between nodes that could not be done; the message names the next step. */
export class FederationError extends NoroshiError<FederationErrorCode> {}
