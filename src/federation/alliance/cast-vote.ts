import { type Json, toBase64 } from '#base'
import { type CharterMember, type CharterStatement, type Envelope, signStatement, statementHash } from '#log'
import type { RootSigner } from '../alliance-api.ts'
import type { Context } from '../context.ts'
import { FederationError } from '../error.ts'
import { type Charters, VOTES } from './charters.ts'
import type { VotesKnown } from './votes-known.ts'

/** What a vote is cast with. */
export interface VoteParts {
  context: Context
  charters: Charters
  /** Why this node signs nothing now; undefined where it does. */
  whyNotSign: () => string | undefined
  votesKnown: VotesKnown
}

/**
 * One vote for each alliance and version, on disk before it is shown to anybody.
 * @throws FederationError KEY_MISMATCH, RESTORE_ASKING, RESTORE_VOTES, ALLIANCE_VERSION, ALLIANCE_VOTED
 */
export async function castVote(
  parts: VoteParts,
  charter: CharterStatement,
  row: CharterMember,
  root: RootSigner,
): Promise<Envelope> {
  if (toBase64(root.publicKey) !== row.root)
    throw new FederationError('KEY_MISMATCH', 'This is not the root key that stands for this member in the charter')
  const { context, whyNotSign, votesKnown, charters } = parts
  const { alliance, version } = charter
  // Peers that are asked at a start tell which votes this member gave already.
  const why = version > 1 ? whyNotSign() : undefined
  if (why !== undefined) throw new FederationError('RESTORE_ASKING', why)
  const isNew = version > 1 && !root.afterRestore && (await votesKnown.require(alliance))
  if (isNew && !charters.follows(charter))
    throw new FederationError(
      'ALLIANCE_VERSION',
      `${alliance} has another charter since, as the others told after the restore; read it again`,
    )
  const hash = statementHash(charter)
  const fields = { member: row.id, alliance, charter: hash, time: root.at ?? context.now() }
  const vote = signStatement('vote', fields, [root])
  const key = `${alliance}/${version}`
  const put = { op: 'put' as const, collection: VOTES, key, value: vote as unknown as Json, ifAbsent: true }
  const [outcome] = await context.store.commit([put])
  if (outcome?.op === 'put' && outcome.stored) return vote
  const given = (await context.store.record(VOTES, key)) as unknown as Envelope
  if (given.statement['charter'] === hash) return given
  throw new FederationError(
    'ALLIANCE_VOTED',
    `This member has voted for another version ${version} of ${alliance}; it votes once`,
  )
}
