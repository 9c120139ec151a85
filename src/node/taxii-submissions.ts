/**
 * Submissions to writable collections: each object is judged for itself, the good ones are published by the node's own
 * publisher, and the status tells what became of every one. When the caller has its answer, all of it is durable.
 */
import { type Json, type JsonObject, parseJson } from '#base'
import { PolicyError } from '#policy'
import { objectColumns } from '#stix'
import type { Change } from '#store'
import {
  addRow,
  addedKey,
  deleteRow,
  entriesAt,
  fromVersionKey,
  isGranted,
  rowsOfObject,
  type Status,
  type StatusDetail,
  STATUS_ID_RANDOM_BYTES,
  statusId,
  type KeyedRow,
  type SubmittedRow,
  TaxiiError,
  versionsIn,
  type WritableCollection,
} from '#taxii'
import { toNodeError } from './errors.ts'
import type { NodeContext } from './node-context.ts'
import { cutEnvelope, type EnvelopeItem, type RawObject } from './raw-objects.ts'
import { QUARANTINE_BOUND, type Quarantined, TaxiiQuarantine } from './taxii-quarantine.ts'
import type { TaxiiReader } from './taxii-reader.ts'
import { Turns } from './taxii-turns.ts'

const STATUSES = 'taxii-status'
const INTENTS = 'taxii-intents'
/** How long a status can be asked for. */
const STATUS_KEPT_MS = 7 * 86_400_000
/** Old statuses forgotten with each new one. */
const FORGOTTEN_AT_ONCE = 100

type Detail = StatusDetail

interface KeptStatus {
  root: string
  org: string
  status: Status
}

interface Judged {
  successes: Detail[]
  failures: Detail[]
  rows: SubmittedRow[]
  unmarked: RawObject[]
}

/** Takes submissions for a node. */
export class TaxiiSubmissions {
  readonly #node: NodeContext
  readonly #random: (bytes: number) => Uint8Array
  readonly #turns = new Turns()
  readonly #quarantine: TaxiiQuarantine

  constructor(node: NodeContext, random: (bytes: number) => Uint8Array) {
    this.#node = node
    this.#random = random
    this.#quarantine = new TaxiiQuarantine(node.store)
  }

