import { NoroshiError } from '#base'

/** What can be wrong with a question to the policy; a refusal is an answer, not an error. */
export type PolicyErrorCode = 'POLICY_REQUEST_INVALID' | 'POLICY_TARGET_UNKNOWN'

/** A question that cannot be read. */
export class PolicyError extends NoroshiError<PolicyErrorCode> {}
