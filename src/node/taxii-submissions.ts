/**
 * Submissions to writable collections: each object is judged for itself, the good ones are published by the node's own
 * publisher, and the status tells what became of every one. When the caller has its answer, all of it is durable.
 */
import { fromUtf8, type Json, type JsonObject, parseJson } from '#base'
import { objectColumns } from '#stix'
import type { Change } from '#store'
import {
  deleteRow,
  entriesAt,
  fromVersionKey,
  isGranted,
  putRow,
  rowsOfObject,
  type Status,
  type StatusDetail,
  STATUS_ID_RANDOM_BYTES,
  statusId,
  submittedRow,
  type SubmittedRow,
  TaxiiError,
  versionsIn,
  type WritableCollection,
} from '#taxii'
import { toNodeError } from './errors.ts'
import type { NodeContext } from './node-context.ts'
import { cutEnvelope, type EnvelopeItem, type RawObject } from './raw-objects.ts'
import type { TaxiiReader } from './taxii-reader.ts'
import { Turns } from './taxii-turns.ts'

const STATUSES = 'taxii-status'
const INTENTS = 'taxii-intents'
const QUARANTINE = 'taxii-quarantine'
/** How long a status can be asked for. */
const STATUS_KEPT_MS = 7 * 86_400_000
/** Old statuses forgotten with each new one. */
const FORGOTTEN_AT_ONCE = 100

type Detail = StatusDetail

