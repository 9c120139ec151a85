import { fromBase64, isJsonObject, type Json, type JsonObject, type LogId, toBase64, toHex } from '#base'
import { erasePurgedPlans } from '#casework'
import { decodeFrames, encodeFrames, leafHash, peekCheckpoint } from '#log'
import type { Change, Store } from '#store'
import { forgetPurgedForms } from './cut-forms.ts'

/** Rows of a journal that are looked through at once. */
const ROWS = 1_000

/** An entry that was purged. */
interface Place {
  log: LogId
  index: number
}

/** Takes out what this node derived from purged entries and keeps elsewhere; that there was something, and when, stays. */
export async function erasePurgedCopies(store: Store, places: readonly Place[]): Promise<void> {
  const purged = new Set(places.map(({ log, index }) => `${log} ${index}`))
  // A value that matched is the content that was to go.
  await amend(store, 'hits', (value) => {
    if (!purged.has(`${String(value['log'])} ${String(value['index'])}`) || value['value'] === '') return undefined
    const { name: _, ...rest } = value
    return { ...rest, value: '' }
  })
  await amend(store, 'evidence', (value) => {
    const left = withoutEntries(value, purged)
    return left === value ? undefined : (left as JsonObject)
  })
  await erasePurgedPlans(store, places)
  await forgetPurgedForms(store)
}

async function amend(
  store: Store,
  stream: string,
  change: (value: JsonObject) => JsonObject | undefined,
): Promise<void> {
  for (let after = 0; ;) {
    const rows = await store.journal<JsonObject>(stream, { after, limit: ROWS })
    const changes = rows.flatMap(({ sequence, time, value }): Change[] => {
      const changed = change(value)
      return changed === undefined ? [] : [{ op: 'amend', stream, sequence, time, value: changed }]
    })
    if (changes.length > 0) await store.commit(changes)
    const last = rows.at(-1)
    if (!last) return
    after = last.sequence
  }
}

/** Evidence with the leaf hashes of purged entries in place of their bytes; the same value where there are none. */
function withoutEntries(value: Json, purged: ReadonlySet<string>): Json {
  if (Array.isArray(value)) {
    const left = value.map((one) => withoutEntries(one, purged))
    return left.some((one, at) => one !== value[at]) ? left : value
  }
  if (!isJsonObject(value)) return value
  const { entry, ...rest } = value
  if (typeof entry === 'string' && isPurged(value, purged)) return { ...rest, leaf: toHex(leafHash(fromBase64(entry))) }
  if (value['type'] === 'false-receipt') return withoutFrames(value, purged)
  let isSame = true
  const left: JsonObject = {}
  for (const [name, one] of Object.entries(value)) {
    left[name] = withoutEntries(one, purged)
    isSame &&= left[name] === one
  }
  return isSame ? value : left
}

/** A false receipt with leaf hashes in place of purged entries; it proves nothing any more. */
function withoutFrames(value: JsonObject, purged: ReadonlySet<string>): JsonObject {
  const { receipt, frames } = value
  const statement = isJsonObject(receipt) && isJsonObject(receipt['statement']) ? receipt['statement'] : {}
  const held = typeof frames === 'string' ? decodeFrames(fromBase64(frames)) : []
  const gone = (index: number) => purged.has(`${String(statement['log'])} ${index}`)
  if (!held.some((frame, index) => 'bytes' in frame && gone(index))) return value
  const left = held.map((frame, index) => ('bytes' in frame && gone(index) ? { leaf: leafHash(frame.bytes) } : frame))
  return { ...value, frames: toBase64(encodeFrames(left)) }
}

function isPurged({ note, index }: JsonObject, purged: ReadonlySet<string>): boolean {
  return typeof note === 'string' && purged.has(`${peekCheckpoint(note).log} ${String(index)}`)
}
