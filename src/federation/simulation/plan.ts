import { type Audience, type CharterStatement, SNAPSHOT_FRESH_MS } from '#log'
import type { Weather } from './network.ts'
import { Seeded } from './seeded.ts'

/** One member as a plan lays it out. */
export interface PlannedMember {
  slug: string
  nation: string
  /** Standing in each alliance that it stands in. */
  standing: Partial<Record<Alliance, 'active' | 'observer'>>
  /** Nobody can call it. */
  outbound: boolean
  skewMs: number
}

export const ALLIANCES = ['east', 'west'] as const
export type Alliance = (typeof ALLIANCES)[number]

/** A change of a charter that a member proposes. */
export type PlannedChange =
  | { change: 'standing'; member: number; standing: 'active' | 'suspended' }
  | { change: 'nation'; member: number; nation: string }
  | { change: 'observers'; level: CharterStatement['rules']['observers'] }

/** What somebody does, or what breaks, at an instant of one cycle; members are named by their place. */
export type Act = { at: number; cycle: number } & (
  | { do: 'publish'; node: number; audience: Audience; count: number }
  | { do: 'revise'; node: number; nth: number }
  | { do: 'recall'; node: number; nth: number; reason: 'error' | 'personal-data' }
  | { do: 'expire'; node: number; nth: number }
  | { do: 'crash'; node: number; downMs: number; whole: number; part: number }
  | { do: 'disk'; node: number; mood: 'full' | 'failing' | 'lying'; forMs: number }
  | { do: 'rot'; node: number; what: 'entry' | 'checkpoint'; nth: number; fsckMs: number }
  | { do: 'backup'; node: number }
  | { do: 'restore'; node: number; downMs: number }
  | { do: 'clock'; node: number; jumpMs: number }
  | { do: 'cut'; from: number; to: number; both: boolean; forMs: number }
  | { do: 'silence'; from: number; to: number; forMs: number }
  | { do: 'amend'; node: number; alliance: Alliance; change: PlannedChange; isRival: boolean }
  | { do: 'approve'; node: number; alliance: Alliance; nth: number }
  | { do: 'rogue'; node: number; how: 'twin' | 'rollback' | 'garble'; sides: number }
)

/** Everything that one seed brings about, but for the weather's dice. */
export interface Plan {
  seed: number
  members: readonly PlannedMember[]
  weather: Weather
  cycles: number
  troubleMs: number
  acts: readonly Act[]
}

/** How much a plan holds. */
export interface PlanSize {
  members?: number
  cycles?: number
  troubleMs?: number
}

const NATIONS = ['JP', 'PH', 'US']
/** Acts that every plan has, and how many a minute. */
const WORK = { publish: 22, revise: 2, recall: 1.5, expire: 0.7, backup: 0.7 }
/** Faults and disputes; each plan has some of them, so that one that is rife does not hide the others. */
const TROUBLES = {
  crash: 2.5,
  disk: 1,
  rot: 0.6,
  restore: 0.5,
  clock: 1,
  cut: 2.5,
  silence: 1.5,
  amend: 1.2,
} as const
const MINUTE_MS = 60_000
/** A member of that slug is dishonest from some instant on, in this part of all plans. */
const ROGUE_PART = 0.35

/** Part of all plans in which a member is cut off from everybody, and for how long: longer than snapshots are fresh. */
const SECLUDED_PART = 0.06
const SECLUDED_MS = SNAPSHOT_FRESH_MS + 30_000

