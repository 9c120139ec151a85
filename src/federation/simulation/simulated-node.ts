import { type JsonObject, type LogId, utf8 } from '#base'
import { type Audience, ENTRY_KIND } from '#log'
import type { admits } from '#policy'
import { objectColumns } from '#stix'
import type { Change, Outcome, Store } from '#store'
import type { Alarm, Federation, FederationEvents } from '../api.ts'
import type { VotedCharter } from '../alliance-api.ts'
import { openFederation } from '../federation.ts'
import { SigningGate } from '../signing-gate.ts'
import type { MadeMember } from './members.ts'
import { MemoryDisk } from './memory-disk.ts'
import { type DiskMood, MemoryStore, type Reached } from './memory-store.ts'
import type { Network } from './network.ts'
import type { Seeded } from './seeded.ts'
import type { VirtualTime } from './virtual-time.ts'

/** What a simulated node lives in. */
export interface Surroundings {
  time: VirtualTime
  network: Network
  seeded: Seeded
  charters: readonly VotedCharter[]
  /** Access decision of the servers; the simulator's own checks never ask it. */
  decides: typeof admits
  applied: (node: SimulatedNode, changes: readonly Change[], outcomes: readonly Outcome[]) => void
  alarmed: (node: SimulatedNode, alarm: Alarm) => void
  told: Partial<FederationEvents>
  logged: (node: SimulatedNode, message: string, fields: object) => void
}

/** An entry whose commit was acknowledged to whoever published it. */
export interface Acknowledged {
  log: LogId
  index: number
  leaf: string
  /** The object that it holds, for later versions. */
  object: JsonObject
  audience: Audience
}

/** Pages of a simulated link: small, so that what a page ends at is met often. */
const LIMITS = { pageBytes: 8_192, pageEntries: 16, inlineBytes: 6_144, evidenceHoldMs: 60_000 }

/** One member's node: the real federation over a simulated disk, clock and network, that can crash and come back. */
export class SimulatedNode {
  readonly member: MadeMember
  readonly disk: MemoryDisk
  acknowledged: Acknowledged[] = []
  mood: DiskMood = 'well'
  offsetMs: number
  /** Asks nobody at its start, whatever its data directory says: a member that rolled itself back. */
  isReckless = false
  garble: ((body: Uint8Array) => Uint8Array) | undefined
  answers: ((from: string) => boolean) | undefined
  /** Called at the next list that waits for its sync. */
  onWrite: (() => void) | undefined
  readonly #world: Surroundings
  readonly #seeded: Seeded
  #life = 0
  #store: MemoryStore | undefined
  #federation: Federation | undefined

  constructor(world: Surroundings, member: MadeMember, offsetMs: number, disk = new MemoryDisk(), name = '') {
    this.#world = world
    this.member = member
    this.offsetMs = offsetMs
    this.disk = disk
    this.#seeded = world.seeded.stream(`node ${member.self.slug}${name}`)
  }

  get slug(): string {
    return this.member.self.slug
  }

  get address(): string {
    return addressOf(this.slug)
  }

  /** Whether others can call it. */
  get isReachable(): boolean {
    return this.member.self.profile.address !== undefined
  }

  get isUp(): boolean {
    return this.#federation !== undefined
  }

  get federation(): Federation | undefined {
    return this.#federation
  }

  get store(): MemoryStore | undefined {
    return this.#store
  }

  /** Some published object in its newest version; whatever a clock says, an older one in the same log is a rollback. */
  newest(nth: number): Acknowledged | undefined {
    const some = this.acknowledged[nth % Math.max(1, this.acknowledged.length)]
    return this.acknowledged.findLast(({ log, object }) => log === some?.log && object['id'] === some.object['id'])
  }

