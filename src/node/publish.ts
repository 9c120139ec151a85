/**
 * The way in: validate → judge ownership → release → commit → announce → arm.
 *
 * A version that already stands in its log is answered as published and appended no second time, so that a caller who
 * heard nothing may ask again. Objects of one publication are released as one set; large sets are committed in batches.
 */
import { type Hash, type JsonObject, type LogId, type MemberId, type Millis, canonicalJson, parseJson, timestampKey } from '#base'
import { type Audience, audienceId, ENTRY_KIND, type RecallReason, type TlpLevel } from '#log'
import { objectColumns, validateObject } from '#stix'
import type { ReleaseResult } from '#policy'
import type { Federation } from '#federation'
import type { LogHead, NewEntry, ObjectRow, Store } from '#store'
import { NodeError } from './errors.ts'
import type { NodeEvents, PublishedRow } from './events.ts'
import type { RawObject } from './raw-objects.ts'
import type { Release, SharingRules } from './sharing-rules.ts'

/** How a publication is marked, beyond what its objects carry. */
export interface PublishOptions {
  tlp?: TlpLevel
  /** `alliance:…`, `member:…`, `nation:…`, `sector:…`, `kind:…` */
  to?: readonly string[]
  /** Says what would happen, and does nothing. */
  dryRun?: boolean
}

/** One object version of a publication and where it stands. */
export interface PublishedObject {
  id: string
  /** Absent in a dry run. */
  log?: LogId
  index?: number
  audience: Audience
  recipients: { member: string; slug: string; code: string }[] | string[]
}

/** Answer to a publication. @see DESIGN section 9 */
export interface PublishResult {
  dryRun?: true
  published: PublishedObject[]
  refused: { id: string; code: string; message: string }[]
  /** Counts of the refused by code and type, where anything was refused. */
  refusedByType?: Record<string, Record<string, number>>
}

/** What the publisher is handed. */
export interface PublisherOptions {
  store: Store
  federation: Federation
  rules: SharingRules
  events: NodeEvents
  now: () => Millis
  random: (bytes: number) => Uint8Array
  self: MemberId
  commitEntries: number
  /** Called with what was published, so that it is armed here too. */
  onPublished: (rows: readonly PublishedRow[]) => void
}

/** Object ids looked up in one query. */
const LOOKUP_IDS = 500
const LOOKUP_ROWS = 5_000
/** Objects validated before the event loop gets a turn. */
const TURN_OBJECTS = 500

interface Planned {
  release: Release
  columns: ReturnType<typeof objectColumns>
  audienceId: Hash
  standing?: { log: LogId; index: number }
}

/** Publishes for the node's own member. */
export class Publisher {
  readonly #o: PublisherOptions
  /** Publications that touch an object id, so that two of the same object come one after the other. */
  readonly #inFlight = new Map<string, Promise<unknown>>()

  constructor(options: PublisherOptions) {
    this.#o = options
  }

