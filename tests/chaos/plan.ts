// What happens when, drawn from a seed before anything starts: the same seed gives the same faults, kills and publications
// at the same instants of the run. What the machine makes of them differs from run to run.
import { randomOf } from '../durability/crash.ts'
import { type Fault, FAULTS } from './fault-relay.ts'

/** Who stands in which alliance. */
export type Alliances = Readonly<Record<string, readonly string[]>>

export type Step =
  | { at: number; do: 'fault'; from: string; to: string; fault: Fault }
  | { at: number; do: 'heal'; from: string; to: string; forgets: boolean }
  | { at: number; do: 'kill'; node: string }
  | { at: number; do: 'start'; node: string }
  | {
      at: number
      do: 'publish'
      node: string
      tlp: string
      to: readonly string[]
      entitled: readonly string[]
      killed: boolean
    }
  | { at: number; do: 'recall'; of: number }

export interface PlanOptions {
  alliances: Alliances
  seed: number
  /** How long things happen, milliseconds; then everything is healed. */
  ms: number
  /** Mean times between two of a kind, milliseconds. */
  faultEachMs: number
  killEachMs: number
  publishEachMs: number
  /** Longest fault. */
  faultMostMs: number
  downMostMs: number
}

/** Every step, in order of time. */
export function planOf(options: PlanOptions): Step[] {
  const { alliances, seed, ms } = options
  const random = randomOf(seed)
  const upTo = (most: number) => Math.floor(random() * most)
  const one = <T>(list: readonly T[]): T => list[upTo(list.length)]!
  const nodes = [...new Set(Object.values(alliances).flat())]
  const links = linksOf(alliances)
  const steps: Step[] = []
  // Each kind as often as the others, also in a short run.
  let kinds: Fault[] = []
  for (let at = upTo(options.faultEachMs); at < ms; at += 1 + upTo(2 * options.faultEachMs)) {
    const [from, to] = one(links)
    if (kinds.length === 0) kinds = [...FAULTS]
    steps.push({ at, do: 'fault', from, to, fault: kinds.splice(upTo(kinds.length), 1)[0]! })
    const until = Math.min(ms, at + 200 + upTo(options.faultMostMs))
    steps.push({ at: until, do: 'heal', from, to, forgets: random() < 0.5 })
  }
  const downUntil = new Map<string, number>()
  for (let at = upTo(options.killEachMs); at < ms; at += 1 + upTo(2 * options.killEachMs)) {
    const node = one(nodes)
    if ((downUntil.get(node) ?? 0) > at) continue
    const until = Math.min(ms, at + 100 + upTo(options.downMostMs))
    // Half of the kills strike right behind an acknowledgement.
    if (random() < 0.5) steps.push(publication(node, at - 1, true))
    else steps.push({ at, do: 'kill', node })
    steps.push({ at: until, do: 'start', node })
    downUntil.set(node, until + 3_000)
  }
  let published = 0
  for (let at = upTo(options.publishEachMs); at < ms; at += 1 + upTo(2 * options.publishEachMs)) {
    steps.push(publication(one(nodes), at, false))
    published++
    if (published > 5 && random() < 0.15) steps.push({ at: at + 1, do: 'recall', of: upTo(published) })
  }
  return steps.sort((a, b) => a.at - b.at)

  function publication(node: string, at: number, killed: boolean): Step {
    const own = Object.entries(alliances).filter(([, members]) => members.includes(node))
    const allies = [...new Set(own.flatMap(([, members]) => members))].filter((member) => member !== node)
    const few = [...new Set([one(allies), one(allies)])].sort()
    const [alliance, members] = one(own)
    const wide = { to: [`alliance:${alliance}`], entitled: members.filter((member) => member !== node) }
    const narrow = { to: few.map((member) => `member:${member}`), entitled: few }
    const chosen =
      random() < 0.6 ? { tlp: one(['green', 'amber', 'amber+strict']), ...wide } : { tlp: 'amber', ...narrow }
    return { at, do: 'publish', node, killed, ...chosen }
  }
}

/** Each ordered pair that shares an alliance. */
export function linksOf(alliances: Alliances): (readonly [from: string, to: string])[] {
  const pairs = Object.values(alliances).flatMap((members) =>
    members.flatMap((from) => members.filter((to) => to !== from).map((to) => `${from} ${to}`)),
  )
  return [...new Set(pairs)].map((pair) => pair.split(' ') as [string, string])
}
