/**
 * Grants: an object for organisations that its own audience does not reach, named one by one, until an instant.
 *
 * A grant is a statement by the seal key and, in front of it in the same log, the copy that the grantees get. At its end the
 * copy ends: nobody is answered with it from that instant on, and every grantee's node drops it. A grant that names no
 * version goes on: each later version of the object goes to the grantees too, for as long as the sharing rules say so.
 * @see SHARING-RULES section 2, row 11; docs/wire.md, Grants
 */
import { type Hash, isHash, type Json, type JsonObject, type MemberId, type Millis, timestampKey } from '#base'
import type { Federation, RootSigner } from '#federation'
import { type Envelope, signStatement } from '#log'
import type { Change, ObjectColumns, ObjectRow, Store } from '#store'
import type { DueGate } from './due-gate.ts'
import { NodeError } from './errors.ts'
import type { NodeEvents } from './events.ts'
import { type GrantWish, NO_END, objectPublished, objectToGrant, toWish, wishedCopies } from './grant-wish.ts'
import { grantsIn, type KeptGrant, keptOf } from './grant-statements.ts'
import { planCopy, type PlannedCopy } from './granted-copies.ts'
import type { Place } from './publish-plan.ts'
import type { Publisher } from './publish.ts'
import type { RawObject } from './raw-objects.ts'
import type { Release, SharingRules } from './sharing-rules.ts'

const COLLECTION = 'grants'
/** Longest wait of one timer. */
const LOOK_MS = 60_000
/** Entries of one grant, over all versions. */
const COPIES_MOST = 1_000
/** Grants of one listing: those before them have long ended, or are found by their ids. */
const LISTED_MOST = 1_000
/** How often a grant is planned anew because its log grew meanwhile. */
const PLANS_MOST = 3

/** A grant and what became of its copies. */
export interface ShownGrant extends KeptGrant {
  state: 'in-force' | 'expired' | 'ended' | 'taken-back'
  /** Entries that are in use. */
  copies: Place[]
}

/** What grants need of the node. */
export interface GrantsOptions {
  /** Reads and writes past the gate. */
  store: Store
  gate: DueGate
  publisher: Publisher
  federation: Pick<Federation, 'expire' | 'directory'>
  rules: SharingRules
  events: NodeEvents
  self: MemberId
  now: () => Millis
  /** The node's secret, 32 bytes. */
  secret: Uint8Array
  slugOf: (member: MemberId) => string
  onEnded: (entry: Place & { object: ObjectColumns }) => void
}

/** The grants of this node's own objects. */
export class Grants implements AsyncDisposable {
  readonly #o: GrantsOptions
  /** Those that have not ended. */
  readonly #live = new Map<Hash, KeptGrant>()
  /** Ids of those whose time is over and whose copies nobody is answered with any more, but whose end is not yet said. */
  readonly #withheld = new Set<Hash>()
  #timer: NodeJS.Timeout | undefined
  #work: Promise<unknown> = Promise.resolve()
  #settling: Promise<void> | undefined

  private constructor(options: GrantsOptions) {
    this.#o = options
  }

  /** Reads the grants that have not ended; what has to end by now ends before anything is read. */
  static async open(options: GrantsOptions): Promise<Grants> {
    const grants = new Grants(options)
    for await (const { value } of options.store.records(COLLECTION)) {
      const grant = value as unknown as KeptGrant
      if (!grant.ended) grants.#live.set(grant.id, grant)
    }
    for await (const { key } of options.store.records(DUE)) grants.#withheld.add(key)
    await grants.#learn()
    grants.#arm()
    return grants
  }

  /**
   * Grants an object; `signer` is the seal key. Said again with the same instant it is the same grant.
   *
   * @throws NOT_FOUND, INPUT_INVALID, GRANT_REFUSED
   */
  async grant(wish: GrantWish, signer: RootSigner): Promise<ShownGrant[]> {
    return this.#o.publisher.inTurn([wish.object], async () => {
      const at = signer.at ?? this.#o.now()
      const asked = toWish(wish, { ...this.#o, now: at })
      for (let plans = 1; ; plans++) {
        try {
          return await this.#make(asked, at, signer)
        } catch (error) {
          const isGrown = (error as { code?: unknown }).code === 'STORE_LOG_GROWN'
          if (!isGrown || plans >= PLANS_MOST) throw error
        }
      }
    })
  }

