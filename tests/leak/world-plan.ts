// What a generated world is: organisations, the charters of two bridged alliances step by step, and what two nodes
// publish, narrow and take back in each step. It is plain data, made from a seed, so that a failure can be shrunk.
import { Seeded } from '../../src/federation/simulation/seeded.ts'
import { absentId } from './markers.ts'

/** The two members that run nodes; the first is in both alliances whenever it can be. */
export const HUB = 'jp-hub'
export const RELAY = 'us-relay'
export const SERVERS = [HUB, RELAY] as const
export type Server = (typeof SERVERS)[number]

export const ALLIANCES = ['north', 'south'] as const
export type AllianceName = (typeof ALLIANCES)[number]
export const LEVELS = ['clear', 'green', 'amber', 'amber+strict', 'red'] as const
export type Level = (typeof LEVELS)[number]
export type Standing = 'active' | 'suspended' | 'observer' | 'candidate' | 'left'

/** One organisation; what is not about its standing stays the same throughout. */
export interface Org {
  slug: string
  nation: string
  kind: string
  sectors: readonly string[]
}

export const MEMBERS: readonly Org[] = [
  { slug: HUB, nation: 'JP', kind: 'national-csirt', sectors: [] },
  { slug: RELAY, nation: 'US', kind: 'agency', sectors: ['energy'] },
  { slug: 'ph-cert', nation: 'PH', kind: 'national-csirt', sectors: [] },
  { slug: 'th-agency', nation: 'TH', kind: 'agency', sectors: ['financial'] },
  { slug: 'jp-isac', nation: 'JP', kind: 'isac', sectors: ['energy', 'financial'] },
  { slug: 'fr-guest', nation: 'FR', kind: 'company', sectors: ['energy'] },
]

export const CLIENTS: readonly Org[] = [
  { slug: 'jp-bank', nation: 'JP', kind: 'company', sectors: ['financial'] },
  { slug: 'us-grid', nation: 'US', kind: 'company', sectors: ['energy'] },
  { slug: 'ph-tel', nation: 'PH', kind: 'company', sectors: ['telecom'] },
  { slug: 'jp-ministry', nation: 'JP', kind: 'agency', sectors: [] },
]

export const ORGS: readonly Org[] = [...MEMBERS, ...CLIENTS]

/** How a member stands in a charter. */
export interface Row {
  member: string
  standing: Standing
  clients: readonly string[]
  maxTlp?: Level
  oldTlp?: true
  /** Its node was declared to enforce no caveats. */
  ignoresCaveats?: true
  cyber?: true
}

/** One version of a charter. */
export interface Charter {
  alliance: AllianceName
  rows: readonly Row[]
  greenDefault: 'community' | 'cyber-defence'
  carriers: readonly string[]
  observers?: Level
  candidates?: Level
}

/** One marking-definition of Noroshi's; organisations by slug. */
export interface Caveat {
  releasable_to?: { nations?: string[]; orgs?: string[]; alliances?: string[]; sectors?: string[]; kinds?: string[] }
  community?: string
  distribution?: string[]
  participants?: string[]
  coauthors?: string[]
  /** Milliseconds from now. */
  embargo?: number
  consent?: 'everyone' | 'gov' | 'own-gov' | 'none'
}

/** What an object or a part of it carries. */
export interface Mark {
  tlp?: Level
  /** By the id of TLP 1.0. */
  tlp1?: true
  caveats: readonly Caveat[]
  /** An id that nobody can resolve. */
  unknown?: true
}

export type Type = 'indicator' | 'malware' | 'report' | 'note' | 'sighting' | 'relationship'

/** One object version that a node publishes. */
export interface Thing {
  /** Its number in the world. */
  n: number
  author: Server
  type: Type
  mark: Mark
  /** Parts with a marking of their own. */
  granular: readonly { part: 'n' | 'd' | 'l' | 'u' | 'p'; mark: Mark }[]
  /** Numbers of objects that it refers to: of the same author, published before or along. */
  refs: readonly number[]
  /** Names a third party as its creator. */
  creator?: true
  /** A newer version of that object. */
  of?: number
}