/** An object that nobody has marked, kept for the operator. */
export interface Quarantined {
  collection: string
  org: string
  token: string
  time: number
  id: string
  json: string
}

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
  /** Date_added of the newest row of each collection. */
  readonly #newest = new Map<string, number>()

  constructor(node: NodeContext, random: (bytes: number) => Uint8Array) {
    this.#node = node
    this.#random = random
  }

  /** @throws TaxiiError TAXII_UNPROCESSABLE, and what a body that is no JSON is refused with */
  async take(reader: TaxiiReader, target: WritableCollection, body: Uint8Array): Promise<Status> {
    const items = cutEnvelope(body)
    if (!items) throw new TaxiiError('TAXII_UNPROCESSABLE', 'The body is no envelope: {"objects": […]}.')
    const received = this.#node.now()
    const id = statusId(received, this.#random(STATUS_ID_RANDOM_BYTES))
    const { objects, failures } = sorted(items)
    const judged = await this.#publish(reader, target, id, objects)
    const kept = judged.unmarked.map((object): Quarantined => ({
      collection: target.id,
      org: reader.org,
      token: reader.tokenId,
      time: received,
      id: String(object.value['id']),
      json: fromUtf8(object.bytes),
    }))
    failures.push(...judged.failures, ...judged.unmarked.map(quarantinedDetail))
    const status = toStatus(id, received, items.length, judged.successes, failures)
    await this.#settle(target, judged.rows, [
      ...kept.map((value, i): Change => ({
        op: 'put',
        collection: QUARANTINE,
        key: `${id}-${String(i).padStart(6, '0')}`,
        value: value as unknown as Json,
      })),
      {
        op: 'put',
        collection: STATUSES,
        key: id,
        value: { root: target.root, org: reader.org, status } satisfies KeptStatus as unknown as Json,
      },
      { op: 'delete', collection: INTENTS, key: id },
      ...(await this.#forgotten(received)),
    ])
    return status
  }

  /** The status of a submission, for who made it. */
  async status(reader: TaxiiReader, root: string, id: string): Promise<Status | undefined> {
    const kept = (await this.#node.store.record<Json>(STATUSES, id)) as unknown as KeptStatus | undefined
    return kept?.root === root && (kept.org === reader.org || reader.isOperator) ? kept.status : undefined
  }

  /** Takes back what the reader submitted among these rows; false where none of them is its own. */
  async remove(reader: TaxiiReader, target: WritableCollection, added: readonly number[]): Promise<boolean> {
    const rows = await Promise.all(
      added.map(async (at) => ({ at, row: await submittedRow(this.#node.store, target.id, at) })),
    )
    const own = rows.flatMap(({ at, row }) =>
      row && (row.org === reader.org || reader.isOperator) ? [{ at, row }] : [],
    )
    for (const { at, row } of own) {
      if (row.isNew) for (const { log, index } of row.places) await this.#recall(log, index)
      await this.#node.store.commit(deleteRow(target.id, at, row))
    }
    return own.length > 0
  }

  /** Objects that wait for a marking, oldest first. */
  async quarantined(): Promise<{ key: string; value: Quarantined }[]> {
    const rows = await this.#node.store.records<Json>(QUARANTINE)
    return rows.map(({ key, value }) => ({ key, value: value as unknown as Quarantined }))
  }

  /** Ends an object's quarantine: published with a marking, or dropped. False where there is none with this key. */
  async endQuarantine(key: string, target: WritableCollection | undefined): Promise<Status | boolean> {
    const value = (await this.#node.store.record<Json>(QUARANTINE, key)) as unknown as Quarantined | undefined
    if (!value) return false
    const done: Change = { op: 'delete', collection: QUARANTINE, key }
    if (!target) {
      await this.#node.store.commit([done])
      return true
    }
    const reader = { org: value.org, tokenId: value.token, isOperator: false, mayPublish: true }
    const received = this.#node.now()
    const bytes = Buffer.from(value.json)
    const objects = [{ bytes, value: parseJson(bytes) as JsonObject }]
    const judged = await this.#publish(reader, target, key, objects)
    await this.#settle(target, judged.rows, judged.failures.length === 0 ? [done] : [])
    return toStatus(key, received, 1, judged.successes, judged.failures)
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
    const behind = await visibility.logsBehind(reader)
    for (const tlp of target.tlp === undefined ? [undefined] : [undefined, target.tlp]) {
      if (todo.length === 0) break
      const { published, refused } = await publisher.publish(todo, {
        ...behind,
        ...(tlp === undefined ? {} : { tlp }),
        to: target.to,
      })
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
    const intents = await store.records<JsonObject>(INTENTS)
    for (const { value } of intents)
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

  /**
   * Adds rows to a collection, together with what else changes. One after the other: a row that is added later is seen
   * later, so that nobody who reads on misses it.
   */
  #settle(target: WritableCollection, rows: readonly SubmittedRow[], more: readonly Change[]): Promise<void> {
    return this.#turns.take(target.id, async () => {
      const { store, now } = this.#node
      const changes: Change[] = [...more]
      const newest = this.#newest.get(target.id) ?? (await store.record<number>('taxii-newest', target.id)) ?? 0
      let added = Math.max(newest, now() * 1_000)
      const unique = new Map(rows.map((row) => [`${row.id} ${row.modified}`, row]))
      for (const row of unique.values()) {
        const earlier = (await rowsOfObject(store, target.id, row.id)).filter(
          (one) => one.org === row.org && one.modified === row.modified,
        )
        if (earlier.some((one) => JSON.stringify(one.places) === JSON.stringify(row.places))) continue
        for (const one of earlier) changes.push(...deleteRow(target.id, one.added, one))
        changes.push(...putRow(target.id, ++added, row))
      }
      changes.push({ op: 'put', collection: 'taxii-newest', key: target.id, value: added })
      await store.commit(changes)
      this.#newest.set(target.id, added)
    })
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
    const oldest = await this.#node.store.records<Json>(STATUSES, { limit: FORGOTTEN_AT_ONCE })
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
  for (const [i, item] of items.entries()) {
    if ('fault' in item) failures.push(unnamed(item.index, item.fault))
    else if (typeof item.value['id'] !== 'string') failures.push(unnamed(i, 'has no id'))
    else objects.push(item)
  }
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

const quarantinedDetail = (object: RawObject): Detail =>
  detailOf(object, 'Quarantined: it carries no marking, and this collection has none for such. Its operator decides.')

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
