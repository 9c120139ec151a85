/**
 * The way in: validate → judge ownership → release → commit → announce → arm.
 *
 * A version that already stands in its log is answered as published and appended no second time, so that a caller who
 * heard nothing may ask again. Objects of one publication are released as one set; large sets are committed in batches.
 */
import type { LogId, MemberId, Millis } from '#base'
import type { Federation } from '#federation'
import { type Audience, audienceId, ENTRY_KIND, type Envelope, type RecallReason } from '#log'
import type { ReleasedBefore } from '#policy'
import type { Change, LogHead, NewEntry, ObjectColumns, Store } from '#store'
import { admitObjects } from './admission.ts'
import { releasedBefore } from './annotated.ts'
import { KnownVersions } from './client-submissions.ts'
import { keepForms } from './cut-forms.ts'
import { isDiskFull, NodeError } from './errors.ts'
import type { NodeEvents, PublishedRow } from './events.ts'
import { type PlannedCopy, statementEntry } from './granted-copies.ts'
import { outdatedBy } from './outdated.ts'
import {
  batchesOf,
  countRefused,
  parted,
  type Place,
  type Planned,
  planReleases,
  withoutNobodies,
} from './publish-plan.ts'
import type { PublishedObject, PublishOptions, PublishResult } from './publication.ts'
import type { RawObject } from './raw-objects.ts'
import type { Release, SharingRules } from './sharing-rules.ts'
import { TakenBack } from './taken-back.ts'
import { TurnsById } from './turns-by-id.ts'

/** What the publisher is handed. */
export interface PublisherOptions {
  store: Store
  federation: Federation
  rules: SharingRules
  events: NodeEvents
  now: () => Millis
  random: (bytes: number) => Uint8Array
  self: MemberId
  /** Entries of one commit. */
  commitEntries: number
  slugOf: (member: MemberId) => string
  /** Called with what was published, so that it is armed here too. */
  onPublished: (rows: readonly PublishedRow[]) => void
  /** Called with each own entry that was taken back. */
  onRecalled: (entry: Place & { object: ObjectColumns }) => Promise<void>
  /** Whether drills run here: elsewhere their content is refused. */
  runsDrills: boolean
  /** Keeps what an embargo holds back until its end. */
  holdBack: (releases: readonly Release[]) => Promise<void>
  /** What grants give of these objects, beside their own releases. */
  granted: (objects: readonly RawObject[], releases: readonly Release[]) => Promise<readonly Release[]>
}

/** Hears how many of how many entries are durable. */
export type PublishProgress = (done: number, total: number) => void

/** Rows of one object that are looked at. */
const LOOKUP_ROWS = 1_000

/** Publishes for the node's own member. */
export class Publisher {
  readonly #o: PublisherOptions
  /** Publications that touch an object id, so that two of the same object come one after the other. */
  readonly #turns = new TurnsById()
  readonly #takenBack: TakenBack
  #diskRefused: Millis | undefined

  constructor(options: PublisherOptions) {
    this.#o = options
    this.#takenBack = new TakenBack(options.store)
  }

