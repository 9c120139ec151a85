/**
 * What of this node may repeat an object that was taken back: its own objects that name it, republish it or are renditions
 * of it, cases, what an embargo holds, what waits in quarantine, and exports since it came.
 */
import { setImmediate as breathe } from 'node:timers/promises'
import { fromBase64, fromUtf8, type Json, type JsonObject, type Millis } from '#base'
import { renditionId } from '#policy'
import type { Store } from '#store'
import { exportsSince } from './exports.ts'
import type { NewTask, TaskKind, TaskSubject } from './tasks.ts'

/** Own objects read at once. */
const PAGE = 1_000
/** Own objects that are looked through: some seconds; a larger node is told that more may exist. */
const SEARCHED_MOST = 200_000
/** Kinds of what this node keeps itself. */
type CopyKind = Exclude<TaskKind, 'export'>

/** How an id ends. The type before it is read backwards, so that a long word is not read again at each of its letters. */
const ID_END = /--([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})/gi
/** Characters of the longest type of an object. */
const TYPE_MAX_CHARS = 250

/** Collections of records that hold objects, by the kind of task that they make; `where` names a record to people. */
const RECORDS: readonly {
  collection: string
  kind: CopyKind
  where: (key: string, value: JsonObject) => string
}[] = [
  { collection: 'case-objects', kind: 'submission', where: (key) => key },
  { collection: 'embargoes', kind: 'embargo', where: (_, value) => String(value['id']) },
  { collection: 'taxii-quarantine', kind: 'quarantine', where: (_, value) => String(value['id']) },
]

const WHY: Record<CopyKind, string> = {
  rendition: 'a redacted rendition of it that this node made: recall it',
  republication: 'this node published it as well: recall it',
  mention: 'names it: look whether it repeats what was taken back',
  submission: 'a case names it: look whether what came of it must go as well',
  embargo: 'waits for the end of an embargo, and names it: recall it before it is published',
  quarantine: 'waits in quarantine, and is or names it: discard it there',
}

/** Finds what may repeat what was taken back; one look for all subjects. */
export async function derivedCopies(
  store: Store,
  subjects: readonly TaskSubject[],
  secret: Uint8Array,
): Promise<NewTask[]> {
  const found = new Found(subjects)
  const own = await store.logs({ own: true })
  for (const subject of subjects)
    for (const { audienceId } of own) found.rendition(renditionId(secret, subject.id, audienceId), subject)
  const logs = own.map(({ log }) => log)
  let searched = 0
  for (let cursor: string | undefined; logs.length > 0 && searched < SEARCHED_MOST;) {
    const page = await store.objects({ logs, statuses: ['accepted'], limit: PAGE, ...(cursor ? { cursor } : {}) })
    for (const row of page.rows) found.object(row.id, row.type, fromUtf8(row.json))
    searched += page.rows.length
    cursor = page.next
    if (cursor === undefined) break
    await breathe()
  }
  for (const { collection, kind, where } of RECORDS)
    for await (const { key, value } of store.records<Json>(collection))
      found.record(kind, where(key, value as JsonObject), textOf(value))
  const tasks = found.tasks()
  if (searched >= SEARCHED_MOST)
    for (const recalled of subjects)
      tasks.push({
        kind: 'mention',
        why: `only the first ${SEARCHED_MOST} own objects were searched`,
        named: [],
        recalled,
      })
  for (const recalled of subjects) tasks.push(...(await exportTasks(store, recalled)))
  return tasks
}

async function exportTasks(store: Store, recalled: TaskSubject): Promise<NewTask[]> {
  const [entry] = await store.entries(recalled.log, recalled.index, recalled.index + 1)
  const type = recalled.id.slice(0, recalled.id.indexOf('--'))
  const made = await exportsSince(store, entry?.arrived ?? 0, type)
  if (made.length === 0) return []
  const words = made.map(({ format, time, by }) => `${format} at ${isoOf(time)} by ${by}`)
  return [{ kind: 'export', why: 'may stand in exports: replace them or destroy them', named: words, recalled }]
}

const isoOf = (time: Millis) => new Date(time).toISOString()

/** The text of a record; what it holds in base64 is read as well. */
function textOf(value: Json): string {
  const { json } = value as { json?: unknown }
  const isEncoded = typeof json === 'string' && !json.startsWith('{')
  return JSON.stringify(value) + (isEncoded ? fromUtf8(fromBase64(json)) : '')
}

/** Finds by subject. */
class Found {
  readonly #subjects = new Map<string, TaskSubject>()
  readonly #renditions = new Map<string, TaskSubject>()
  /** What follows the type in the ids above. */
  readonly #uuids = new Set<string>()
  readonly #tasks = new Map<string, NewTask & { named: string[] }>()

  constructor(subjects: readonly TaskSubject[]) {
    for (const subject of subjects) {
      this.#subjects.set(subject.id, subject)
      this.#uuids.add(uuidOf(subject.id))
    }
  }

  rendition(id: string, of: TaskSubject): void {
    this.#renditions.set(id, of)
    this.#uuids.add(uuidOf(id))
  }

  object(id: string, type: string, text: string): void {
    const same = this.#subjects.get(id)
    const whole = this.#renditions.get(id)
    if (same) this.#add('republication', type, id, same)
    if (whole) this.#add('rendition', type, id, whole)
    for (const subject of this.#named(text))
      if (subject !== same && subject !== whole) this.#add('mention', type, id, subject)
  }

  record(kind: CopyKind, where: string, text: string): void {
    for (const subject of this.#named(text)) this.#add(kind, '', where, subject)
  }

  tasks(): NewTask[] {
    return [...this.#tasks.values()]
  }

  #named(text: string): Set<TaskSubject> {
    const named = new Set<TaskSubject>()
    for (const { 0: end, 1: uuid = '', index } of text.matchAll(ID_END)) {
      if (!this.#uuids.has(uuid)) continue
      const subject = this.#endingAt(text, index, index + end.length)
      if (subject) named.add(subject)
    }
    return named
  }

  /** The longest known id that ends at `to`; its type ends at `at`. A letter of an escape (`\n`) may stand right before it. */
  #endingAt(text: string, at: number, to: number): TaskSubject | undefined {
    let found: TaskSubject | undefined
    for (let from = at - 1; from >= 0 && at - from <= TYPE_MAX_CHARS && isOfType(text.charCodeAt(from)); from--) {
      const id = text.slice(from, to)
      found = this.#subjects.get(id) ?? this.#renditions.get(id) ?? found
    }
    return found
  }

  #add(kind: CopyKind, type: string, named: string, recalled: TaskSubject): void {
    const key = `${recalled.log} ${recalled.index} ${kind} ${type}`
    const known = this.#tasks.get(key)
    if (!known)
      this.#tasks.set(key, { kind, ...(type === '' ? {} : { type }), why: WHY[kind], named: [named], recalled })
    else if (!known.named.includes(named)) known.named.push(named)
  }
}

const uuidOf = (id: string) => id.slice(id.indexOf('--') + 2)

/** Whether a character may stand in a type: a-z, 0-9 or a hyphen. */
const isOfType = (code: number) => (code >= 97 && code <= 122) || (code >= 48 && code <= 57) || code === 45