  /** @throws TaxiiError TAXII_UNPROCESSABLE, and what a body that is no JSON is refused with */
  async take(reader: TaxiiReader, target: WritableCollection, body: Uint8Array): Promise<Status> {
    const items = await cutEnvelope(body)
    if (!items) throw new TaxiiError('TAXII_UNPROCESSABLE', 'The body is no envelope: {"objects": […]}.')
    const received = this.#node.now()
    const id = statusId(received, this.#random(STATUS_ID_RANDOM_BYTES))
    const { objects, failures } = sorted(items)
    const judged = await this.#publish(reader, target, id, objects)
    failures.push(...judged.failures)
    return this.#turns.take(target.id, async () => {
      const kept = await this.#quarantine.keep(target, reader, { id, time: received }, judged.unmarked)
      failures.push(...judged.unmarked.map((object) => unmarkedDetail(object, kept.full.includes(object))))
      const status = toStatus(id, received, items.length, judged.successes, failures)
      await this.#settle(target, judged.rows, [
        ...kept.changes,
        {
          op: 'put',
          collection: STATUSES,
          key: id,
          value: { root: target.root, org: reader.org, status } satisfies KeptStatus as unknown as Json,
        },
        { op: 'delete', collection: INTENTS, key: id },
        ...(await this.#forgotten(received)),
      ])
      kept.committed()
      return status
    })
  }

  /** The status of a submission, for who made it. */
  async status(reader: TaxiiReader, root: string, id: string): Promise<Status | undefined> {
    const kept = (await this.#node.store.record<Json>(STATUSES, id)) as unknown as KeptStatus | undefined
    return kept?.root === root && (kept.org === reader.org || reader.isOperator) ? kept.status : undefined
  }

  /** Takes back what the reader submitted among these rows; false where none of them is its own. */
  remove(
    reader: TaxiiReader,
    target: WritableCollection,
    object: string,
    versions: ReadonlySet<string>,
  ): Promise<boolean> {
    return this.#turns.take(target.id, async () => {
      const { store } = this.#node
      const rows = (await rowsOfObject(store, target.id, object)).filter(
        ({ org }) => org === reader.org || reader.isOperator,
      )
      const isNamed = (row: KeyedRow) => versions.has(row.modified === '' ? addedKey(row.added) : row.modified)
      const named = rows.filter(isNamed)
      if (named.length === 0) return false
      const changes: Change[] = []
      for (const row of named) {
        if (row.isNew) for (const { log, index } of row.places) await this.#recall(log, index)
        changes.push(...deleteRow(target.id, row.added, row))
      }
      await store.commit([
        ...changes,
        ...againOf(
          target,
          named,
          rows.filter((row) => !isNamed(row)),
        ),
      ])
      return true
    })
  }

  /** A page of what waits for an operator, submitted or from a source, by key. */
  quarantined(limit: number, after?: string): ReturnType<TaxiiQuarantine['page']> {
    return this.#quarantine.page(limit, after)
  }

  /** The object that waits under this key. */
  waiting(key: string): Promise<Quarantined | undefined> {
    return this.#quarantine.find(key)
  }

  /** Ends an object's quarantine: published with a marking, or dropped. False where there is none with this key. */
  async endQuarantine(key: string, target: WritableCollection | undefined): Promise<Status | boolean> {
    const value = await this.#quarantine.find(key)
    if (!value) return false
    const received = this.#node.now()
    const reader = { org: value.org, tokenId: value.token, isOperator: false, mayPublish: true }
    const bytes = Buffer.from(value.json)
    const objects = [{ bytes, value: parseJson(bytes) as JsonObject }]
    const judged = target && (await this.#publish(reader, target, key, objects))
    return this.#turns.take(value.collection, async () => {
      if (!(await this.#quarantine.find(key))) return false
      const done = await this.#quarantine.end(key, value)
      const isDone = !judged || judged.failures.length + judged.unmarked.length === 0
      if (target && judged) await this.#settle(target, judged.rows, isDone ? [done.change] : [])
      else await this.#node.store.commit([done.change])
      if (isDone) done.committed()
      return judged ? toStatus(key, received, 1, judged.successes, judged.failures) : true
    })
  }

  async #publish(
    reader: TaxiiReader,
    target: WritableCollection,
    intent: string,
    objects: readonly RawObject[],
  ): Promise<Judged> {
    const judged: Judged = { successes: [], failures: [], rows: [], unmarked: [] }
    if (objects.length === 0) return judged
    const before = await this.#standingBefore(reader, target, objects)
    await this.#node.store.commit([
      {
        op: 'put',
        collection: INTENTS,
        key: intent,
        value: {
          collection: target.id,
          org: reader.org,
          versions: objects.map(versionOf).filter((v) => !before.has(v)),
        },
      },
    ])
    let todo = objects
    const { visibility, publisher } = this.#node
    const behind = await visibility.behind(reader)
    for (const tlp of target.tlp === undefined ? [undefined] : [undefined, target.tlp]) {
      if (todo.length === 0) break
      const options = { ...behind, ...(tlp === undefined ? {} : { tlp }), to: target.to }
      const { published, refused } = await publisher.publish(todo, options).catch(hideAudience)
      const places = await this.#placesOf(published)
      const reasons = new Map(refused.map((refusal) => [refusal.id, refusal]))
      const held = new Set(published.filter(({ log }) => log === undefined).map(({ id }) => id))
      const unmarked: RawObject[] = []
      for (const object of todo) {
        const version = versionOf(object)
        const found = places.get(version)
        const name = String(object.value['id'])
        const reason = reasons.get(name)
        if (found) {
          const { org, tokenId: token } = reader
          const { id, type, modified } = objectColumns(object.value)
          judged.rows.push({ id, type, modified, places: found, org, token, isNew: !before.has(version) })
          judged.successes.push(detailOf(object))
        } else if (reason?.code === 'UNMARKED') unmarked.push(object)
        else if (reason) judged.failures.push(detailOf(object, `${reason.code}: ${reason.message}`))
        else if (held.has(name)) judged.successes.push(detailOf(object, 'Kept until its embargo ends.'))
        else judged.successes.push(detailOf(object, 'Accepted; it reaches readers in a redacted form.'))
      }
      todo = unmarked
    }
    judged.unmarked.push(...todo)
    return judged
  }

  /** Versions that the node had published without this caller: it can't have them recalled. */
  async #standingBefore(
    reader: TaxiiReader,
    target: WritableCollection,
    objects: readonly RawObject[],
  ): Promise<Set<string>> {
    const { store } = this.#node
    const own = (await store.logs({ own: true })).map(({ log }) => log)
    const ids = [...new Set(objects.map(({ value }) => String(value['id'])))]
    const standing = await versionsIn(store, ids, own)
    for await (const { value } of store.records<JsonObject>(INTENTS))
      if (value['collection'] === target.id && value['org'] === reader.org)
        for (const version of value['versions'] as string[]) standing.delete(version)
    for (const id of ids)
      for (const row of await rowsOfObject(store, target.id, id))
        if (row.org === reader.org && row.isNew) standing.delete(`${id} ${row.modified}`)
    return standing
  }

  async #placesOf(
    published: Awaited<ReturnType<NodeContext['publisher']['publish']>>['published'],
  ): Promise<Map<string, SubmittedRow['places']>> {
    const places = published.flatMap(({ id, log, index }) =>
      log === undefined || index === undefined ? [] : [{ id, log, index }],
    )
    const entries = await entriesAt(this.#node.store, places)
    const byVersion = new Map<string, SubmittedRow['places']>()
    for (const { id, log, index } of places) {
      const version = `${id} ${entries.get(`${log} ${index}`)?.modified ?? ''}`
      byVersion.set(version, [...(byVersion.get(version) ?? []), { log, index }])
    }
    return byVersion
  }

  /** Adds rows to a collection, together with what else changes. */
  async #settle(target: WritableCollection, rows: readonly SubmittedRow[], more: readonly Change[]): Promise<void> {
    const { store } = this.#node
    const changes: Change[] = [...more]
    const unique = new Map(rows.map((row) => [`${row.id} ${row.modified}`, row]))
    for (const row of unique.values()) {
      const earlier = (await rowsOfObject(store, target.id, row.id)).filter(
        (one) => one.org === row.org && one.modified === row.modified,
      )
      if (earlier.some((one) => JSON.stringify(one.places) === JSON.stringify(row.places))) continue
      for (const one of earlier) changes.push(...deleteRow(target.id, one.added, one))
      changes.push(addRow(target.id, row))
    }
    await store.commit(changes)
  }

  async #recall(log: string, index: number): Promise<void> {
    try {
      await this.#node.publisher.recall({ log, index, reason: 'other' })
    } catch (error) {
      // Already taken back some other way.
      if (toNodeError(error).code !== 'NOT_FOUND') throw error
    }
  }

  async #forgotten(now: number): Promise<Change[]> {
    const oldest = await this.#node.store.recordPage<Json>(STATUSES, { limit: FORGOTTEN_AT_ONCE })
    const kept = statusId(Math.max(0, now - STATUS_KEPT_MS), new Uint8Array(STATUS_ID_RANDOM_BYTES))
    return oldest.filter(({ key }) => key < kept).map(({ key }) => ({ op: 'delete', collection: STATUSES, key }))
  }
}

