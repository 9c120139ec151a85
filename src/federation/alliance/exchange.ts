import { type Json, type JsonObject, type MemberId, parseJson, type Slug, utf8 } from '#base'
import { type CharterStatement, type Envelope, LogError, parseEnvelope, toCharter } from '#log'
import type { LinkResponse } from '../api.ts'
import type { VotedCharter } from '../alliance-api.ts'
import type { CharterDirectory } from '../directory.ts'
import { FederationError } from '../error.ts'
import { JSON_LIMITS } from '../limits.ts'
import type { LinkClient, Target } from '../link-client.ts'
import { json, notFound, refusal } from '../server/answers.ts'
import type { Charters, InstallResult } from './charters.ts'
import type { Joins } from './joins.ts'

/** Versions and votes of one body at most. */
const CHARTERS_MOST = 1_000

/** Fetches and installs the versions of a charter that follow what this node has. */
export async function catchUp(
  parts: { client: LinkClient; charters: Charters; directory: CharterDirectory },
  from: Target,
  alliance: Slug,
): Promise<InstallResult> {
  const { client, charters, directory } = parts
  // Another side of a fork begins at a version that this node has otherwise: then everything is asked for.
  let isWhole = false
  for (let result: InstallResult = 'known'; ;) {
    const version = isWhole ? 1 : (directory.charter(alliance)?.charter.version ?? 0) + 1
    const body = await client.get(from, `/link/v1/charters/${alliance}?from=${version}`)
    const chain = parseCharters(parseJson(body, JSON_LIMITS) as JsonObject)
    if (chain.length === 0) {
      if (result !== 'known' || version === 1) return result
      isWhole = true
      continue
    }
    if (chain.some((voted) => voted.charter.alliance !== alliance))
      throw new FederationError('CHARTER_INVALID', `${from.address} answered with charters of another alliance`)
    result = await charters.install(chain)
    if (result === 'gap' && version > 1) isWhole = true
    else if (result !== 'installed' || isWhole) return result
  }
}

/** A peer pushed versions in force, or a proposal with votes. */
export async function takeCharters(
  parts: {
    charters: Charters
    directory: CharterDirectory
    joins: Joins
    onGap: (peer: MemberId, alliance: Slug) => void
  },
  sender: MemberId,
  body: JsonObject,
): Promise<LinkResponse> {
  const { charters, directory, joins, onGap } = parts
  try {
    const pushed = parseCharters({ charters: body['charters'] ?? [] })
    const proposed = parseCharters({ charters: body['proposals'] ?? [] })
    for (const { charter } of [...pushed, ...proposed])
      if (!directory.standsIn(charter.alliance, sender) && !joins.isInviter(charter.alliance, sender)) return notFound()
    for (const voted of pushed) {
      const result = await charters.install([voted])
      if (result === 'gap') onGap(sender, voted.charter.alliance)
    }
    for (const { charter, votes } of proposed) if (charters.follows(charter)) await charters.propose(charter, votes)
    return json({ accepted: pushed.length + proposed.length })
  } catch (cause) {
    if (cause instanceof LogError || cause instanceof FederationError) return refusal(400, 'Bad request')
    throw cause
  }
}

/** Bytes of a push. */
export function pushBody(push: {
  charters?: readonly VotedCharter[]
  proposals?: readonly VotedCharter[]
}): Uint8Array {
  return utf8(JSON.stringify(push))
}

/**
 * Charters with votes, as they stand in bodies.
 * @throws LogError where one has not the right form
 */
export function parseCharters(body: JsonObject): { charter: CharterStatement; votes: Envelope[] }[] {
  const { charters } = body
  if (!Array.isArray(charters) || charters.length > CHARTERS_MOST)
    throw new LogError('CHARTER_INVALID', 'The body holds no list of charters, or too many')
  return charters.map((value: Json) => {
    const { charter, votes } = (value ?? {}) as { charter?: Json; votes?: Json }
    if (!Array.isArray(votes) || votes.length > CHARTERS_MOST)
      throw new LogError('CHARTER_INVALID', 'A charter comes without its votes, or with too many')
    return { charter: toCharter(charter), votes: votes.map((vote) => parseEnvelope(vote)) }
  })
}