  /** Publishes the objects as one set. `progress` hears how many of how many entries are durable. */
  async publish(objects: readonly RawObject[], options: PublishOptions, progress?: (done: number, total: number) => void): Promise<PublishResult> {
    if (objects.length === 0) throw new NodeError('INPUT_INVALID', 'The submission holds no object.')
    const refused: PublishResult['refused'] = []
    const typeOf = new Map<string, string>()
    for (const { value } of objects) typeOf.set(String(value['id']), String(value['type']))
    const admitted = await this.#admit(objects, refused)
    const ids = [...new Set(admitted.map(({ value }) => String(value['id'])))]
    return this.#exclusively(ids, async () => {
      const { releases, refused: unreleased } = this.#release(admitted, options)
      refused.push(...unreleased)
      const planned = await this.#plan(releases, refused)
      const published = options.dryRun ? planned.map(preview) : await this.#append(planned, progress)
      return {
        ...(options.dryRun ? { dryRun: true as const } : {}),
        published,
        refused,
        ...(refused.length === 0 ? {} : { refusedByType: countRefused(refused, typeOf) }),
      }
    })
  }

  /**
   * Publishes one object of the node's own making to an audience that was given to it, and to the author it answers;
   * where the author is outside that audience, it gets a log of its own.
   */
  async publishTo(object: RawObject, audience: Audience, author: MemberId): Promise<{ log: LogId; index: number }[]> {
    const { rules, self, now } = this.#o
    const toAuthor: Audience = { v: 1, tlp: audience.tlp, members: [author] }
    const register = rules.register()
    const audienceReaches = (to: Audience) => rules.admits({ audience: to, author: self, server: self, reader: author, channel: 'node', register, now: now() }).send
    const audiences = author === self || audienceReaches(audience) ? [audience] : [audience, toAuthor]
    const id = String(object.value['id'])
    return this.#exclusively([id], async () => {
      const refused: PublishResult['refused'] = []
      const releases = audiences.map((to): Release => ({ objectId: id, id, json: object.bytes, audience: to, recipients: [] }))
      const planned = await this.#plan(releases, refused)
      const published = await this.#append(planned)
      return published.flatMap(({ log, index }) => (log === undefined || index === undefined ? [] : [{ log, index }]))
    })
  }

  /** Takes back every own entry of an object, or one entry. @throws NOT_FOUND, and what the federation refuses */
  async recall(what: { id?: string; log?: LogId; index?: number; reason: RecallReason }): Promise<{ log: LogId; index: number }[]> {
    const entries = await this.#ownEntries(what)
    if (entries.length === 0) throw new NodeError('NOT_FOUND', 'This node published no such object, or has taken it back already.')
    const done: { log: LogId; index: number }[] = []
    for (const { log, index } of entries) {
      await this.#o.federation.recall(log, index, what.reason)
      this.#o.events.recalled({ author: this.#o.self, log, index, reason: what.reason, own: true, time: this.#o.now() })
      done.push({ log, index })
    }
    return done
  }

  async #ownEntries({ id, log, index }: { id?: string; log?: LogId; index?: number }): Promise<{ log: LogId; index: number }[]> {
    if (log !== undefined && index !== undefined) {
      const head = await this.#o.store.log(log)
      return head?.own && index < head.size ? [{ log, index }] : []
    }
    if (id === undefined) throw new NodeError('INPUT_INVALID', 'Name the object by "id", or the entry by "log" and "index".')
    const own = await this.#o.store.logs({ own: true })
    const { rows } = await this.#o.store.objects({ logs: own.map((head) => head.log), ids: [id], statuses: ['accepted'], limit: LOOKUP_ROWS })
    return rows
  }

  /** Valid objects that this member may publish. */
  async #admit(objects: readonly RawObject[], refused: PublishResult['refused']): Promise<RawObject[]> {
    const admitted: RawObject[] = []
    const seen = new Map<string, string>()
    for (const [i, object] of objects.entries()) {
      if (i % TURN_OBJECTS === TURN_OBJECTS - 1) await new Promise(setImmediate)
      const no = this.#refusal(object) ?? duplicate(seen, object)
      if (no === 'same') continue
      if (no) refused.push({ id: String(object.value['id'] ?? `#${i}`), ...no })
      else admitted.push(object)
    }
    return admitted
  }

  #refusal({ bytes, value }: RawObject): { code: string; message: string } | undefined {
    if (bytes.length > OBJECT_BYTES) return { code: 'TOO_LARGE', message: `The object has ${bytes.length} bytes; an entry holds at most ${OBJECT_BYTES}.` }
    const report = validateObject(value)
    if (!report.valid) {
      const [first] = report.errors
      return { code: first?.code ?? 'INVALID', message: `${first?.path ?? ''}: ${first?.message ?? 'not a valid STIX 2.1 object'}`.replace(/^: /, '') }
    }
    const { created_by_ref: creator, modified } = value as { created_by_ref?: string; modified?: string }
    if (creator !== undefined && !this.#mayCreate(creator))
      return { code: 'NOT_OWNER', message: `created_by_ref: ${creator} is another member or its client; only it may publish this object.` }
    if (typeof modified === 'string' && timestampKey(modified) > timestampKey(new Date(this.#o.now() + FUTURE_MS).toISOString()))
      return { code: 'MODIFIED_IN_FUTURE', message: `modified: ${modified} lies ahead of this node's clock by more than 5 minutes.` }
    return undefined
  }

  #mayCreate(creator: string): boolean {
    const org = this.#o.rules.register().org(creator)
    return !org || org.id === this.#o.self || org.clientOf.includes(this.#o.self)
  }

  #release(objects: readonly RawObject[], { tlp, to }: PublishOptions): ReleaseResult {
    const targets = to?.map((text) => text.replace(/^member:/, 'org:'))
    return this.#o.rules.release({ objects, defaults: { ...(tlp ? { tlp } : {}), ...(targets ? { to: targets } : {}) }, now: this.#o.now() })
  }

  /** What of the releases is new; same versions with other content are refused. */
  async #plan(releases: readonly Release[], refused: PublishResult['refused']): Promise<Planned[]> {
    const own = new Map((await this.#o.store.logs({ own: true })).map((head) => [head.log, head]))
    const known = await this.#knownVersions(releases, [...own.keys()])
    const planned: Planned[] = []
    for (const release of releases) {
      const value = parseJson(release.json) as JsonObject
      const plan: Planned = { release, columns: objectColumns(value), audienceId: audienceId(release.audience) }
      const same = (known.get(plan.columns.id) ?? []).filter((row) => row.modified === plan.columns.modified)
      const conflict = same.find((row) => !sameContent(row.json, value))
      if (conflict && plan.columns.modified !== '') {
        refused.push({
          id: release.objectId,
          code: 'EQUIVOCATION',
          message: 'The same version (id and modified) was published with other content; raise "modified" to publish a change.',
        })
        continue
      }
      const standing = same.find((row) => own.get(row.log)?.audienceId === plan.audienceId && sameContent(row.json, value))
      planned.push(standing ? { ...plan, standing: { log: standing.log, index: standing.index } } : plan)
    }
    return planned
  }

  async #knownVersions(releases: readonly Release[], logs: readonly LogId[]): Promise<Map<string, ObjectRow[]>> {
    const known = new Map<string, ObjectRow[]>()
    if (logs.length === 0) return known
    const ids = [...new Set(releases.map(({ id }) => id))]
    for (let from = 0; from < ids.length; from += LOOKUP_IDS) {
      let cursor: string | undefined
      do {
        const page = await this.#o.store.objects({ logs, ids: ids.slice(from, from + LOOKUP_IDS), statuses: ['accepted'], limit: LOOKUP_ROWS, ...(cursor === undefined ? {} : { cursor }) })
        for (const row of page.rows) known.set(row.id, [...(known.get(row.id) ?? []), row])
        cursor = page.next
      } while (cursor !== undefined)
    }
    return known
  }

  async #append(planned: readonly Planned[], progress?: (done: number, total: number) => void): Promise<PublishedObject[]> {
    const answers = new Map<Planned, { log: LogId; index: number }>()
    for (const plan of planned) if (plan.standing) answers.set(plan, plan.standing)
    const fresh = planned.filter((plan) => !plan.standing)
    const groups = Map.groupBy(fresh, (plan) => plan.audienceId)
    let done = 0
    progress?.(done, fresh.length)
    for (const batch of batchesOf([...groups.values()], this.#o.commitEntries)) {
      await this.#commit(batch, answers)
      done += batch.reduce((sum, group) => sum + group.length, 0)
      progress?.(done, fresh.length)
    }
    await this.#supersede(fresh, answers)
    return planned.map((plan) => ({
      id: plan.columns.id,
      ...(answers.get(plan) as { log: LogId; index: number }),
      audience: plan.release.audience,
      recipients: plan.release.recipients.map(({ slug }) => slug),
    }))
  }

  /** One atomic commit: the entries of each audience's log. */
  async #commit(groups: readonly (readonly Planned[])[], answers: Map<Planned, { log: LogId; index: number }>): Promise<void> {
    const { store, federation, now, random, self, events } = this.#o
    const time = now()
    const charters = federation.directory.charterLines()
    const outcomes = await store.commit(
      groups.map((group) => ({
        op: 'append' as const,
        author: self,
        audience: (group[0] as Planned).release.audience,
        genesis: { salt: random(32), time, incarnation: random(16) },
        charters,
        entries: group.map(({ release, columns }): NewEntry => ({
          kind: ENTRY_KIND.object,
          salt: random(32),
          time,
          payload: release.json,
          object: { ...columns, status: 'accepted' },
        })),
      })),
    )
    const rows: PublishedRow[] = []
    const grown: { log: LogId; size: number }[] = []
    const durable = now()
    for (const [i, outcome] of outcomes.entries()) {
      if (outcome.op !== 'append') continue
      grown.push({ log: outcome.log, size: outcome.size })
      for (const [k, plan] of (groups[i] ?? []).entries()) {
        const index = outcome.firstIndex + k
        answers.set(plan, { log: outcome.log, index })
        rows.push({ log: outcome.log, index, id: plan.columns.id, time: durable })
      }
    }
    federation.announce(grown)
    events.published(rows)
    this.#o.onPublished(rows)
  }

  /**
   * Older versions in logs that the new one does not stand in: a revocation follows them there, so that nobody who got
   * the object misses it; anything else is recalled there.
   */
  async #supersede(fresh: readonly Planned[], answers: ReadonlyMap<Planned, { log: LogId; index: number }>): Promise<void> {
    const versioned = fresh.filter(({ columns }) => columns.modified !== '')
    if (versioned.length === 0) return
    const own = new Map((await this.#o.store.logs({ own: true })).map((head) => [head.log, head]))
    const known = await this.#knownVersions(versioned.map(({ release }) => release), [...own.keys()])
    const revocations = new Map<LogId, Planned[]>()
    for (const plan of versioned) {
      const targets = new Set(versioned.filter(({ columns }) => columns.id === plan.columns.id).map((one) => answers.get(one)?.log))
      const older = (known.get(plan.columns.id) ?? []).filter((row) => row.modified < plan.columns.modified && !targets.has(row.log))
      for (const row of older) {
        if (!plan.columns.revoked) await this.recall({ log: row.log, index: row.index, reason: 'superseded' })
        else if (!own.get(row.log)?.closed) revocations.set(row.log, [...(revocations.get(row.log) ?? []), plan])
      }
    }
    for (const [log, plans] of revocations) {
      const { audience } = own.get(log) as LogHead
      const unique = [...new Map(plans.map((plan) => [plan.columns.id, plan])).values()]
      const copies = unique.map((plan) => ({ ...plan, release: { ...plan.release, audience }, audienceId: audienceId(audience) }))
      await this.#commit([copies], new Map())
    }
  }

  async #exclusively<T>(ids: readonly string[], work: () => Promise<T>): Promise<T> {
    for (;;) {
      const others = new Set(ids.flatMap((id) => this.#inFlight.get(id) ?? []))
      if (others.size === 0) break
      await Promise.allSettled(others)
    }
    const running = work()
    for (const id of ids) this.#inFlight.set(id, running)
    try {
      return await running
    } finally {
      for (const id of ids) this.#inFlight.delete(id)
    }
  }
}

/** Payload limit of an entry. @see WIRE, General */
const OBJECT_BYTES = 1_048_576
/** How far `modified` may lie ahead. @see WIRE, Order */
const FUTURE_MS = 300_000

/** The same version twice in one submission: once is enough; with other content it is refused. */
function duplicate(seen: Map<string, string>, { value }: RawObject): 'same' | { code: string; message: string } | undefined {
  const key = `${String(value['id'])} ${String(value['modified'] ?? '')}`
  const content = canonicalJson(value)
  const known = seen.get(key)
  if (known === undefined) seen.set(key, content)
  if (known === undefined) return undefined
  if (known === content) return 'same'
  return { code: 'EQUIVOCATION', message: 'The submission holds this version twice with different content.' }
}

const sameContent = (json: Uint8Array, value: JsonObject) => canonicalJson(parseJson(json)) === canonicalJson(value)

const preview = (plan: Planned): PublishedObject => ({
  id: plan.columns.id,
  ...plan.standing,
  audience: plan.release.audience,
  recipients: [...plan.release.recipients],
})

/** Groups cut and packed into commits of at most `size` entries. */
function batchesOf(groups: readonly (readonly Planned[])[], size: number): Planned[][][] {
  const batches: Planned[][][] = []
  let batch: Planned[][] = []
  let room = size
  for (const group of groups) {
    for (let from = 0; from < group.length; ) {
      const part = group.slice(from, from + room)
      batch.push(part)
      from += part.length
      room -= part.length
      if (room > 0) continue
      batches.push(batch)
      batch = []
      room = size
    }
  }
  return batch.length > 0 ? [...batches, batch] : batches
}

function countRefused(refused: PublishResult['refused'], typeOf: ReadonlyMap<string, string>): Record<string, Record<string, number>> {
  const counts: Record<string, Record<string, number>> = {}
  for (const { id, code } of refused) {
    const byType = (counts[code] ??= {})
    const type = typeOf.get(id) ?? 'unknown'
    byType[type] = (byType[type] ?? 0) + 1
  }
  return counts
}
