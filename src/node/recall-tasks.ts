import { setImmediate as breathe } from 'node:timers/promises'
import type { LogId } from '#base'
import type { RecallReason } from '#log'
import { renditionId } from '#policy'
import type { LogHead, ObjectRow, Store } from '#store'
import type { Publisher } from './publish.ts'

/** Ids asked for at once. */
const IDS_PER_QUERY = 500
/** Objects read at once. */
const PAGE = 1_000
/** Own objects that are looked through for mentions: some seconds; a larger node is told that more may exist. */
const SEARCHED_MOST = 200_000

/** Something that a recall does not settle by itself, for a person. */
export interface RecallTask {
  id: string
  type: string
  why: string
}

/** What is taken back: every own entry of an object, or one entry. */
export interface WhatToRecall {
  id?: string
  log?: LogId
  index?: number
  reason: RecallReason
}

/** What taking back needs of the node. */
export interface RecallParts {
  store: Store
  publisher: Pick<Publisher, 'recall' | 'standing'>
  /** Keys the ids of renditions. */
  secret: Uint8Array
}

/**
 * Takes back an object with its redacted renditions, or one entry, and tells what is left for a person to look at.
 *
 * @throws NOT_FOUND, and what the federation refuses
 */
export async function takeBack(
  { store, publisher, secret }: RecallParts,
  what: WhatToRecall,
): Promise<{ recalled: { log: LogId; index: number }[]; tasks: RecallTask[] }> {
  const { id, reason } = what
  if (id === undefined) return { recalled: await publisher.recall(what), tasks: [] }
  const own = await store.logs({ own: true })
  const renditions = await renditionsInUse(store, own, id, secret)
  const entries = [...(await publisher.standing(id)).filter(({ recalled }) => !recalled), ...renditions]
  // Where nothing can be taken back, the refusal says why.
  if (entries.length === 0) return { recalled: await publisher.recall(what), tasks: [] }
  const recalled: { log: LogId; index: number }[] = []
  for (const { log, index } of entries) recalled.push(...(await publisher.recall({ log, index, reason })))
  const tasks = await mentionsOf(store, own, [...new Set([id, ...renditions.map((row) => row.id)])])
  return { recalled, tasks }
}

/** Redacted renditions that this node made of an object and that are in use: copies of what is taken back. */
async function renditionsInUse(
  store: Store,
  own: readonly LogHead[],
  id: string,
  secret: Uint8Array,
): Promise<ObjectRow[]> {
  const ids = own.map(({ audienceId }) => renditionId(secret, id, audienceId))
  const found: ObjectRow[] = []
  for (let at = 0; at < ids.length; at += IDS_PER_QUERY) {
    const logs = own.map(({ log }) => log)
    const some = ids.slice(at, at + IDS_PER_QUERY)
    found.push(...(await store.objects({ logs, ids: some, statuses: ['accepted'], limit: PAGE })).rows)
  }
  return found
}

/** Own objects that name one of the ids: they stay, and may repeat what was taken back. */
async function mentionsOf(store: Store, own: readonly LogHead[], ids: readonly string[]): Promise<RecallTask[]> {
  const tasks = new Map<string, RecallTask>()
  const needles = ids.map((id) => Buffer.from(id))
  let searched = 0
  for (let cursor: string | undefined; searched < SEARCHED_MOST;) {
    const logs = own.map(({ log }) => log)
    const page = await store.objects({ logs, statuses: ['accepted'], limit: PAGE, ...(cursor ? { cursor } : {}) })
    for (const { id, type, json } of page.rows) {
      const bytes = Buffer.from(json.buffer, json.byteOffset, json.length)
      if (ids.includes(id) || !needles.some((needle) => bytes.includes(needle))) continue
      tasks.set(id, { id, type, why: 'names it: look whether it repeats what was taken back' })
    }
    searched += page.rows.length
    if (page.next === undefined) return [...tasks.values()]
    cursor = page.next
    await breathe()
  }
  const why = `only the first ${SEARCHED_MOST} own objects were searched for what names it`
  return [...tasks.values(), { id: ids[0] ?? '', type: '', why }]
}
