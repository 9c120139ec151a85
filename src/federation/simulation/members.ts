import { sha256, type Slug, toBase64, utf8 } from '#base'
import {
  type CharterMember,
  type CharterRules,
  type CharterStatement,
  memberIdOf,
  type Signer,
  signStatement,
  statementHash,
  toSigner,
} from '#log'
import type { Self } from '../api.ts'
import type { VotedCharter } from '../alliance-api.ts'

/** A member made from a name: the same keys every time. For simulations, tests and benchmarks only. */
export interface MadeMember {
  self: Self
  root: Signer
}

const YEAR_MS = 366 * 24 * 3_600_000

/** A member whose keys follow from `slug`, delegated for a year around `time`. */
export function makeMember(slug: Slug, time: number, more: Partial<CharterMember> = {}): MadeMember {
  const root = toSigner(sha256(utf8(`root key of ${slug}`)))
  const nodeKey = toSigner(sha256(utf8(`node key of ${slug}`)))
  const member = memberIdOf(root.publicKey)
  const delegation = signStatement(
    'delegation',
    { member, key: toBase64(nodeKey.publicKey), purpose: 'node', from: time - YEAR_MS, until: time + YEAR_MS },
    [root],
  )
  const profile: CharterMember = {
    id: member,
    slug,
    name: slug.toUpperCase(),
    nation: 'JP',
    kind: 'national-csirt',
    sectors: [],
    root: toBase64(root.publicKey),
    delegations: [delegation],
    standing: 'active',
    joined: time,
    ...more,
  }
  return { self: { member, slug, nodeKey, profile }, root }
}

/** Version 1 of an alliance of these members, with the votes of all. */
export function makeCharter(
  alliance: Slug,
  members: readonly MadeMember[],
  time: number,
  rules: Partial<CharterRules> = {},
): VotedCharter {
  const charter: CharterStatement = {
    type: 'charter',
    alliance,
    version: 1,
    previous: null,
    members: members.map(({ self }) => self.profile).sort((a, b) => (a.id < b.id ? -1 : 1)),
    rules: { quorum: 'majority', receipts: 'author', greenDefault: 'community', carriers: [], ...rules },
    time,
  }
  return votedBy(charter, members)
}

/** A charter with the votes of these members. */
export function votedBy(charter: CharterStatement, members: readonly MadeMember[]): VotedCharter {
  const { alliance, time } = charter
  const fields = { alliance, charter: statementHash(charter), time }
  const votes = members.map(({ self, root }) => signStatement('vote', { member: self.member, ...fields }, [root]))
  return { charter, votes }
}
