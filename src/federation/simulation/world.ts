import { type JsonObject, toTimestamp } from '#base'
import type { admits } from '#policy'
import { indicator } from '../testing/objects.ts'
import type { Coverage } from './coverage.ts'
import { makeCharter, makeMember } from './members.ts'
import type { MemoryDisk } from './memory-disk.ts'
import { Network } from './network.ts'
import { brief, Oracle } from './oracle.ts'
import { type Act, ALLIANCES, type Plan } from './plan.ts'
import { Seeded } from './seeded.ts'
import { addressOf, SimulatedNode, type Surroundings } from './simulated-node.ts'
import { type ActOf, refusedBy, cutWay, flipped, jumpClock, rotBit, silenceWay, withIds } from './troubles.ts'
import type { VirtualTime } from './virtual-time.ts'

const CALM = { delayMs: [1, 20], loss: 0, duplication: 0, replay: 0 } as const
/** How long a crash waits for a write that it can cut off. */
const CRASH_WAIT_MS = 3_000
/** When the first image of each disk is taken: the alliance is founded, nothing is published. */
const FOUNDED_MS = 300

/** The nodes of one plan, and what befalls them. */
export class World {
  readonly time: VirtualTime
  readonly oracle: Oracle
  readonly nodes: SimulatedNode[]
  readonly network: Network
  /** What happened that a person would tell, oldest first. */
  readonly story: string[] = []
  /** By how much a clock was ahead at most: what it signed counts nowhere until then. */
  leadMs = 0
  /** Set to have every line that a node logs in the story. */
  isTelling = false
  readonly #plan: Plan
  readonly coverage: Coverage
  readonly #seeded: Seeded
  readonly #start: number
  readonly #images = new Map<SimulatedNode, MemoryDisk>()
  /** Damaged disks, and whether the damage is still there. */
  readonly #rotten = new Map<SimulatedNode, () => boolean>()
  readonly #twins = new Map<SimulatedNode, SimulatedNode>()
  readonly #surroundings: Surroundings
  #objects = 0