  now(): number {
    return Math.round(this.#world.time.now + this.offsetMs)
  }

  /** Starts the process over whatever the disk holds. */
  async start(): Promise<void> {
    const life = ++this.#life
    const { time, network, charters, decides, applied, alarmed, told, logged } = this.#world
    const isAlive = () => this.#life === life
    const { self } = this.member
    const timers = time.timers(`timer ${self.slug}`, isAlive)
    const now = () => this.now()
    const memory = new MemoryStore({
      disk: this.disk,
      signer: { member: self.member, key: self.nodeKey },
      now,
      timers,
      syncMs: () => this.#seeded.between(1, 8),
      mood: () => this.mood,
      written: () => this.onWrite?.(),
      applied: (changes, outcomes) => applied(this, changes, outcomes),
    })
    this.#store = memory
    const whole = plain(memory)
    const gate = new SigningGate(this.disk.isRestored && !this.isReckless, timers)
    const onSettled = async () => {
      this.disk.isRestored = false
    }
    this.#guarded = gate.guard(whole)
    const federation = await openFederation({
      store: this.#guarded,
      self,
      now,
      timers,
      random: (count) => this.#seeded.bytes(count),
      transport: network.transport(this.address, isAlive),
      events: { ...told, alarm: (alarm) => isAlive() && alarmed(this, alarm) },
      admits: decides,
      limits: LIMITS,
      log: (_, message, fields) => logged(this, message, fields ?? {}),
      ...(this.isReckless ? {} : { restore: { gate, store: whole, onSettled } }),
    })
    if (this.isReckless) gate.open()
    if (!isAlive()) return
    try {
      await federation.alliances.bootstrapCharter(
        charters.filter(({ charter }) => standsIn(charter.members, self.member)),
      )
    } catch {
      // Its disk may be full; what it knows of the alliance is there from its first start.
    }
    if (!isAlive()) return
    this.#federation = federation
    if (this.isReachable)
      network.listen(this.address, {
        handle: (request) => federation.handle(request),
        isAlive,
        ...(this.answers ? { answers: this.answers } : {}),
        ...(this.garble ? { garble: this.garble } : {}),
      })
    federation.start()
  }

  #guarded: Store | undefined

  /** The process dies without a word; of what was not synced, that remains which had reached the disk. */
  crash(reached?: Reached): { kept: number; torn: number; lost: number } {
    this.#life++
    const unsynced = this.#store?.unsynced ?? 0
    const { kept, torn } = this.#store?.crash(reached) ?? { kept: 0, torn: 0 }
    this.#store = undefined
    this.#federation = undefined
    return { kept, torn, lost: unsynced - kept }
  }

  /** Publishes as the node does; what is acknowledged is noted, what dies with the process is not. */
  async publish(audience: Audience, objects: readonly JsonObject[]): Promise<Acknowledged[]> {
    const [store, federation] = [this.#guarded, this.#federation]
    if (!store || !federation) return []
    const at = this.now()
    const entries = objects.map((object) => ({
      kind: ENTRY_KIND.object,
      salt: this.#seeded.bytes(32),
      time: at,
      payload: utf8(JSON.stringify(object)),
      object: { ...objectColumns(object), status: 'accepted' as const },
    }))
    const genesis = { salt: this.#seeded.bytes(32), time: at, incarnation: this.#seeded.bytes(16) }
    const charters = federation.directory.charterLines(audience)
    const author = this.member.self.member
    const [outcome] = await store.commit([{ op: 'append', author, audience, genesis, charters, entries }])
    if (outcome?.op !== 'append') return []
    const { log, firstIndex, leaves, size } = outcome
    const done = leaves.map((leaf, i) => ({ log, index: firstIndex + i, leaf, object: objects[i]!, audience }))
    this.acknowledged.push(...done)
    federation.announce([{ log, size }])
    return done
  }
}

/** The methods of a store as an object of its own, which is what wrappers expect. */
function plain(store: MemoryStore): Store {
  const names = Object.getOwnPropertyNames(MemoryStore.prototype).filter((name) => name !== 'constructor')
  const bound = names.flatMap((name) => {
    const method = (store as unknown as Record<string, unknown>)[name]
    return typeof method === 'function' ? [[name, method.bind(store)] as const] : []
  })
  return { ...(Object.fromEntries(bound) as unknown as Store), [Symbol.asyncDispose]: async () => undefined }
}

export const addressOf = (slug: string): string => `http://${slug}`

const standsIn = (members: readonly { id: string }[], member: string) => members.some(({ id }) => id === member)
