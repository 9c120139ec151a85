import type { CharterStatement } from '#log'
import type { ProposalState } from '../alliance-api.ts'
import type { Proposal } from './charters.ts'
import { newRootsOf } from './new-roots.ts'

/** A proposal as people are told of it, against the charter in force. */
export function toState({ charter, verdict }: Proposal, current: CharterStatement | undefined): ProposalState {
  const { alliance, version } = charter
  const { hash, approvals, needed, inForce } = verdict
  const roots = newRootsOf(current, charter, approvals)
  return { alliance, version, hash, votes: approvals, needed, inForce, charter, roots }
}