  /** Publishes the objects as one set. */
  async publish(
    objects: readonly RawObject[],
    options: PublishOptions,
    progress?: PublishProgress,
  ): Promise<PublishResult> {
    if (objects.length === 0) throw new NodeError('INPUT_INVALID', 'The submission holds no object.')
    if (options.drill !== undefined && !this.#o.runsDrills)
      throw new NodeError(
        'INPUT_INVALID',
        'drill: drills run in rehearsals alone; production nodes would quarantine it.',
      )
    const { rules, self, now } = this.#o
    const { admitted, refused } = await admitObjects(objects, { self, register: rules.register(), now: now() })
    const ids = [...new Set(admitted.map(({ value }) => String(value['id'])))]
    return this.#turns.take(ids, async () => {
      const before = await releasedBefore(this.#o.store, admitted, options.submitter?.within)
      const released = this.#release(admitted, options, before)
      refused.push(...released.refused)
      released.releases.push(...(await this.#o.granted(admitted, released.releases)))
      const [due, held] = parted(
        withoutNobodies(released.releases),
        ({ notBefore }) => notBefore === undefined || notBefore <= now(),
      )
      const known = new KnownVersions(this.#o.store, options.submitter)
      const { random } = options.submitter ? this.#o : {}
      const planned = await planReleases(this.#o.store, due, refused, {
        objects: admitted,
        known,
        isAutomatic: options.isAutomatic ?? options.submitter !== undefined,
        isTakenBack: await this.#takenBack.has(),
        ...(random && { random }),
      })
      if (!options.dryRun && held.length > 0) await this.#o.holdBack(held)
      const published = options.dryRun
        ? planned.map((plan) => this.#preview(plan))
        : await this.#append(planned, progress, known)
      published.push(...held.map((release) => this.#heldAnswer(release, options.dryRun === true)))
      return {
        ...(options.dryRun ? { dryRun: true as const } : {}),
        published,
        refused,
        ...(refused.length === 0 ? {} : { refusedByType: countRefused(refused, objects) }),
      }
    })
  }

  /** Does work on objects while nothing else is published of them. */
  inTurn<T>(ids: readonly string[], work: () => Promise<T>): Promise<T> {
    return this.#turns.take(ids, work)
  }

  /**
   * Appends a copy for grantees, and the statement that grants it, in one commit with `more`.
   *
   * @throws StoreError STORE_LOG_GROWN where the log has changed since the copy was planned
   */
  async publishGranted(planned: PlannedCopy, statement: Envelope, more: Change): Promise<void> {
    const { store, federation, events, now } = this.#o
    const { release, append, copy, index } = planned
    const charters = federation.directory.charterLines(release.audience)
    const entries = [...append.entries, statementEntry(planned, statement)]
    const forms = copy ? keepForms([release]) : []
    const [outcome] = await store.commit([{ op: 'append', ...append, charters, entries }, ...forms, more])
    if (outcome?.op !== 'append') throw new Error('The store answered an append with another outcome')
    const { log, size } = outcome
    const rows = copy ? [{ log, index, id: release.id, time: now() }] : []
    federation.announce([{ log, size }])
    events.published(rows)
    this.#o.onPublished(rows)
  }

  /** Refuses an audience to which nothing could be published. @throws PolicyError POLICY_TARGET_UNKNOWN */
  checkAudience(to: readonly string[]): void {
    this.#release([], { to }, new Map())
  }

  /** Appends releases that were decided before: those of an embargo that is over, of which `onlyNewest` leaves out what was overtaken. */
  async publishReleases(releases: readonly Release[], onlyNewest = false): Promise<PublishedObject[]> {
    return this.#turns.take([...new Set(releases.map(({ objectId }) => objectId))], async () =>
      this.#append(await planReleases(this.#o.store, releases, [], { onlyNewest })),
    )
  }

  /**
   * Publishes one object of the node's own making to an audience that was given to it, and to the author it answers;
   * where the author is outside that audience, it gets a log of its own.
   */
  async publishTo(object: RawObject, audience: Audience, author: MemberId): Promise<Place[]> {
    const { rules, self, now } = this.#o
    const toAuthor: Audience = { v: 1, tlp: audience.tlp, members: [author] }
    const asked = {
      audience,
      author: self,
      server: self,
      reader: author,
      channel: 'node' as const,
      register: rules.register(),
      now: now(),
    }
    const audiences = author === self || rules.admits(asked).send ? [audience] : [audience, toAuthor]
    const id = String(object.value['id'])
    const published = await this.publishReleases(
      audiences.map((to) => ({ objectId: id, id, json: object.bytes, audience: to, recipients: [] })),
    )
    return published.flatMap(({ log, index }) => (log === undefined || index === undefined ? [] : [{ log, index }]))
  }

  /**
   * Takes back every own entry of an object, or one entry; of a copy for grantees the object itself stays.
   *
   * @throws NOT_FOUND, and what the federation refuses
   */
  async recall(what: {
    id?: string
    log?: LogId
    index?: number
    reason: RecallReason
    isCopy?: boolean
  }): Promise<Place[]> {
    const entries = await this.#ownEntries(what)
    if (entries.length === 0)
      throw new NodeError('NOT_FOUND', 'This node published no such object, or has taken it back already.')
    for (const { log, index } of entries) {
      // Of what is purged at once nothing says afterwards which object it was.
      const [entry] = await this.#o.store.entries(log, index, index + 1)
      if (entry?.object && !what.isCopy) await this.#takenBack.remember(entry.object, what.reason, this.#o.now())
      await this.#o.federation.recall(log, index, what.reason)
      if (entry?.object) await this.#o.onRecalled({ log, index, object: entry.object })
      this.#o.events.recalled({ author: this.#o.self, log, index, reason: what.reason, own: true, time: this.#o.now() })
    }
    return entries.map(({ log, index }) => ({ log, index }))
  }

  /** Where this node published an object, when, and whether the entry was taken back since. */
  async standing(id: string): Promise<(Place & { published: Millis; recalled: boolean })[]> {
    const own = await this.#o.store.logs({ own: true })
    if (own.length === 0) return []
    const { rows } = await this.#o.store.objects({
      logs: own.map(({ log }) => log),
      ids: [id],
      statuses: ['accepted', 'recalled'],
      limit: LOOKUP_ROWS,
    })
    return rows.map(({ log, index, entryTime, status }) => ({
      log,
      index,
      published: entryTime,
      recalled: status === 'recalled',
    }))
  }

  async #ownEntries({
    id,
    log,
    index,
  }: {
    id?: string
    log?: LogId
    index?: number
  }): Promise<(Place & { entryTime?: Millis })[]> {
    if (log !== undefined && index !== undefined) {
      const head = await this.#o.store.log(log)
      return head?.own && index < head.size ? [{ log, index }] : []
    }
    if (id === undefined)
      throw new NodeError('INPUT_INVALID', 'Name the object by "id", or the entry by "log" and "index".')
    const own = await this.#o.store.logs({ own: true })
    if (own.length === 0) return []
    const { rows } = await this.#o.store.objects({
      logs: own.map((head) => head.log),
      ids: [id],
      statuses: ['accepted'],
      limit: LOOKUP_ROWS,
    })
    return rows
  }

  #release(
    objects: readonly RawObject[],
    { tlp, to, drill }: PublishOptions,
    before: ReleasedBefore,
  ): ReturnType<SharingRules['release']> {
    const targets = to?.map((text) => text.replace(/^member:/, 'org:'))
    const defaults = { ...(tlp ? { tlp } : {}), ...(targets ? { to: targets } : {}) }
    return this.#o.rules.release({
      objects,
      defaults,
      releasedBefore: before,
      now: this.#o.now(),
      ...(drill === undefined ? {} : { drill }),
    })
  }

  async #append(
    planned: readonly Planned[],
    progress?: PublishProgress,
    known?: KnownVersions,
  ): Promise<PublishedObject[]> {
    const places = new Map<Planned, Place>()
    for (const plan of planned) if (plan.standing) places.set(plan, plan.standing)
    const fresh = planned.filter((plan) => !plan.standing)
    const groups = Map.groupBy(fresh, (plan) => plan.audienceId)
    let done = 0
    progress?.(done, fresh.length)
    for (const batch of batchesOf([...groups.values()], this.#o.commitEntries)) {
      await this.#commit(batch, places).catch((error: unknown) => {
        throw this.#explained(error, fresh, places)
      })
      done += batch.reduce((sum, group) => sum + group.length, 0)
      progress?.(done, fresh.length)
    }
    await known?.keep(fresh, (plan) => places.get(plan))
    // With what stood already: a stop may have come before its older versions were taken back.
    await this.#supersede(planned, places)
    return planned.map((plan) => {
      const { log, index } = places.get(plan) as Place
      const recipients = plan.release.recipients.map(({ member }) => this.#o.slugOf(member as MemberId))
      return { id: plan.release.id, log, index, audience: plan.release.audience, recipients }
    })
  }

  /** A commit failed: what the earlier commits of the same publication made durable stays published. */
  #explained(error: unknown, fresh: readonly Planned[], places: ReadonlyMap<Planned, Place>): unknown {
    if (!isDiskFull(error)) return error
    this.#diskRefused = this.#o.now()
    const ids = new Set(fresh.map(({ release }) => release.objectId))
    const open = new Set(fresh.filter((plan) => !places.has(plan)).map(({ release }) => release.objectId))
    return new NodeError(
      'DISK_FULL',
      `The disk of the data directory takes no more: ${ids.size - open.size} of the ${ids.size} new objects of this request were published, and stay published.`,
      { cause: error },
    )
  }

  /** When the disk last refused a publication. */
  get diskRefused(): Millis | undefined {
    return this.#diskRefused
  }

  /** One atomic commit: the entries of each audience's log. */
  async #commit(groups: readonly (readonly Planned[])[], places: Map<Planned, Place>): Promise<void> {
    const { store, federation, now, random, self, events } = this.#o
    const time = now()
    const outcomes = await store.commit([
      ...groups.map((group) => ({
        op: 'append' as const,
        author: self,
        audience: (group[0] as Planned).release.audience,
        genesis: { salt: random(32), time, incarnation: random(16) },
        charters: federation.directory.charterLines((group[0] as Planned).release.audience),
        entries: group.map(({ release, columns }): NewEntry => ({
          kind: ENTRY_KIND.object,
          salt: random(32),
          time,
          payload: release.json,
          object: { ...columns, status: 'accepted' },
        })),
      })),
      // What a submitter's object was renamed to is no form of the object whose id it had.
      ...keepForms(groups.flat().flatMap(({ release, columns }) => (columns.id === release.id ? [release] : []))),
    ])
    const durable = now()
    const rows: PublishedRow[] = []
    const grown: { log: LogId; size: number }[] = []
    for (const [i, outcome] of outcomes.entries()) {
      if (outcome.op !== 'append') continue
      grown.push({ log: outcome.log, size: outcome.size })
      for (const [k, plan] of (groups[i] ?? []).entries()) {
        const place = { log: outcome.log, index: outcome.firstIndex + k }
        places.set(plan, place)
        rows.push({ ...place, id: plan.columns.id, time: durable })
      }
    }
    federation.announce(grown)
    events.published(rows)
    this.#o.onPublished(rows)
  }

  /** Takes back older versions, or revokes them, where the new one does not stand. @see WIRE, Order */
  async #supersede(planned: readonly Planned[], places: ReadonlyMap<Planned, Place>): Promise<void> {
    const objects = new Set(planned.map(({ release }) => release.objectId))
    const versions = new Set(planned.map(({ release, columns }) => `${release.objectId} ${columns.modified}`))
    if (versions.size === objects.size && planned.every(({ older }) => older.length === 0)) return
    const own = new Map((await this.#o.store.logs({ own: true })).map((head) => [head.log, head]))
    const { recalled, revoked } = outdatedBy(planned, places, own)
    for (const place of recalled) await this.recall({ ...place, reason: 'superseded' })
    for (const [log, plans] of revoked) {
      const { audience } = own.get(log) as LogHead
      const copies = plans.map((plan) => ({
        ...plan,
        release: { ...plan.release, audience },
        audienceId: audienceId(audience),
      }))
      await this.#commit([copies], new Map())
    }
  }

  #preview({ release, standing }: Planned): PublishedObject {
    const recipients = release.recipients.map(({ member, code }) => ({
      member,
      slug: this.#o.slugOf(member as MemberId),
      code,
    }))
    return {
      id: release.id,
      ...(standing ? { log: standing.log, index: standing.index } : {}),
      audience: release.audience,
      recipients,
    }
  }

  #heldAnswer({ id, audience, recipients, notBefore }: Release, isDryRun: boolean): PublishedObject {
    const named = recipients.map(({ member, code }) => ({ member, slug: this.#o.slugOf(member as MemberId), code }))
    return {
      id,
      audience,
      recipients: isDryRun ? named : named.map(({ slug }) => slug),
      ...(notBefore === undefined ? {} : { notBefore }),
    }
  }
}