  /** Own entries came back from peers, which a backup did not hold: grants among them go on. */
  recovered(): void {
    this.#work = this.#work
      .then(() => this.#learn())
      .catch((error: unknown) => this.#o.events.failed('reading grants', error))
      .finally(() => this.look())
  }

  /** Grants that stand in own logs and are not kept here: whose copies are gone have ended. */
  async #learn(): Promise<void> {
    const { store } = this.#o
    for (const head of await store.logs({ own: true })) {
      if (head.audience.grantees === undefined) continue
      for (const statement of await grantsIn(store, head)) {
        const grant = keptOf(head, statement)
        if ((await store.record(COLLECTION, grant.id)) !== undefined) continue
        const isOver = (await this.#copiesOf(grant)).length === 0
        const kept: KeptGrant = isOver ? { ...grant, ended: { time: this.#o.now(), by: 'operator' } } : grant
        await store.commit([this.#put(kept)])
        if (!isOver) this.#live.set(kept.id, kept)
      }
    }
  }

  async #make(wish: ReturnType<typeof toWish>, at: Millis, signer: RootSigner): Promise<ShownGrant[]> {
    const { store, self, secret } = this.#o
    const found = await objectToGrant(wish, { ...this.#o, now: at })
    const releases = await wishedCopies(wish, found, { ...this.#o, now: at })
    const planned = await Promise.all(releases.map((release) => planCopy({ store, self, secret, at }, release, found)))
    // All of them are signed before anything is appended.
    const made = planned.map((copy) => ({
      copy,
      grant: this.#signed(copy, wish, { version: found.version, at }, signer),
    }))
    for (const { copy, grant } of made) {
      if (this.#live.has(grant.id)) continue
      await this.#o.publisher.publishGranted(copy, grant.statement, this.#put(grant))
      this.#live.set(grant.id, grant)
      this.#o.events.granted({ id: grant.id, what: 'made', grantees: grant.grantees })
    }
    this.#arm()
    return Promise.all(made.map(({ grant }) => this.#show(grant)))
  }

  #signed(
    { release, log, index, leaf }: PlannedCopy,
    { object, until }: ReturnType<typeof toWish>,
    { version, at }: { version: string | undefined; at: Millis },
    signer: RootSigner,
  ): KeptGrant {
    const fields = {
      member: this.#o.self,
      log,
      index,
      leaf,
      grantees: [...release.grantees].sort() as MemberId[],
      from: at,
      until,
      time: at,
      // The id of the copy alone: nobody is told whose form a cut one is.
      object: release.id,
      ...(version === undefined ? {} : { version }),
    }
    return keptOf(release, signStatement('grant', fields, [signer]) as unknown as Envelope, object)
  }

  /** The newest grants, at most `LISTED_MOST`. */
  async list(): Promise<ShownGrant[]> {
    const kept = await Array.fromAsync(this.#o.store.records(COLLECTION), ({ value }) => value as unknown as KeptGrant)
    kept.sort((a, b) => b.from - a.from || (a.id < b.id ? -1 : 1))
    return Promise.all(kept.slice(0, LISTED_MOST).map((grant) => this.#show(grant)))
  }

  /**
   * Ends a grant: its copies are recalled, but for those that another grant covers.
   *
   * @throws NOT_FOUND, GRANT_REFUSED where it has ended
   */
  async end(id: string): Promise<{ grant: ShownGrant; recalled: Place[] }> {
    const known = isHash(id) ? await this.#o.store.record<JsonObject>(COLLECTION, id) : undefined
    if (!known) throw new NodeError('NOT_FOUND', 'There is no such grant; noroshi grant list names them.')
    const grant = known as unknown as KeptGrant
    return this.#o.publisher.inTurn([grant.object], async () => {
      if (!this.#live.has(grant.id) || this.#withheld.has(grant.id))
        throw new NodeError('GRANT_REFUSED', 'This grant has ended already.')
      const recalled: Place[] = []
      for (const { log, index } of await this.#uncovered(grant))
        recalled.push(...(await this.#o.publisher.recall({ log, index, reason: 'other', isCopy: true })))
      const ended = await this.#end(grant, 'operator')
      return { grant: await this.#show(ended), recalled }
    })
  }

  /** What grants that name no version give of the objects of a publication, beside its own releases. */
  async covering(objects: readonly RawObject[], releases: readonly Release[]): Promise<Release[]> {
    const open = [...this.#live.values()].filter(({ id, version }) => version === undefined && !this.#withheld.has(id))
    const covering: Release[] = []
    for (const object of objects) {
      const of = open.filter((grant) => grant.object === object.value['id'])
      if (of.length === 0) continue
      const found = await objectPublished(object, this.#o, { objects, releases })
      for (const { object: id, grantees: to, until } of of) {
        try {
          covering.push(...(await wishedCopies({ object: id, to, until }, found, { ...this.#o, now: this.#o.now() })))
        } catch (error) {
          // The version is stricter than the grant covers, or needs none any more.
          if (!(error instanceof NodeError) || error.code !== 'GRANT_REFUSED') throw error
        }
      }
    }
    return covering
  }

  async #show(grant: KeptGrant): Promise<ShownGrant> {
    const { ended, until } = grant
    const copies = (await this.#copiesOf(grant)).map(({ log, index }) => ({ log, index }))
    const isOver = ended?.by === 'expiry' || (!ended && until <= this.#o.now())
    const state = isOver ? 'expired' : ended ? 'ended' : copies.length === 0 ? 'taken-back' : 'in-force'
    return { ...grant, state, copies: state === 'in-force' ? copies : [] }
  }

  /** Entries in use that the grant covers. */
  async #copiesOf({ object, form = object, version, grantees }: KeptGrant): Promise<ObjectRow[]> {
    const named = grantees.join(' ')
    const own = (await this.#o.store.logs({ own: true })).filter(
      ({ audience }) => audience.grantees?.join(' ') === named,
    )
    if (own.length === 0) return []
    const logs = own.map(({ log }) => log)
    const { rows } = await this.#o.store.objects({
      logs,
      ids: [object, form],
      statuses: ['accepted'],
      limit: COPIES_MOST,
    })
    return version === undefined ? rows : rows.filter(({ modified }) => modified === timestampKey(version))
  }

  /** Those of them that no other grant covers which goes on. */
  async #uncovered(grant: KeptGrant): Promise<ObjectRow[]> {
    const now = this.#o.now()
    const others = [...this.#live.values()].filter(
      ({ id, object, until }) => id !== grant.id && object === grant.object && until > now && !this.#withheld.has(id),
    )
    const kept = (await Promise.all(others.map((other) => this.#copiesOf(other)))).flat()
    return (await this.#copiesOf(grant)).filter((copy) => !kept.some((one) => isAt(one, copy)))
  }

  #put(grant: KeptGrant): Change {
    return { op: 'put', collection: COLLECTION, key: grant.id, value: grant as unknown as Json }
  }

  async #end(grant: KeptGrant, by: 'expiry' | 'operator'): Promise<KeptGrant> {
    const ended: KeptGrant = { ...grant, ended: { time: this.#o.now(), by } }
    await this.#o.store.commit([this.#put(ended)])
    this.#live.delete(grant.id)
    this.#withheld.delete(grant.id)
    this.#o.events.granted({ id: grant.id, what: by, grantees: grant.grantees })
    this.#arm()
    return ended
  }

  /** Sets the clock, and the gate, for what ends next. */
  #arm(): void {
    clearTimeout(this.#timer)
    const open = [...this.#live.values()].filter(({ id }) => !this.#withheld.has(id))
    const next = Math.min(...open.map(({ until }) => until))
    this.#o.gate.set(next, () => this.#settle())
    if (next === NO_END || next === Infinity) return
    const wait = Math.min(LOOK_MS, Math.max(0, next - this.#o.now()))
    this.#timer = setTimeout(() => this.look(), wait).unref()
  }

  /** Ends what is due, and says so in the logs. */
  look(): void {
    clearTimeout(this.#timer)
    this.#work = this.#work
      .then(() => (this.#isDue() ? this.#settle() : this.#tell()))
      .catch((error: unknown) => this.#o.events.failed('ending grants', error))
      .finally(() => this.#arm())
  }

  #isDue(): boolean {
    return [...this.#live.values()].some(({ id, until }) => until <= this.#o.now() && !this.#withheld.has(id))
  }

  /** Whatever is over is withheld when this resolves; the entries that say so follow. */
  #settle(): Promise<void> {
    this.#settling ??= this.#withhold().finally(() => (this.#settling = undefined))
    return this.#settling
  }

  async #withhold(): Promise<void> {
    const time = this.#o.now()
    const over = [...this.#live.values()].filter(({ id, until }) => until <= time && !this.#withheld.has(id))
    const rows = (await Promise.all(over.map((grant) => this.#uncovered(grant)))).flat()
    const due = [...new Map(rows.map((row) => [`${row.log} ${row.index}`, row])).values()]
    await this.#o.store.commit([
      ...due.map(({ log, index }): Change => ({ op: 'withhold', log, index, reason: 'expired', time })),
      ...over.map(({ id }): Change => ({ op: 'put', collection: DUE, key: id, value: placesOf(due) })),
    ])
    for (const { id } of over) this.#withheld.add(id)
    this.#arm()
    // Not waited for: whoever arms may wait for a read, and that one for this.
    for (const { json: _, ...object } of due) this.#o.onEnded({ log: object.log, index: object.index, object })
    this.#work = this.#work
      .then(() => this.#tell())
      .catch((error: unknown) => this.#o.events.failed('ending grants', error))
  }

  /** Says in the logs what was withheld, so that the grantees' nodes drop it. */
  async #tell(): Promise<void> {
    for await (const { key, value } of this.#o.store.records(DUE)) {
      const places = value as unknown as Place[]
      for (const [log, of] of Map.groupBy(places, (place) => place.log))
        await this.#o.federation.expire(
          log,
          of.map(({ index }) => index),
          { isWithheld: true },
        )
      const grant = await this.#o.store.record<JsonObject>(COLLECTION, key)
      if (grant) await this.#end(grant as unknown as KeptGrant, 'expiry')
      await this.#o.store.commit([{ op: 'delete', collection: DUE, key }])
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#timer)
    await this.#settling?.catch(() => undefined)
    await this.#work
    clearTimeout(this.#timer)
  }
}

/** Grants that are over, with the entries that are withheld, until their logs say so. */
const DUE = 'grants-due'

const placesOf = (rows: readonly ObjectRow[]) => rows.map(({ log, index }) => ({ log, index })) as unknown as Json
const isAt = (row: Place, { log, index }: Place) => row.log === log && row.index === index