/** The plan of a seed: always the same. */
export function makePlan(seed: number, size: PlanSize = {}): Plan {
  const seeded = new Seeded(seed).stream('plan')
  const count = size.members ?? seeded.between(4, 7)
  const [cycles, troubleMs] = [size.cycles ?? 2, size.troubleMs ?? seeded.between(2, 4) * MINUTE_MS]
  const members = Array.from({ length: count }, (_, place) => makeMember(seeded, place, count))
  const acts: Act[] = []
  const rogue = seeded.chance(ROGUE_PART) ? seeded.between(0, count - 1) : undefined
  const chosen = (Object.keys(TROUBLES) as (keyof typeof TROUBLES)[]).filter(() => seeded.chance(0.55))
  for (let cycle = 0; cycle < cycles; cycle++) {
    const add = (kind: string, perMinute: number) => {
      const times = Math.floor((perMinute * troubleMs) / MINUTE_MS + seeded.fraction())
      for (let i = 0; i < times; i++) acts.push(...actsOf(kind, seeded, members, { cycle, troubleMs }))
    }
    for (const [kind, perMinute] of Object.entries(WORK)) add(kind, perMinute)
    for (const kind of chosen) add(kind, TROUBLES[kind])
  }
  if (rogue !== undefined) {
    const at = seeded.between(20_000, Math.floor(troubleMs * 0.7))
    const how = seeded.pick(['twin', 'twin', 'rollback', 'garble'] as const)
    acts.push({ do: 'rogue', at, cycle: 0, node: rogue, how, sides: seeded.between(1, 2 ** count - 2) })
    if (how === 'rollback') acts.push(...rollback(rogue, at))
  }
  // A dishonest member has its own troubles: those of others are laid on the others.
  const honest = acts.filter(
    (act) => ['publish', 'backup', 'rogue'].includes(act.do) || !('node' in act) || act.node !== rogue,
  )
  const plan = { seed, members, weather: makeWeather(seeded), cycles, troubleMs, acts: inOrder(honest) }
  return size.troubleMs === undefined ? secluded(plan) : plan
}

/** What it falls back to is of a time when it had published something, and it had published more since. */
function rollback(node: number, at: number): Act[] {
  const publishes = [0.4, 0.8, 1.2].map((part): Act => {
    const when = { at: Math.floor(at * part), cycle: 0, node }
    return { do: 'publish', ...when, audience: { v: 1, tlp: 'clear' }, count: 2 }
  })
  return [...publishes, { do: 'backup', at: Math.floor(at * 0.6), cycle: 0, node }]
}

/** In some plans nobody reaches one of the members, nor it them, for so long that what was signed last expires. */
function secluded(plan: Plan): Plan {
  const seeded = new Seeded(plan.seed).stream('seclusion')
  if (!seeded.chance(SECLUDED_PART)) return plan
  const from = seeded.between(0, plan.members.length - 1)
  const at = seeded.between(10_000, 60_000)
  const cuts = plan.members.flatMap((_, to): Act[] =>
    to === from ? [] : [{ do: 'cut', at, cycle: 0, from, to, both: true, forMs: SECLUDED_MS }],
  )
  const acts = plan.acts.filter(({ cycle }) => cycle === 0)
  return { ...plan, cycles: 1, troubleMs: SECLUDED_MS + 90_000, acts: inOrder([...acts, ...cuts]) }
}

export const inOrder = (acts: readonly Act[]): Act[] => acts.toSorted((a, b) => a.cycle - b.cycle || a.at - b.at)

function makeMember(seeded: Seeded, place: number, count: number): PlannedMember {
  const standing: PlannedMember['standing'] = {}
  // The first two form the one alliance, the last two the other; one in the middle bridges them.
  if (place < 2 || place === Math.floor(count / 2) || seeded.chance(0.3)) standing.west = 'active'
  if (place >= count - 2 || place === Math.floor(count / 2) || seeded.chance(0.3)) standing.east = 'active'
  if (Object.keys(standing).length === 0) standing.west = seeded.chance(0.5) ? 'observer' : 'active'
  if (place >= 2 && place < count - 2 && standing.west === undefined && seeded.chance(0.5)) standing.west = 'observer'
  return {
    slug: `m${place}`,
    nation: seeded.pick(NATIONS),
    standing,
    outbound: place > 0 && seeded.chance(0.2),
    skewMs: seeded.between(-15_000, 15_000),
  }
}

function makeWeather(seeded: Seeded): Weather {
  const slowest = seeded.pick([30, 400, 400, 4_000])
  return {
    delayMs: [1, slowest],
    loss: seeded.pick([0, 0.01, 0.05, 0.15]),
    duplication: seeded.pick([0, 0.03, 0.1]),
    replay: seeded.pick([0, 0.01, 0.05]),
  }
}

interface When {
  cycle: number
  troubleMs: number
}

