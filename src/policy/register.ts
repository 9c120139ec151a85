/**
 * Organisations and alliances, as the charters in force name them. Everything that the rules ask about an organisation
 * is asked here; an organisation that is not in the register is nobody.
 */
import { isJsonObject, type JsonObject } from '#base'
import {
  type CharterClient,
  type CharterMember,
  type CharterRules,
  type CharterStatement,
  type Standing,
  isKeyed,
} from '#log'
import { type Level, rank, toLevel } from './tlp.ts'

/** One organisation: a member, a client of one, or the public. */
export interface Organisation {
  readonly id: string
  readonly slug: string
  /** ISO 3166-1 alpha-2. */
  readonly nation: string | null
  readonly kind: string
  readonly sectors: readonly string[]
  /** Ids of the organisations that serve it. */
  readonly clientOf: readonly string[]
  readonly standing: Standing
  /** Highest level that it may receive; one that is not a level admits nothing. */
  readonly maxTlp?: string
  readonly tlpVersion?: number
  /** Whether it was declared to know Noroshi's marking extension; absent: not declared. */
  readonly caveats?: boolean
  /** Belongs to the cyber-defence community at large. */
  readonly cyberCommunity?: boolean
  /** A client that runs a node of its own, under keys that a charter lists. */
  readonly hasNode?: boolean
  /** The charter names it as its nation's lead, where a nation has several national CSIRTs. */
  readonly isLead?: boolean
}

/** Who is who. */
export interface Register {
  /** By id, else by slug; a slug that two organisations bear is nobody. */
  org(idOrSlug: string): Organisation | undefined
  /** Ids of the members of an alliance. */
  alliance(slug: string): ReadonlySet<string> | undefined
  alliances(): readonly string[]
  organisations(): Iterable<Organisation>
  /** Ids of the members that the alliance's charter names as carriers. */
  carriers(alliance: string): ReadonlySet<string>
  /** Whether every charter of this member opens GREEN that names no community to cyber defenders at large. */
  opensGreen(member: string): boolean
  /** Whether the alliance's charter opens receipts to its members. */
  opensReceipts(alliance: string): boolean
  /** Members as of one version of the charter, where that version is known; version 0 is whoever is a member. */
  epoch(alliance: string, version: number): ReadonlySet<string> | undefined
  /** The version in which somebody last joined, where the charter gives new members nothing older. */
  joiningEpoch(alliance: string): number | undefined
}

/** What a register is made of. */
export interface RegisterParts {
  organisations: Iterable<Organisation>
  alliances: ReadonlyMap<string, ReadonlySet<string>>
  carriers?: ReadonlyMap<string, ReadonlySet<string>>
  /** Alliances whose charter says `greenDefault: cyber-defence`. */
  opensGreen?: ReadonlySet<string>
  /** Alliances whose charter says `receipts: alliance`. */
  opensReceipts?: ReadonlySet<string>
  /** Keyed `<alliance>:<version>`. */
  epochs?: ReadonlyMap<string, ReadonlySet<string>>
  /** By alliance: the version in which somebody last joined, for those whose new members get nothing older. */
  joiningEpochs?: ReadonlyMap<string, number>
}

const NOBODY: ReadonlySet<string> = new Set()

/** A register over the parts; members that are no known organisation are left out. */
export function toRegister(parts: RegisterParts): Register {
  const byId = new Map<string, Organisation>()
  const bySlug = new Map<string, Organisation | undefined>()
  for (const org of parts.organisations) {
    byId.set(org.id, org)
    bySlug.set(org.slug, bySlug.has(org.slug) ? undefined : org)
  }
  const org = (name: string) => byId.get(name) ?? bySlug.get(name)
  const ids = (names: ReadonlySet<string>) => new Set([...names].flatMap((name) => org(name)?.id ?? []))
  const alliances = new Map([...parts.alliances].map(([slug, members]) => [slug, ids(members)]))
  return {
    org,
    alliance: (slug) => alliances.get(slug),
    alliances: () => [...alliances.keys()],
    organisations: () => byId.values(),
    opensGreen: (member) => {
      const own = [...alliances].filter(([, members]) => members.has(member))
      return own.length > 0 && own.every(([slug]) => parts.opensGreen?.has(slug))
    },
    opensReceipts: (slug) => parts.opensReceipts?.has(slug) === true,
    carriers: (slug) => parts.carriers?.get(slug) ?? NOBODY,
    epoch: (slug, version) => (version === 0 ? alliances.get(slug) : parts.epochs?.get(`${slug}:${version}`)),
    joiningEpoch: (slug) => parts.joiningEpochs?.get(slug),
  }
}