  constructor(plan: Plan, time: VirtualTime, coverage: Coverage, decides: typeof admits) {
    this.#plan = plan
    this.time = time
    this.coverage = coverage
    this.#start = time.now
    this.#seeded = new Seeded(plan.seed)
    const start = time.now
    this.network = new Network(time, this.#seeded.stream('network'), plan.weather, coverage)
    this.oracle = new Oracle(time, coverage, () => this.nodes)
    const made = plan.members.map(({ slug, nation, outbound }) =>
      makeMember(slug, start, { nation, ...(outbound ? {} : { address: addressOf(slug) }) }),
    )
    const charters = ALLIANCES.map((alliance) => {
      const rows = plan.members.flatMap(({ standing }, i) => {
        const member = made[i]!
        const profile = { ...member.self.profile, standing: standing[alliance] ?? 'active' }
        return standing[alliance] ? [{ ...member, self: { ...member.self, profile } }] : []
      })
      return makeCharter(alliance, rows, start, { observers: 'green' })
    })
    this.#surroundings = {
      time,
      network: this.network,
      seeded: this.#seeded,
      charters,
      decides,
      applied: (node, changes, outcomes) => this.oracle.applied(node, changes, outcomes),
      alarmed: (node, alarm) => {
        this.tell(`${node.slug} raises ${alarm.kind}: ${alarm.message}`)
        this.oracle.alarmed(node, alarm)
      },
      told: {},
      logged: (node, message, fields) => this.#logged(node, message, fields),
    }
    this.nodes = made.map((member, place) => new SimulatedNode(this.#surroundings, member, plan.members[place]!.skewMs))
    const bySlug = new Map(this.nodes.map((node) => [node.address, node]))
    this.network.overheard = (server, reader, target, status, body) => {
      const [from, to] = [bySlug.get(server), bySlug.get(reader)]
      if (status === 503) this.coverage.add('request put off')
      if (from && to) this.oracle.overheard(from, to, target, status, body)
    }
    const rogue = plan.acts.find((act) => act.do === 'rogue')
    if (rogue) this.oracle.rogues.add(this.node(rogue.node).member.self.member)
  }

  tell(what: string): void {
    this.story.push(`${((this.time.now - this.#start) / 1_000).toFixed(3).padStart(9)} s  ${what}`)
    if (this.story.length > 4_000) this.story.splice(0, 2_000)
  }

  /** Starts everybody, and lays the acts of one cycle out from now on. */
  begin(cycle: number): void {
    this.network.weather = this.#plan.weather
    this.leadMs = 0
    if (cycle === 0) {
      for (const node of this.nodes) this.time.after(0, `start ${node.slug}`, () => void node.start())
      this.time.after(FOUNDED_MS, 'images', () => {
        for (const node of this.nodes) this.#images.set(node, node.disk.copy())
      })
    }
    for (const act of this.#plan.acts)
      if (act.cycle === cycle)
        this.time.after(act.at, `act ${act.do} ${'node' in act ? act.node : act.from}`, () => this.#perform(act))
  }

  /** Faults stop: what is cut is mended, what is down comes up, clocks are set, rot is looked for. */
  calm(): void {
    this.tell('faults stop')
    this.network.heal()
    this.network.weather = CALM
    for (const node of this.#all()) {
      const place = this.nodes.indexOf(node)
      node.offsetMs = this.#plan.members[Math.max(0, place)]!.skewMs
      const hadFailed = node.mood === 'failing'
      node.mood = 'well'
      if (hadFailed) this.#restart(node, 10)
      else if (!node.isUp) this.#startSoon(node, 0)
    }
    for (const node of this.#rotten.keys()) this.#fsck(node)
  }

  /** What a cycle excused ends with it. */
  settle(): void {
    for (const node of this.oracle.bereft.keys()) this.oracle.forgetLostRecalls(node)
    this.oracle.bereft.clear()
    this.oracle.mended()
  }

  end(): void {
    for (const node of this.#all()) node.crash()
  }

  #perform(act: Act): void {
    const work = this.#act(act)
    if (work) work.catch((cause: unknown) => refusedBy(this, act, cause))
  }

  #act(act: Act): Promise<void> | void {
    switch (act.do) {
      case 'publish':
        return this.#publish(act)
      case 'revise':
        return this.#revise(act)
      case 'recall':
      case 'expire':
        return this.#takeBack(act)
      case 'amend':
        return this.#amend(act)
      case 'approve':
        return this.#approve(act)
      case 'crash':
        return this.#crashInWrite(this.node(act.node), act)
      case 'disk':
        return this.#disk(act)
      case 'rot':
        return this.#rot(act)
      case 'backup':
        return this.#backup(this.node(act.node))
      case 'restore':
        return this.#restore(this.node(act.node), act.downMs)
      case 'clock':
        return jumpClock(this, act)
      case 'cut':
        return cutWay(this, act)
      case 'silence':
        return silenceWay(this, act)
      case 'rogue':
        return this.#rogue(act)
    }
  }

  async #publish({ node: place, audience, count }: ActOf<'publish'>): Promise<void> {
    const node = this.node(place)
    const of = withIds(this, audience)
    const twin = this.#twins.get(node)
    const done = await node.publish(of, this.#make(node, count))
    if (twin) await twin.publish(of, this.#make(twin, count))
    if (done.length > 0)
      this.tell(`${node.slug} published ${done.length} to ${brief(audience)}, up to entry ${done.at(-1)?.index}`)
  }

  #make(node: SimulatedNode, count: number): JsonObject[] {
    return Array.from({ length: count }, () => {
      const at = node.now()
      return indicator(`object ${this.#objects++}`, node.member.self.member, at, { modified: toTimestamp(at) })
    })
  }

  async #revise({ node: place, nth }: ActOf<'revise'>): Promise<void> {
    const node = this.node(place)
    const old = node.newest(nth)
    if (!old) return
    const modified = toTimestamp(Math.max(node.now(), Date.parse(String(old.object['modified'])) + 1))
    const done = await node.publish(old.audience, [{ ...old.object, modified, name: `revised ${this.#objects++}` }])
    if (done.length > 0) this.coverage.add('second version published')
  }

  async #takeBack(act: ActOf<'recall' | 'expire'>): Promise<void> {
    const node = this.node(act.node)
    const own = node.acknowledged.filter(({ log, index }) => !this.oracle.truths.get(log)?.gone.has(index))
    const one = own[act.nth % Math.max(1, own.length)]
    if (!one || !node.federation) return
    this.tell(`${node.slug} takes entry ${one.index} back (${act.do})`)
    if (act.do === 'expire') await node.federation.expire(one.log, [one.index])
    else {
      await node.federation.recall(one.log, one.index, act.reason)
      this.coverage.add('recall published')
    }
  }

  async #amend({ node: place, alliance, change, isRival }: ActOf<'amend'>): Promise<void> {
    const node = this.node(place)
    if (!node.federation) return
    const member = 'member' in change ? this.node(change.member).slug : ''
    const amendment =
      change.change === 'standing'
        ? ({ change: 'standing', member, standing: change.standing } as const)
        : change.change === 'nation'
          ? ({ change: 'row', member, set: { nation: change.nation } } as const)
          : ({ change: 'rules', set: { observers: change.level ?? null } } as const)
    const { version } = await node.federation.alliances.amend(alliance, amendment, node.member.root, isRival)
    this.tell(`${node.slug} proposes ${alliance} ${version}: ${JSON.stringify(amendment)}`)
    this.coverage.add(isRival ? 'rival proposed' : 'charter amended')
  }

  async #approve({ node: place, alliance, nth }: ActOf<'approve'>): Promise<void> {
    const node = this.node(place)
    const alliances = node.federation?.alliances
    const waiting = (await alliances?.proposals(alliance)) ?? []
    const one = waiting[nth % Math.max(1, waiting.length)]
    if (!one) return
    const { inForce } = await alliances!.approve(alliance, node.member.root, one.version, one.hash)
    this.tell(`${node.slug} votes for ${alliance} ${one.version} ${one.hash.slice(0, 8)}${inForce ? ': in force' : ''}`)
  }