/** How a reader may use a writable collection. */
export function accessTo({ grants }: WritableCollection, reader: TaxiiReader, self: string) {
  const canWrite = reader.mayPublish && (reader.isOperator || isGranted(grants, reader, 'write'))
  const canRead = reader.isOperator || reader.org === self || isGranted(grants, reader)
  return { canRead, canWrite }
}

/** Those that can be judged, and why the others cannot. */
function sorted(items: readonly EnvelopeItem[]): { objects: RawObject[]; failures: Detail[] } {
  const objects: RawObject[] = []
  const failures: Detail[] = []
  for (const item of items)
    if ('fault' in item) failures.push(unnamed(item.index, item.fault))
    else objects.push(item)
  return { objects, failures }
}

const unnamed = (i: number, fault: string): Detail => ({
  id: `#${i}`,
  version: EPOCH,
  message: `Element ${i} of "objects": ${fault}`,
})

const EPOCH = '1970-01-01T00:00:00.000Z'

/** A version that cannot be read is told apart by its text: the object is refused anyway. */
function versionOf({ value }: RawObject): string {
  try {
    return `${String(value['id'])} ${objectColumns(value).modified}`
  } catch {
    return `${String(value['id'])} ${String(value['modified'])}`
  }
}

function detailOf({ value }: RawObject, message?: string): Detail {
  const version = versionOf({ value, bytes: new Uint8Array() }).split(' ')[1] ?? ''
  return {
    id: String(value['id']),
    version: /^\d{4}-/.test(version) ? fromVersionKey(version) : EPOCH,
    ...(message === undefined ? {} : { message }),
  }
}

const unmarkedDetail = (object: RawObject, isFull: boolean): Detail =>
  detailOf(
    object,
    isFull
      ? `Refused: it carries no marking, and no more can wait for one here (${QUARANTINE_BOUND}). Mark it, or ask the operator.`
      : 'Quarantined: it carries no marking, and this collection has none for such. Its operator decides.',
  )

/**
 * What was only taken out of a collection, and not recalled, leaves the version before it as the newest; that one is
 * added anew for who reads on, where everybody who sees it saw the other one too.
 */
function againOf(target: WritableCollection, gone: readonly KeyedRow[], left: readonly KeyedRow[]): Change[] {
  const last = left.reduce<KeyedRow | undefined>(
    (best, row) => (best && best.modified >= row.modified ? best : row),
    undefined,
  )
  const isUncovered =
    last &&
    gone.some(
      (row) =>
        !row.isNew &&
        row.modified > last.modified &&
        last.places.every(({ log }) => row.places.some((place) => place.log === log)),
    )
  if (!last || !isUncovered) return []
  const { added, ...row } = last
  return [...deleteRow(target.id, added, row), addRow(target.id, row)]
}

function toStatus(id: string, received: number, total: number, successes: Detail[], failures: Detail[]): Status {
  return {
    id,
    status: 'complete',
    request_timestamp: `${new Date(received).toISOString().slice(0, -1)}000Z`,
    total_count: total,
    success_count: successes.length,
    ...(successes.length > 0 ? { successes } : {}),
    failure_count: failures.length,
    ...(failures.length > 0 ? { failures } : {}),
    pending_count: 0,
  }
}

/**
 * The audience is the operator's own: what is wrong with it tells of the node's alliances, which the caller may not know.
 * @throws TaxiiError TAXII_UNAVAILABLE instead
 */
function hideAudience(error: unknown): never {
  if (error instanceof PolicyError && error.code === 'POLICY_TARGET_UNKNOWN')
    throw new TaxiiError(
      'TAXII_UNAVAILABLE',
      'The collection’s audience is not set right; its operator can correct it.',
    )
  throw error
}
