import type { Json, Millis } from '#base'
import type { Store } from '#store'

const COLLECTION = 'exports'
/** Exports that are remembered: some years of one a day. */
const KEPT = 2_000

/** A file that somebody made of what this node holds. */
export interface ExportMade {
  time: Millis
  format: string
  objects: number
  /** STIX types that it was asked for; absent where it was asked for all. */
  types?: string[]
  /** Name of the token. */
  by: string
}

/** Remembers an export, so that a recall of what it held can name it. */
export async function rememberExport(store: Store, made: ExportMade, random: Uint8Array): Promise<void> {
  const suffix = Buffer.from(random).toString('hex')
  const key = `${String(made.time).padStart(16, '0')} ${suffix}`
  const rows = await Array.fromAsync(store.records(COLLECTION), (row) => row.key)
  const old = rows.slice(0, Math.max(0, rows.length + 1 - KEPT))
  await store.commit([
    { op: 'put', collection: COLLECTION, key, value: made as unknown as Json },
    ...old.map((one) => ({ op: 'delete' as const, collection: COLLECTION, key: one })),
  ])
}

/** Exports at or after a time that may hold objects of a type, oldest first. */
export async function exportsSince(store: Store, since: Millis, type: string): Promise<ExportMade[]> {
  const rows = await Array.fromAsync(store.records(COLLECTION), ({ value }) => value as unknown as ExportMade)
  return rows.filter(({ time, types }) => time >= since && (types === undefined || types.includes(type)))
}
