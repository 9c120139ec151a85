import { fromBase64, type MemberId, type Millis } from '#base'
import {
  type CharterMember,
  type CharterRules,
  type CharterStatement,
  LogError,
  signedBy,
  type Standing,
  statementHash,
  toCharter,
} from '#log'
import { FederationError } from '../error.ts'

/** What of a member's row a vote may change; null takes an optional column away. */
export interface RowChange {
  name?: string
  nation?: string
  kind?: string
  sectors?: string[]
  address?: string | null
  maxTlp?: CharterMember['maxTlp'] | null
  tlpVersion?: CharterMember['tlpVersion'] | null
  cyberCommunity?: boolean | null
  quota?: CharterMember['quota'] | null
  networks?: string[] | null
  clients?: CharterMember['clients'] | null
}

/** What of the rules a vote may change; carriers are named by id or slug. */
export type RulesChange = Partial<Omit<CharterRules, 'carriers' | 'observers' | 'candidates'>> & {
  carriers?: string[]
  observers?: CharterRules['observers'] | null
  candidates?: CharterRules['candidates'] | null
}

/** One change of a charter, as a person asks for it; members are named by id or slug. */
export type Amendment =
  | { change: 'leave' }
  | { change: 'standing'; member: string; standing: Standing }
  | { change: 'row'; member: string; set: RowChange }
  | { change: 'rules'; set: RulesChange }
  /** The proposer's own keys, as its root key delegated and ended them. */
  | { change: 'keys' }
  /** The proposer's next root key, and its delegations as that one signed them. */
  | { change: 'root'; root: string; delegations: CharterMember['delegations'] }

/** Who proposes, and when. */
export interface Proposer {
  self: MemberId
  now: Millis
  /** Its own delegations and ends of them. */
  delegations?: CharterMember['delegations']
}

/**
 * The charter version that would follow, with that one change.
 * @throws FederationError ALLIANCE_MEMBER where nobody is so named, ALLIANCE_AMENDMENT where nothing would change or the
 *   result is no charter
 */
export function amend(charter: CharterStatement, amendment: Amendment, proposer: Proposer): CharterStatement {
  const time = Math.max(proposer.now, charter.time)
  const changed = amended(charter, amendment, proposer, time)
  if (JSON.stringify([changed.members, changed.rules]) === JSON.stringify([charter.members, charter.rules]))
    throw new FederationError('ALLIANCE_AMENDMENT', `This changes nothing in ${charter.alliance}`)
  try {
    return toCharter({ ...changed, version: charter.version + 1, previous: statementHash(charter), time })
  } catch (cause) {
    if (!(cause instanceof LogError)) throw cause
    throw new FederationError('ALLIANCE_AMENDMENT', `${charter.alliance} can't be changed so: ${cause.message}`, {
      cause,
    })
  }
}

function amended(
  charter: CharterStatement,
  amendment: Amendment,
  { self, delegations = [] }: Proposer,
  time: Millis,
): CharterStatement {
  switch (amendment.change) {
    case 'leave':
      return withRow(charter, self, (row) => inStanding(row, 'left', time))
    case 'standing':
      return withRow(charter, amendment.member, (row) => inStanding(row, amendment.standing, time))
    case 'row':
      return withRow(charter, amendment.member, (row) => withColumns(row, amendment.set))
    case 'keys':
      return withRow(charter, self, (row) => ({ ...row, delegations: allOf(row, delegations) }))
    case 'root':
      return withRow(charter, self, (row) => withRoot(row, amendment))
    case 'rules':
      return { ...charter, rules: withColumns(charter.rules, withCarriers(charter, amendment.set)) }
  }
}

function withCarriers(charter: CharterStatement, set: RulesChange): object {
  if (set.carriers === undefined) return set
  return { ...set, carriers: [...new Set(set.carriers.map((name) => rowOf(charter, name).id))].sort() }
}

function withRow(
  charter: CharterStatement,
  name: string,
  change: (row: CharterMember) => CharterMember,
): CharterStatement {
  const row = rowOf(charter, name)
  const next = change(row)
  const members = charter.members.map((member) => (member === row ? next : member))
  return { ...charter, members, rules: { ...charter.rules, carriers: carriersOf(charter, members) } }
}

function rowOf(charter: CharterStatement, name: string): CharterMember {
  const row = charter.members.find(({ id, slug }) => id === name || slug === name)
  if (row) return row
  throw new FederationError(
    'ALLIANCE_MEMBER',
    `${name} does not stand in ${charter.alliance}; see \`noroshi alliance members ${charter.alliance}\``,
  )
}

/** Who does not stand active carries nothing. */
const carriersOf = ({ rules }: CharterStatement, members: readonly CharterMember[]) =>
  rules.carriers.filter((id) => members.some((member) => member.id === id && member.standing === 'active'))

/** Who comes back joins anew, at that time. */
function inStanding(row: CharterMember, standing: Standing, time: Millis): CharterMember {
  if (row.standing === standing) return row
  if (standing === 'left') return { ...row, standing, left: time }
  const { left, ...back } = row
  return { ...back, standing, ...(left === undefined ? {} : { joined: time }) }
}

/** What the row lists, and what its root key has signed besides. */
function allOf(row: CharterMember, more: CharterMember['delegations']): CharterMember['delegations'] {
  const listed = new Set(row.delegations.map(({ statement }) => statementHash(statement)))
  const own = signedBy(more, fromBase64(row.root, 32)).filter(({ statement }) => {
    const hash = statementHash(statement)
    return !listed.has(hash) && listed.add(hash)
  })
  return [...row.delegations, ...own]
}

/** The member id stays that of the first root key. */
const withRoot = (row: CharterMember, next: { root: string; delegations: CharterMember['delegations'] }) => ({
  ...row,
  firstRoot: row.firstRoot ?? row.root,
  root: next.root,
  delegations: next.delegations,
})

/** Puts values in and takes the null ones out. */
function withColumns<T extends object>(row: T, set: object): T {
  const merged = Object.entries({ ...row, ...set }).filter(([, value]) => value !== null && value !== undefined)
  return Object.fromEntries(merged) as T
}