/** One act of a kind, or a few that belong together. */
function actsOf(kind: string, seeded: Seeded, members: readonly PlannedMember[], { cycle, troubleMs }: When): Act[] {
  const at = seeded.between(500, troubleMs - 1_000)
  const node = seeded.between(0, members.length - 1)
  const when = { at, cycle, node }
  const nth = seeded.between(0, 1_000)
  const forMs = seeded.between(2_000, 60_000)
  switch (kind) {
    case 'publish':
      return [
        { do: 'publish', ...when, audience: makeAudience(seeded, members, node), count: seeded.pick([1, 1, 1, 4, 30]) },
      ]
    case 'revise':
      return [{ do: 'revise', ...when, nth }]
    case 'recall':
      return [{ do: 'recall', ...when, nth, reason: seeded.pick(['error', 'personal-data']) }]
    case 'expire':
      return [{ do: 'expire', ...when, nth }]
    case 'backup':
      return [{ do: 'backup', ...when }]
    case 'crash': {
      const [whole, part] = [seeded.between(0, 2), seeded.fraction()]
      return [{ do: 'crash', ...when, downMs: seeded.between(10, 30_000), whole, part }]
    }
    case 'disk':
      return [{ do: 'disk', ...when, mood: seeded.pick(['full', 'failing', 'lying']), forMs }]
    case 'rot':
      return [{ do: 'rot', ...when, what: seeded.pick(['entry', 'checkpoint']), nth, fsckMs: forMs }]
    case 'restore':
      return [{ do: 'restore', ...when, downMs: seeded.between(10, 20_000) }]
    case 'clock':
      return [{ do: 'clock', ...when, jumpMs: seeded.pick([-1, 1]) * seeded.pick([500, 20_000, 100_000, 180_000]) }]
    case 'cut':
    case 'silence': {
      const to = (node + seeded.between(1, members.length - 1)) % members.length
      if (kind === 'silence') return [{ do: 'silence', at, cycle, from: node, to, forMs }]
      return [{ do: 'cut', at, cycle, from: node, to, both: seeded.chance(0.5), forMs }]
    }
    default:
      return dispute(seeded, members, { cycle, troubleMs })
  }
}

/** A proposal, sometimes with a rival, and votes of members who vote for what they are shown first, or for another. */
function dispute(seeded: Seeded, members: readonly PlannedMember[], { cycle, troubleMs }: When): Act[] {
  const alliance = seeded.pick(ALLIANCES)
  const voters = members.flatMap(({ standing }, place) => (standing[alliance] === 'active' ? [place] : []))
  const at = seeded.between(500, Math.max(600, troubleMs - 20_000))
  const acts: Act[] = []
  const propose = (after: number, isRival: boolean) => {
    const change = makeChange(seeded, members, alliance)
    acts.push({ do: 'amend', at: at + after, cycle, node: seeded.pick(voters), alliance, change, isRival })
  }
  propose(0, false)
  if (seeded.chance(0.5)) propose(seeded.between(0, 500), true)
  for (const node of [...voters, ...voters])
    acts.push({ do: 'approve', at: at + seeded.between(200, 20_000), cycle, node, alliance, nth: seeded.between(0, 1) })
  return acts
}

function makeChange(seeded: Seeded, members: readonly PlannedMember[], alliance: Alliance): PlannedChange {
  const member = seeded.pick(members.flatMap(({ standing }, place) => (standing[alliance] === 'active' ? [place] : [])))
  return seeded.pick<PlannedChange>([
    { change: 'standing', member, standing: 'suspended' },
    { change: 'standing', member, standing: 'active' },
    { change: 'nation', member, nation: seeded.pick(NATIONS) },
    { change: 'observers', level: seeded.pick(['clear', 'green', 'amber']) },
  ])
}

/** Audiences hold member places as `#<place>` until their ids are known. */
function makeAudience(seeded: Seeded, members: readonly PlannedMember[], node: number): Audience {
  const own = ALLIANCES.filter((alliance) => members[node]?.standing[alliance])
  const community = [seeded.pick(own)]
  const named = [...new Set([seeded.between(0, members.length - 1), seeded.between(0, members.length - 1)])]
  const places = named.map((place) => `#${place}`) as never
  return seeded.pick<Audience>([
    { v: 1, tlp: 'amber', community },
    { v: 1, tlp: 'green', community },
    { v: 1, tlp: 'amber', community, nations: [seeded.pick(NATIONS)] },
    { v: 1, tlp: 'amber+strict', community, members: places },
    { v: 1, tlp: 'red', participants: places },
    { v: 1, tlp: 'clear' },
  ])
}
