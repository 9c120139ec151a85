import { toHex, toTimestamp } from '#base'
import type { Audience } from '#log'
import { admits, registerOf } from '#policy'
import { indicator } from '../testing/objects.ts'
import { makeCharter, makeMember } from './members.ts'
import { headOf } from './memory-disk.ts'
import { rootAt } from './memory-tree.ts'
import { Network } from './network.ts'
import { Seeded } from './seeded.ts'
import { SimulatedNode } from './simulated-node.ts'
import { VirtualTime } from './virtual-time.ts'

/** How one run goes. */
export interface SimulationOptions {
  seed: number
  /** Members; two alliances overlap in a few of them. */
  members?: number
  /** Simulated time of faults, and then of quiet. */
  troubleMs?: number
  quietMs?: number
  publications?: number
  crashes?: number
  cuts?: number
  /** Planted instead of the true access decision, to see that a run catches it. */
  decides?: typeof admits
}

/** What a run found; `violations` is empty where every promise held. */
export interface SimulationResult {
  trace: string
  violations: string[]
  acknowledged: number
  mirrored: number
}

const START_MS = 1_790_000_000_000
const MINUTE_MS = 60_000
const WEATHER = { delayMs: [1, 400], loss: 0.03, duplication: 0.05 } as const
const CALM = { delayMs: [1, 20], loss: 0, duplication: 0 } as const
/** An honest world gives no reason for these. */
const ACCUSATIONS = ['fork', 'rollback', 'equivocation', 'bad-signature', 'bad-answer', 'misdelivered', 'omission']

/**
 * A whole alliance under one seed: the federation as it runs in a node, over simulated network, clocks and disks.
 *
 * After every step nobody holds a log that it is not admitted to. At the end, when all is calm: every entitled member
 * has converged on every log, nothing acknowledged was lost, and no honest member stands accused.
 */
export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const { seed, members: count = 13, troubleMs = 3 * MINUTE_MS, quietMs = 4 * MINUTE_MS } = options
  const { publications = 60, crashes = 5, cuts = 6, decides = admits } = options
  const seeded = new Seeded(seed)
  const time = new VirtualTime(START_MS)
  const network = new Network(time, seeded, WEATHER)
  const made = Array.from({ length: count }, (_, i) =>
    makeMember(`member-${i}`, START_MS, { address: `http://member-${i}`, nation: i % 2 === 0 ? 'JP' : 'PH' }),
  )
  const [west, east] = [made.slice(0, Math.ceil(count * 0.6)), made.slice(Math.floor(count * 0.45))]
  const charters = [makeCharter('east', east, START_MS), makeCharter('west', west, START_MS)]
  const register = registerOf(charters.map((voted) => voted.charter))
  const world = { time, network, seeded, charters, decides }
  const nodes = made.map((member) => new SimulatedNode(world, member, seeded.between(-20_000, 20_000)))
  const violations = new Set<string>()
  const heldBefore = new Map<SimulatedNode, number>()

  const checkEntitlement = () => {
    for (const node of nodes) {
      if (heldBefore.get(node) === node.disk.logs.size) continue
      heldBefore.set(node, node.disk.logs.size)
      for (const log of node.disk.logs.values())
        if (!isEntitled(log.audience, log.author, node))
          violations.add(`${node.member.self.slug} holds a log of ${log.author} that does not admit it`)
    }
  }
  const isEntitled = (audience: Audience, author: string, node: SimulatedNode) =>
    admits({
      audience,
      author,
      server: author,
      reader: node.member.self.member,
      channel: 'node',
      register,
      now: time.now,
    }).send

  for (const node of nodes) time.after(0, `start ${node.member.self.slug}`, () => void node.start())
  for (let i = 0; i < publications; i++) {
    time.after(seeded.between(100, troubleMs), `publish ${i}`, () => {
      const node = seeded.pick(nodes)
      const author = node.member.self.member
      const object = indicator(`object ${i}`, author, time.now, { modified: toTimestamp(time.now) })
      void node.publish(audienceFor(seeded, node, nodes), object)
    })
  }
  for (let i = 0; i < crashes; i++) {
    const node = seeded.pick(nodes)
    const at = seeded.between(100, troubleMs)
    time.after(at, `crash ${node.member.self.slug}`, () => node.crash())
    time.after(at + seeded.between(10, 20_000), `restart ${node.member.self.slug}`, () => {
      if (!node.isUp) void node.start()
    })
  }
  for (let i = 0; i < cuts; i++) {
    const [a, b] = [seeded.pick(nodes), seeded.pick(nodes)]
    time.after(seeded.between(100, troubleMs), 'cut', () => network.cut(a.address, b.address))
    time.after(seeded.between(troubleMs >> 1, troubleMs), 'heal', () => network.heal())
  }
  await time.runUntil(START_MS + troubleMs, checkEntitlement)
  network.heal()
  network.weather = CALM
  for (const node of nodes) if (!node.isUp) time.after(0, `restart ${node.member.self.slug}`, () => void node.start())
  await time.runUntil(START_MS + troubleMs + quietMs, checkEntitlement)

  let mirrored = 0
  for (const node of nodes) {
    const { slug } = node.member.self
    for (const { log, index, leaf } of node.acknowledged) {
      const entry = node.disk.logs.get(log)?.entries[index]
      if (!entry || toHex(entry.leaf) !== leaf) violations.add(`${slug} lost the acknowledged entry ${index} of ${log}`)
    }
    for (const alarm of node.alarms)
      if (ACCUSATIONS.includes(alarm.kind))
        violations.add(`${slug} accuses ${alarm.peer}: ${alarm.kind}: ${alarm.message}`)
    for (const log of node.disk.logs.values()) {
      if (!log.own) continue
      const head = headOf(log)
      for (const other of nodes) {
        if (other === node || !isEntitled(head.audience, head.author, other)) continue
        const mirror = other.disk.logs.get(head.log)
        if (mirror?.entries.length !== head.size || rootAt(mirror, head.size) !== head.root)
          violations.add(
            `${other.member.self.slug} has ${mirror?.entries.length ?? 0} of ${head.size} entries of ${slug}`,
          )
        else mirrored++
      }
    }
  }
  const acknowledged = nodes.reduce((sum, node) => sum + node.acknowledged.length, 0)
  for (const node of nodes) node.crash()
  return { trace: time.trace(), violations: [...violations], acknowledged, mirrored }
}

function audienceFor(seeded: Seeded, node: SimulatedNode, nodes: readonly SimulatedNode[]): Audience {
  const alliances = node.federation?.directory.member(node.member.self.member)?.alliances ?? ['west']
  const one = seeded.pick(alliances)
  const other = seeded.pick(nodes).member.self.member
  return seeded.pick<Audience>([
    { v: 1, tlp: 'amber', community: [one] },
    { v: 1, tlp: 'green', community: [one] },
    { v: 1, tlp: 'amber', community: [one], nations: ['JP'] },
    { v: 1, tlp: 'red', participants: [other] },
    { v: 1, tlp: 'clear' },
  ])
}