/** Own objects for organisations by name, beyond their marking. */
export interface Grant {
  n: number
  to: readonly string[]
  /** Milliseconds; absent: without an end. */
  lasts?: number
}

/** One step: time, charters, then what is published, then what is granted and taken back. */
export interface Step {
  /** So much time passes before, in milliseconds. */
  pass?: number
  grants?: readonly Grant[]
  charters: readonly Charter[]
  things: readonly Thing[]
  recalls: readonly number[]
}

export interface Plan {
  seed: number
  steps: readonly Step[]
}

/** Marking-definitions and their things have one number each below this. */
const STEP_THINGS = [2, 6] as const
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** A plan of so many steps. Each step is a world of its own, on top of all that was before. */
export function planOf(seed: number, steps: number): Plan {
  const random = new Seeded(seed)
  const made: Step[] = []
  let n = 1
  for (let i = 0; i < steps; i++) {
    const charters = ALLIANCES.map((alliance) => charterOf(random, alliance))
    const before = made.flatMap(({ things }) => things)
    const things: Thing[] = []
    for (const author of SERVERS) {
      const count = random.between(...STEP_THINGS)
      const batch: Thing[] = []
      for (let k = 0; k < count; k++) batch.push(thingOf(random, n++, author, batch, before))
      things.push(...batch)
    }
    const recalls = before.filter(() => random.chance(0.08)).map((thing) => thing.n)
    const grants = things
      .filter((thing) => isPlain(thing) && thing.refs.length === 0 && random.chance(0.25))
      .map((thing) => ({
        n: thing.n,
        to: [random.pick(ORGS).slug, ...(random.chance(0.3) ? [random.pick(ORGS).slug] : [])],
        ...(random.chance(0.5) ? { lasts: HOUR_MS } : {}),
      }))
    made.push({ charters, things, recalls, grants, ...(random.chance(0.4) ? { pass: 2 * HOUR_MS } : {}) })
  }
  return { seed, steps: made }
}

function charterOf(random: Seeded, alliance: AllianceName): Charter {
  const rows: Row[] = []
  for (const { slug } of MEMBERS) {
    const isHub = slug === HUB
    const isIn = isHub ? alliance === 'north' || random.chance(0.85) : random.chance(slug === RELAY ? 0.8 : 0.6)
    if (!isIn) continue
    const standing: Standing = isHub ? 'active' : standingOf(random)
    rows.push({
      member: slug,
      standing,
      clients: CLIENTS.filter(() => random.chance(0.35)).map((client) => client.slug),
      ...(!isHub && random.chance(0.15) ? { maxTlp: random.pick(LEVELS) } : {}),
      ...(!isHub && random.chance(0.1) ? { oldTlp: true as const } : {}),
      ...(!isHub && slug !== RELAY && random.chance(0.1) ? { ignoresCaveats: true as const } : {}),
      ...(random.chance(0.3) ? { cyber: true as const } : {}),
    })
  }
  const active = rows.filter(({ standing }) => standing === 'active').map(({ member }) => member)
  return {
    alliance,
    rows: rows.length > 0 && active.length > 0 ? rows : [{ member: 'ph-cert', standing: 'active', clients: [] }],
    greenDefault: random.chance(0.3) ? 'cyber-defence' : 'community',
    carriers: active.filter(() => random.chance(0.2)),
    ...(random.chance(0.6) ? { observers: random.pick(LEVELS) } : {}),
    ...(random.chance(0.4) ? { candidates: random.pick(LEVELS) } : {}),
  }
}

const standingOf = (random: Seeded): Standing =>
  random.chance(0.68) ? 'active' : random.pick(['suspended', 'observer', 'candidate', 'left'])

/** Has one form alone: what becomes of other forms later is in the named cases. */
const isPlain = ({ granular, creator }: Thing) => granular.length === 0 && creator === undefined

