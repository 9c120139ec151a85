import type { MemberId, Millis } from '#base'
import type { VotedCharter } from '#federation'
import { type CharterMember, type CharterStatement, type Envelope, signStatement, statementHash, toSigner } from '#log'
import { demoSeed } from '../root-key.ts'

/** A member of a rehearsal with what its charter entry needs. */
export interface DemoMember {
  key: string
  member: MemberId
  slug: string
  name: string
  nation: string
  kind: string
  rootKey: string
  delegations: Envelope[]
}

/**
 * Version 1 of an alliance among demo members, voted by all of them.
 *
 * Without addresses: a rehearsal's links go through relays, which each node is told apart.
 */
export function demoCharter(alliance: string, members: readonly DemoMember[], time: Millis): VotedCharter {
  const charter: CharterStatement = {
    type: 'charter',
    alliance,
    version: 1,
    previous: null,
    members: members.map((member) => charterMember(member, time)).sort((a, b) => (a.id < b.id ? -1 : 1)),
    rules: { quorum: 'majority', receipts: 'author', greenDefault: 'community', carriers: [] },
    time,
  }
  const hash = statementHash({ ...charter })
  const votes = members.map(({ slug, member }) =>
    signStatement('vote', { member, alliance, charter: hash, time }, [toSigner(demoSeed(slug, 'root'))]),
  )
  return { charter, votes }
}

function charterMember(member: DemoMember, joined: Millis): CharterMember {
  const { member: id, slug, name, nation, kind, rootKey: root, delegations } = member
  return { id, slug, name, nation, kind, sectors: [], root, delegations, standing: 'active', joined }
}
