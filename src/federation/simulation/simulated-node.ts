import { type JsonObject, utf8 } from '#base'
import { type Audience, ENTRY_KIND } from '#log'
import type { admits } from '#policy'
import { objectColumns } from '#stix'
import type { Alarm, Federation, VotedCharter } from '../api.ts'
import { openFederation } from '../federation.ts'
import type { MadeMember } from './members.ts'
import { MemoryDisk } from './memory-disk.ts'
import { MemoryStore } from './memory-store.ts'
import type { Network } from './network.ts'
import type { Seeded } from './seeded.ts'
import type { VirtualTime } from './virtual-time.ts'

/** What a simulated node lives in. */
export interface Surroundings {
  time: VirtualTime
  network: Network
  seeded: Seeded
  charters: readonly VotedCharter[]
  /** Access decision of the servers; the simulator's own checks always use the true one. */
  decides: typeof admits
}

/** An entry whose commit was acknowledged to whoever published it. */
export interface Acknowledged {
  log: string
  index: number
  leaf: string
}

/** One member's node: the real federation over a simulated disk, clock and network, that can crash and come back. */
export class SimulatedNode {
  readonly member: MadeMember
  readonly address: string
  readonly disk = new MemoryDisk()
  readonly alarms: Alarm[] = []
  readonly acknowledged: Acknowledged[] = []
  readonly #world: Surroundings
  readonly #skewMs: number
  #life = 0
  #store: MemoryStore | undefined
  #federation: Federation | undefined

  constructor(world: Surroundings, member: MadeMember, skewMs: number) {
    this.#world = world
    this.member = member
    this.address = member.self.profile.address ?? ''
    this.#skewMs = skewMs
  }

  get isUp(): boolean {
    return this.#federation !== undefined
  }

  get federation(): Federation | undefined {
    return this.#federation
  }

  /** Starts the process over whatever the disk holds. */
  async start(): Promise<void> {
    const life = ++this.#life
    const { time, network, seeded, charters, decides } = this.#world
    const isAlive = () => this.#life === life
    const { self } = this.member
    const timers = time.timers(`timer ${self.slug}`, isAlive)
    const now = () => time.now + this.#skewMs
    const signer = { member: self.member, key: self.nodeKey }
    const store = new MemoryStore({ disk: this.disk, signer, now, timers, syncMs: () => seeded.between(1, 8) })
    this.#store = store
    const federation = await openFederation({
      store,
      self,
      now,
      timers,
      random: (count) => seeded.bytes(count),
      transport: network.transport(this.address, isAlive),
      events: { alarm: (alarm) => isAlive() && this.alarms.push(alarm) },
      admits: decides,
    })
    if (!isAlive()) return
    await federation.alliances.bootstrapCharter(charters)
    if (!isAlive()) return
    this.#federation = federation
    network.listen(this.address, { handle: (request) => federation.handle(request), isAlive })
    federation.start()
  }

  /** The process dies without a word; only what was synced remains. */
  crash(): void {
    this.#life++
    this.#store?.crash()
    this.#federation = undefined
  }

  /** Publishes; what is acknowledged is noted, what dies with the process is not. */
  async publish(audience: Audience, object: JsonObject): Promise<void> {
    const [store, federation] = [this.#store, this.#federation]
    if (!store || !federation) return
    const { time, seeded } = this.#world
    const at = time.now + this.#skewMs
    const entry = {
      kind: ENTRY_KIND.object,
      salt: seeded.bytes(32),
      time: at,
      payload: utf8(JSON.stringify(object)),
      object: { ...objectColumns(object), status: 'accepted' as const },
    }
    const genesis = { salt: seeded.bytes(32), time: at, incarnation: seeded.bytes(16) }
    const charters = federation.directory.charterLines(audience)
    const author = this.member.self.member
    const [outcome] = await store.commit([{ op: 'append', author, audience, genesis, charters, entries: [entry] }])
    if (outcome?.op !== 'append') return
    this.acknowledged.push({ log: outcome.log, index: outcome.firstIndex, leaf: outcome.leaves[0]! })
    federation.announce([{ log: outcome.log, size: outcome.size }])
  }
}