function thingOf(random: Seeded, n: number, author: Server, batch: readonly Thing[], before: readonly Thing[]): Thing {
  const own = [...batch, ...before.filter((thing) => thing.author === author)].filter(
    (thing) => thing.of === undefined && (thing.type === 'indicator' || thing.type === 'malware') && isPlain(thing),
  )
  const older = own.filter((thing) => thing.type === 'malware' && before.includes(thing))
  if (older.length > 0 && random.chance(0.15)) {
    const of = random.pick(older).n
    if (!batch.some((thing) => thing.of === of))
      return { n, author, type: 'malware', mark: markOf(random), granular: [], refs: [], of }
  }
  const isAbout = own.length > 0 && random.chance(0.35)
  const type: Type = isAbout
    ? random.pick(['report', 'note', 'sighting', 'relationship'])
    : random.pick(['indicator', 'indicator', 'malware'])
  const refs: number[] = []
  if (isAbout)
    for (let k = 0; k < (type === 'relationship' ? 2 : type === 'report' ? random.between(1, 3) : 1); k++)
      refs.push(random.pick(own).n)
  const parts = type === 'indicator' ? (['n', 'd', 'l', 'u', 'p'] as const) : (['d', 'l', 'u'] as const)
  const granular = parts
    .filter((part) => random.chance(part === 'p' ? 0.05 : 0.12))
    .map((part) => ({ part, mark: granularMark(random) }))
  return {
    n,
    author,
    type,
    mark: markOf(random),
    granular,
    refs: type === 'report' ? [...new Set(refs)] : refs,
    ...(type === 'indicator' && random.chance(0.2) ? { creator: true as const } : {}),
  }
}

function markOf(random: Seeded): Mark {
  const tlp = random.pick([
    'clear',
    'green',
    'green',
    'green',
    'amber',
    'amber',
    'amber',
    'amber+strict',
    'red',
  ] as const)
  const caveats: Caveat[] = []
  if (tlp === 'red' && random.chance(0.85)) caveats.push({ participants: someOrgs(random) })
  for (let k = random.chance(0.45) ? random.between(1, 2) : 0; k > 0; k--) caveats.push(caveatOf(random))
  return {
    tlp,
    caveats,
    ...(tlp !== 'amber+strict' && random.chance(0.1) ? { tlp1: true as const } : {}),
    ...(random.chance(0.02) ? { unknown: true as const } : {}),
    ...(random.chance(0.03) ? { tlp: undefined as never } : {}),
  }
}

/** One level, or one caveat: a granular entry names one definition. */
function granularMark(random: Seeded): Mark {
  if (random.chance(0.5)) return { tlp: random.pick(LEVELS), caveats: [] }
  return { caveats: [caveatOf(random)] }
}

function caveatOf(random: Seeded): Caveat {
  switch (random.between(0, 9)) {
    case 0:
      return { community: random.pick(ALLIANCES) }
    case 1:
      return { distribution: someOrgs(random) }
    case 2:
      return {
        embargo: random.pick([-DAY_MS, HOUR_MS, 10 * DAY_MS]),
        ...(random.chance(0.5) ? { coauthors: someOrgs(random) } : {}),
      }
    case 3:
      return { consent: random.pick(['everyone', 'gov', 'own-gov', 'none']) }
    case 4:
      return { releasable_to: { alliances: [random.pick(ALLIANCES)] } }
    case 5:
      return { releasable_to: { orgs: someOrgs(random) } }
    case 6:
      return { releasable_to: { sectors: some(random, ['energy', 'financial', 'telecom']) } }
    case 7:
      return { releasable_to: { kinds: some(random, ['national-csirt', 'agency', 'company', 'isac']) } }
    default:
      return { releasable_to: { nations: some(random, ['JP', 'US', 'PH', 'TH', 'FR']) } }
  }
}

/** An empty list now and then: it admits nobody. */
const some = (random: Seeded, all: readonly string[]) => all.filter(() => random.chance(0.45))
const someOrgs = (random: Seeded) =>
  some(
    random,
    ORGS.map(({ slug }) => slug),
  )

/** The id of a marking that nobody can resolve. */
export const UNKNOWN_MARKING = absentId('marking-definition', 0xfff)