  /** The process dies while something waits for its sync, or after a while if nothing does. */
  #crashInWrite(node: SimulatedNode, act: ActOf<'crash'>): void {
    let isDone = false
    const die = () => {
      if (isDone) return
      isDone = true
      node.onWrite = undefined
      this.#crash(node, act)
    }
    node.onWrite = () => {
      node.onWrite = undefined
      this.time.after(1, `crash in a write ${node.slug}`, die)
    }
    this.time.after(CRASH_WAIT_MS, `crash ${node.slug}`, die)
  }

  #crash(node: SimulatedNode, { downMs, whole, part }: Pick<ActOf<'crash'>, 'downMs' | 'whole' | 'part'>): void {
    if (!node.store) return
    const hasLied = node.store.hasLied
    const { kept, torn, lost } = node.crash({ whole, part })
    this.coverage.add('crash')
    if (kept > 0) this.coverage.add('crash: unsynced kept', kept)
    if (lost > 0) this.coverage.add('crash: unsynced lost', lost)
    if (torn > 0) this.coverage.add('crash: torn write')
    if (hasLied) this.#forgot(node)
    this.tell(
      `${node.slug} crashes: of what was not synced ${kept} kept, ${lost} lost${hasLied ? '; its disk had lied' : ''}`,
    )
    this.#startSoon(node, downMs)
  }

  #forgot(node: SimulatedNode): void {
    this.coverage.add('sync was a lie')
    this.oracle.bereft.set(node, this.time.now)
    this.oracle.forgetful.add(node.member.self.member)
    this.oracle.reread(node)
  }

  #disk({ node: place, mood, forMs }: ActOf<'disk'>): void {
    const node = this.node(place)
    if (node.mood !== 'well') return
    node.mood = mood
    if (mood === 'full') this.coverage.add('disk full')
    if (mood === 'failing') this.coverage.add('sync failed')
    this.tell(`${node.slug}: its disk is ${mood} for ${forMs} ms`)
    this.time.after(forMs, `disk well ${node.slug}`, () => {
      if (node.mood !== mood) return
      node.mood = 'well'
      if (mood === 'lying') this.#crash(node, { downMs: 500, whole: 0, part: 0 })
      if (mood === 'failing') this.#restart(node, 500)
    })
  }

  #rot({ node: place, what, nth, fsckMs }: ActOf<'rot'>): void {
    const node = this.node(place)
    const logs = [...node.disk.logs.values()].filter(({ entries }) => entries.length > 1)
    const log = logs[nth % Math.max(1, logs.length)]
    if (!log || this.#rotten.has(node)) return
    const isStill = rotBit(node.disk, log, what, nth)
    if (!isStill) return
    this.#rotten.set(node, isStill)
    this.coverage.add(what === 'entry' ? 'bit rot in an entry' : 'bit rot in a checkpoint')
    this.oracle.damaged.add(node.member.self.member)
    this.tell(`${node.slug}: a bit rots in the ${what} of a log of ${this.oracle.slugOf(log.author)}`)
    this.time.after(fsckMs, `fsck ${node.slug}`, () => this.#fsck(node))
  }

  /** The operator checks, and puts a good copy back where something is wrong; peers bring the rest. */
  #fsck(node: SimulatedNode): void {
    if (!this.#rotten.has(node) || !node.store) {
      if (this.#rotten.has(node)) this.time.after(1_000, `fsck ${node.slug}`, () => this.#fsck(node))
      return
    }
    void node.store.fsck().then(({ ok, faults }) => {
      const isStill = this.#rotten.get(node)?.() ?? false
      // A purge, or a crash of a disk that lied, may have taken it away.
      if (ok && !isStill) return void this.#rotten.delete(node)
      if (ok) this.oracle.fail(`fsck found nothing at ${node.slug}, where a bit is wrong`)
      this.tell(`${node.slug}: fsck finds ${faults.length} faults`)
      this.coverage.add('rot found by fsck')
      this.#restore(node, 500)
    })
  }

  #backup(node: SimulatedNode): void {
    // A backup of a damaged folder is refused by its check; one of a disk that lies is none.
    if (node.isUp && !this.#rotten.has(node) && node.mood !== 'lying') this.#images.set(node, node.disk.copy())
  }

  #restore(node: SimulatedNode, downMs: number): void {
    const image = this.#images.get(node)
    if (!image) return
    node.crash()
    node.disk.become(image.copy())
    node.disk.isRestored = true
    this.#rotten.delete(node)
    this.coverage.add('restore from a backup')
    this.oracle.bereft.set(node, this.time.now)
    this.oracle.reread(node)
    this.tell(`${node.slug} is restored from a backup`)
    this.#startSoon(node, downMs)
  }

  #rogue({ node: place, how, sides }: ActOf<'rogue'>): void {
    const node = this.node(place)
    this.tell(`${node.slug} turns dishonest: ${how}`)
    node.isReckless = true
    if (how === 'twin') {
      this.coverage.add('rogue: runs twice')
      const twin = new SimulatedNode(this.#surroundings, node.member, node.offsetMs, node.disk.copy(), ' twin')
      const isOther = (from: string) => (sides >> this.nodes.findIndex(({ address }) => address === from)) % 2 === 1
      twin.isReckless = true
      twin.answers = isOther
      node.answers = (from) => !isOther(from)
      this.#twins.set(node, twin)
      this.#startSoon(twin, 10)
    } else if (how === 'rollback') {
      this.coverage.add('rogue: rolled back')
      const image = this.#images.get(node)
      node.crash()
      if (image) node.disk.become(image.copy())
    } else {
      this.coverage.add('rogue: garbles answers')
      const seeded = this.#seeded.stream('garble')
      node.garble = (body) => (seeded.chance(0.3) ? flipped(body, seeded.between(0, 1_000_000)) : body)
    }
    this.#restart(node, 10)
  }

  #restart(node: SimulatedNode, downMs: number): void {
    const hasLied = node.store?.hasLied === true
    node.crash()
    if (hasLied) this.#forgot(node)
    this.#startSoon(node, downMs)
  }

  #startSoon(node: SimulatedNode, downMs: number): void {
    this.time.after(downMs, `start ${node.slug}`, () => {
      if (!node.store)
        void node.start().catch((cause: unknown) => {
          // A start that the disk refused is tried again, as a service is by its supervisor.
          this.tell(`${node.slug} could not start: ${String(cause)}`)
          node.crash()
          this.#startSoon(node, 2_000)
        })
    })
  }

  #logged(node: SimulatedNode, message: string, fields: object): void {
    if (message.includes('refused') && JSON.stringify(fields).includes('LINK_REPLAY'))
      this.coverage.add('request refused as replayed')
    if (this.isTelling) this.tell(`${node.slug} logs: ${message} ${JSON.stringify(fields)}`)
  }

  #all(): SimulatedNode[] {
    return [...this.nodes, ...this.#twins.values()]
  }

  node(place: number): SimulatedNode {
    return this.nodes[place]!
  }
}