/** Members of the versions of charters, keyed `<alliance>:<version>`. */
export type Epochs = ReadonlyMap<string, ReadonlySet<string>>

/**
 * The register of the charters in force; earlier versions of a charter may be given too, or their members alone, for
 * audiences that are bound to an epoch. Where charters contradict each other about an organisation, what they disagree on counts for nothing, and the
 * lowest cap holds.
 */
export function registerOf(charters: readonly CharterStatement[], earlier: Epochs = new Map()): Register {
  const current = new Map<string, CharterStatement>()
  for (const charter of charters) {
    const known = current.get(charter.alliance)
    if (known === undefined || known.version < charter.version) current.set(charter.alliance, charter)
  }
  const organisations = new Map<string, Organisation>()
  for (const charter of current.values()) {
    for (const row of charter.members) {
      add(organisations, memberOf(row, charter.rules))
      // Who left is nobody's provider; a guest's level is its own, and its clients would stand beside it.
      if (row.standing === 'left' || isGuest(row.standing)) continue
      for (const client of row.clients ?? []) add(organisations, clientOf(client, row.id))
    }
  }
  const inForce = [...current.values()]
  const known = new Map([...earlier, ...charters.map(epochOf)])
  return toRegister({
    organisations: organisations.values(),
    alliances: new Map(inForce.map((charter) => [charter.alliance, admittedIds(charter)])),
    carriers: new Map(inForce.map((charter) => [charter.alliance, new Set<string>(charter.rules.carriers)])),
    opensGreen: new Set(
      inForce.filter(({ rules }) => rules.greenDefault === 'cyber-defence').map(({ alliance }) => alliance),
    ),
    opensReceipts: new Set(
      inForce.filter(({ rules }) => rules.receipts === 'alliance').map(({ alliance }) => alliance),
    ),
    epochs: new Map([...known].map(([epoch, ids]) => [epoch, ids.union(backfilledIds(epoch, current))])),
    joiningEpochs: new Map(
      inForce
        .filter(({ rules }) => rules.backfill === 'joining')
        .map(({ alliance, version }) => [alliance, lastJoining(alliance, version, known)]),
    ),
  })
}

/** Who counted as a member in one version of a charter, with the key of that version. */
export const epochOf = (charter: CharterStatement): [epoch: string, ids: ReadonlySet<string>] => [
  `${charter.alliance}:${charter.version}`,
  admittedIds(charter),
]

/** Members to whom the inviters gave everything: they count in every epoch. */
function backfilledIds(epoch: string, current: ReadonlyMap<string, CharterStatement>): Set<string> {
  const members = current.get(epoch.slice(0, epoch.indexOf(':')))?.members ?? []
  return new Set(members.filter(({ backfill }) => backfill === 'everything').map(({ id }) => id))
}

/** The newest version up to this one in which somebody became a member. */
function lastJoining(alliance: string, version: number, known: Epochs): number {
  const idsIn = (at: number) => known.get(`${alliance}:${at}`)
  let at = version
  while (at > 1 && idsIn(at - 1) !== undefined && idsIn(at)?.isSubsetOf(idsIn(at - 1)!) === true) at--
  return at
}

/** Who counts as a member where an audience names the alliance: a guest does up to the level that the rules give it. */
const admittedIds = ({ members, rules }: CharterStatement): Set<string> =>
  new Set(
    members
      .filter(({ standing }) => standing === 'active' || guestLevel(standing, rules) !== undefined)
      .map(({ id }) => id),
  )

/** The level that the charter's rules give to observers, or to candidates. */
const guestLevel = (standing: Standing, rules: CharterRules): Level | undefined =>
  standing === 'observer' ? rules.observers : standing === 'candidate' ? rules.candidates : undefined

const isGuest = (standing: Standing) => standing === 'observer' || standing === 'candidate'

/** The columns of a charter's row that the rules use. */
type CharterRow = CharterMember & { lead?: boolean }

