// One publication in alliances of 2 to 200 members: messages, bytes and time, with the federation as it runs in a node over a
// simulated network of 1 to 20 ms; every member is linked with every other.
import { amberFor, indicator } from '../../src/federation/testing/objects.ts'
import { Coverage } from '../../src/federation/simulation/coverage.ts'
import { makeCharter, makeMember } from '../../src/federation/simulation/members.ts'
import { rememberSignatures } from '../../src/federation/simulation/quick-signatures.ts'
import { Seeded } from '../../src/federation/simulation/seeded.ts'
import { addressOf, SimulatedNode } from '../../src/federation/simulation/simulated-node.ts'
import { VirtualTime } from '../../src/federation/simulation/virtual-time.ts'
import { admits } from '#policy'
import { MeteredNetwork, type Traffic } from './metered-network.ts'

/** Of two members, that others verify within a minute. */
const SIGNATURES_OF_PAIR = 4
const SIGNATURES_LEAST = 20_000
const START_MS = 1_790_000_000_000
const ALLIANCE = 'wide'
const WEATHER = { delayMs: [1, 20], loss: 0, duplication: 0, replay: 0 } as const
/** Until every link is up; nodes look for news of charters and snapshots for some time after that. */
const SETTLED_MS = 30_000
const PUBLICATIONS = 10
const GOSSIP = '/link/v1/gossip'
/** A publication, its receipts and their answers are over by then. */
const WINDOW_MS = 300
/** All streams are as old as the alliance: their signs of life come together, every 15 s, and not in this time after them. */
const APART_MS = 5_000
/** Nodes compare checkpoints once in this time, however much was published. */
const POLL_MS = 60_000

/** Of one size of the alliance. */
export interface MembersRow {
  members: number
  /** Messages that one publication causes: to every member, its receipt, and the answers. */
  messages: number
  kilobytes: number
  /** Of those, what the author's node sends. */
  authorKilobytes: number
  /** Virtual time from the publication to the commit at the last member: network and simulated disks. */
  lastMs: number
  /** CPU that one publication takes at all nodes together, and at each. */
  cpuMs: number
  cpuPerMemberMs: number
  /** What one member's node sends per minute beside that: streams kept alive, checkpoints compared with every peer. */
  backgroundMessages: number
  backgroundKilobytes: number
}

/** What went over the network, and what that took. */
interface Used extends Traffic {
  authorBytes: number
  cpuMs: number
}

export async function measureMembers(count: number): Promise<MembersRow> {
  using _ = rememberSignatures(Math.max(SIGNATURES_LEAST, count * count * SIGNATURES_OF_PAIR))
  const time = new VirtualTime(START_MS)
  const seeded = new Seeded(count)
  const network = new MeteredNetwork(time, seeded.stream('network'), WEATHER, new Coverage())
  const made = Array.from({ length: count }, (_unused, i) => {
    const slug = `member-${String(i).padStart(3, '0')}`
    return makeMember(slug, START_MS, { address: addressOf(slug) })
  })
  const arrivals: number[] = []
  const surroundings = {
    time,
    network,
    seeded,
    charters: [makeCharter(ALLIANCE, made, START_MS)],
    decides: admits,
    applied: (_node: SimulatedNode, changes: readonly { op: string }[]) => {
      if (changes.some(({ op }) => op === 'mirror')) arrivals.push(time.now)
    },
    alarmed: (node: SimulatedNode, alarm: { kind: string; message: string }) => {
      throw new Error(`${node.slug} raises ${alarm.kind}: ${alarm.message}`)
    },
    told: {},
    logged: () => undefined,
  }
  const nodes = made.map((member) => new SimulatedNode(surroundings, member, 0))
  const author = nodes[0]!
  const run = (ms: number) => time.runUntil(time.now + ms, () => undefined)
  for (const node of nodes) time.after(0, `start ${node.slug}`, () => void node.start())
  await run(SETTLED_MS)
  const publish = (n: number) =>
    time.after(0, 'publish', () => {
      void author.publish(amberFor(ALLIANCE), [indicator(`growth ${n}`, author.member.self.member, time.now)])
    })
  const used = (): Used => {
    const { user, system } = process.cpuUsage()
    return { ...network.traffic(), authorBytes: network.traffic(author.address).bytes, cpuMs: (user + system) / 1_000 }
  }
  const over = async (work: () => Promise<void>): Promise<Used> => {
    const before = used()
    await work()
    const after = used()
    const of = (name: keyof Used) => after[name] - before[name]
    return { messages: of('messages'), bytes: of('bytes'), authorBytes: of('authorBytes'), cpuMs: of('cpuMs') }
  }
  publish(0)
  await run(WINDOW_MS)

  const minute = await over(async () => {
    publish(-1)
    await run(POLL_MS)
  })

  await run(APART_MS)
  // What goes on besides is taken off: as much of it as in the same time without a publication. Checkpoints are compared
  // once a minute, however much was published, so those few that fall into this time are no part of it.
  network.isCounted = (target) => target !== GOSSIP
  const still = await over(() => run(PUBLICATIONS * WINDOW_MS))
  let lastMs = 0
  const published = await over(async () => {
    for (let n = 1; n <= PUBLICATIONS; n++) {
      arrivals.length = 0
      const begin = time.now
      publish(n)
      await run(WINDOW_MS)
      if (arrivals.length !== count - 1)
        throw new Error(`${arrivals.length} of ${count - 1} members hold the publication`)
      lastMs += Math.max(...arrivals) - begin
    }
  })
  for (const node of nodes) node.crash()
  const per = (of: keyof Used) => (published[of] - still[of]) / PUBLICATIONS
  const [messages, bytes, cpuMs] = [per('messages'), per('bytes'), per('cpuMs')]
  return {
    members: count,
    messages,
    kilobytes: bytes / 1_024,
    authorKilobytes: per('authorBytes') / 1_024,
    lastMs: lastMs / PUBLICATIONS,
    cpuMs,
    cpuPerMemberMs: cpuMs / count,
    backgroundMessages: (minute.messages - messages) / count,
    backgroundKilobytes: (minute.bytes - bytes) / count / 1_024,
  }
}