/** Names under which a member's row declares the caveats that its node enforces. */
const DECLARABLE = ['releasable_to', 'community', 'distribution', 'participants', 'coauthors', 'embargo_until']

/**
 * A member runs a node, and a node knows every caveat unless its row declares fewer. A guest may receive, never above the
 * level that the rules give it.
 */
const memberOf = (row: CharterRow, rules: CharterRules): Organisation => ({
  ...organisationOf(row),
  clientOf: [],
  standing: isGuest(row.standing) ? 'active' : row.standing,
  caveats: row.caveats === undefined || DECLARABLE.every((name) => row.caveats?.includes(name)),
  ...capOf(row, rules),
  ...(row.tlpVersion === '1.0' && { tlpVersion: 1 }),
  ...(row.cyberCommunity && { cyberCommunity: true }),
  ...(row.lead && { isLead: true }),
})

function capOf({ standing, maxTlp }: CharterRow, rules: CharterRules): { maxTlp?: string } {
  const cap = isGuest(standing) ? lowerCap(maxTlp, guestLevel(standing, rules) ?? 'clear') : maxTlp
  return cap === undefined ? {} : { maxTlp: cap }
}

const clientOf = (row: CharterClient, provider: string): Organisation => ({
  ...organisationOf(row),
  clientOf: [provider],
  standing: 'active',
  // Its node knows caveats as every node does.
  ...(isKeyed(row) && { hasNode: true, caveats: true }),
})

const organisationOf = ({ id, slug, nation, kind, sectors }: CharterClient) => ({ id, slug, nation, kind, sectors })

function add(organisations: Map<string, Organisation>, org: Organisation): void {
  const known = organisations.get(org.id)
  organisations.set(org.id, known === undefined ? org : merge(known, org))
}

function merge(a: Organisation, b: Organisation): Organisation {
  const maxTlp = lowerCap(a.maxTlp, b.maxTlp)
  const caveats = a.caveats === undefined ? b.caveats : a.caveats && b.caveats !== false
  return {
    ...a,
    ...b,
    slug: a.slug,
    nation: a.nation === b.nation ? a.nation : null,
    kind: a.kind === b.kind ? a.kind : 'contradictory',
    sectors: a.sectors.filter((sector) => b.sectors.includes(sector)),
    clientOf: [...new Set([...a.clientOf, ...b.clientOf])],
    standing: a.standing === 'active' ? 'active' : b.standing,
    ...(maxTlp !== undefined && { maxTlp }),
    ...(caveats !== undefined && { caveats }),
  }
}

function lowerCap(a: string | undefined, b: string | undefined): string | undefined {
  if (a === undefined || b === undefined) return a ?? b
  const [left, right]: (Level | undefined)[] = [toLevel(a), toLevel(b)]
  if (left === undefined || right === undefined) return left === undefined ? a : b
  return rank(left) <= rank(right) ? a : b
}

/** The register of a vector, in which organisations are known by their slug alone. */
export function vectorRegister(orgs: JsonObject, alliances: JsonObject): Register {
  const texts = (value: unknown): string[] =>
    Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : []
  // What cannot be read is in no register, so it is nobody.
  const organisations = Object.entries(orgs).flatMap(([slug, row]): Organisation[] => {
    if (!isJsonObject(row)) return []
    const { nation, kind, standing, sector, sectors, maxTlp, tlpVersion, caveats, cyberCommunity } = row
    const organisation: Organisation = {
      id: slug,
      slug,
      nation: typeof nation === 'string' ? nation : null,
      kind: typeof kind === 'string' ? kind : '',
      sectors: [...texts(sectors), ...texts(sector), ...(typeof sector === 'string' ? [sector] : [])],
      clientOf: texts(row['clientOf']),
      standing: standing === undefined ? 'active' : (standing as Standing),
      ...(maxTlp !== undefined && maxTlp !== null && { maxTlp: JSON.stringify(maxTlp).replaceAll('"', '') }),
      ...(typeof tlpVersion === 'number' && { tlpVersion }),
      ...(typeof caveats === 'boolean' && { caveats }),
      cyberCommunity: cyberCommunity === true,
    }
    return [organisation]
  })
  return toRegister({
    organisations,
    alliances: new Map(Object.entries(alliances).map(([slug, members]) => [slug, new Set(texts(members))])),
  })
}
