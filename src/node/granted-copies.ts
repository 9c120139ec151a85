import { createHmac } from 'node:crypto'
import {
  canonicalJson,
  type Hash,
  type Json,
  type JsonObject,
  type LogId,
  type MemberId,
  type Millis,
  parseJson,
  toHex,
  utf8,
} from '#base'
import { audienceId, encodeEntry, type Envelope, ENTRY_KIND, genesisPayload, leafHash, logIdOf } from '#log'
import { objectColumns } from '#stix'
import type { AppendChange, LogHead, NewEntry, ObjectRow, Store } from '#store'
import type { GrantedObject } from './grant-wish.ts'
import type { GrantedCopy } from './sharing-rules.ts'

const LOOKUP_ROWS = 1_000

/** A copy for grantees, in the place that the grant's statement will name. */
export interface PlannedCopy {
  release: GrantedCopy
  log: LogId
  index: number
  leaf: Hash
  /** Without charter lines, and without the statement, which is signed over what stands here. */
  append: Omit<AppendChange, 'op' | 'charters'>
  /** What of the entries is the copy; absent where it stands already. */
  copy?: NewEntry
  statementSalt: Uint8Array
}

/**
 * Where a copy stands, or will stand: planned again at the same instant, over a log of the same size, it is the same to the
 * byte, so that its statement can be signed elsewhere meanwhile. Salts come from the node's secret.
 */
export async function planCopy(
  { store, self, secret, at }: { store: Store; self: MemberId; secret: Uint8Array; at: Millis },
  release: GrantedCopy,
  { definitions }: GrantedObject,
): Promise<PlannedCopy> {
  const to = audienceId(release.audience)
  const salt = (what: string) =>
    new Uint8Array(createHmac('sha256', secret).update(`grant ${at} ${to} ${release.id} ${what}`).digest())
  const head = (await store.logs({ own: true })).find((one) => one.audienceId === to && !one.closed)
  const genesis = { salt: salt('genesis'), time: at, incarnation: salt('incarnation').slice(0, 16) }
  const time = head ? Math.max(at, await lastTime(store, head)) : at
  const ids = [release.id, ...definitions.map(({ value }) => String(value['id']))]
  const standing = head ? await inUse(store, head, ids) : []
  const value = parseJson(release.json) as JsonObject
  const columns = objectColumns(value)
  const same = standing.find(({ id, modified }) => id === release.id && modified === columns.modified)
  const travelling = definitions
    .filter((one) => !standing.some(({ id }) => id === one.value['id']))
    .map((one): NewEntry => ({
      kind: ENTRY_KIND.object,
      salt: salt(String(one.value['id'])),
      time,
      payload: one.bytes,
      object: { ...objectColumns(one.value), status: 'accepted' },
    }))
  const copy: NewEntry = {
    kind: ENTRY_KIND.object,
    salt: salt('copy'),
    time,
    payload: release.json,
    object: { ...columns, status: 'accepted' },
  }
  const log = head?.log ?? opened()
  const size = head?.size ?? 0
  const shared = { release, log, statementSalt: salt('statement') }
  const append = { author: self, audience: release.audience, genesis, at: size }
  if (head && same) {
    const [entry] = await store.entries(head.log, same.index, same.index + 1)
    if (entry) return { ...shared, index: same.index, leaf: entry.leaf, append: { ...append, entries: travelling } }
  }
  const index = Math.max(1, size) + travelling.length
  const leaf = toHex(leafHash(encodeEntry(copy)))
  return { ...shared, index, leaf, copy, append: { ...append, entries: [...travelling, copy] } }

  function opened(): LogId {
    const incarnation = toHex(genesis.incarnation)
    const payload = genesisPayload({ author: self, audience: release.audience, incarnation, previous: null })
    return logIdOf(encodeEntry({ kind: ENTRY_KIND.genesis, salt: genesis.salt, time: at, payload }))
  }
}

/** The entry of a grant's statement, after its copy. */
export function statementEntry({ append, statementSalt }: PlannedCopy, statement: Envelope): NewEntry {
  const time = append.entries.at(-1)?.time ?? append.genesis.time
  return {
    kind: ENTRY_KIND.statement,
    salt: statementSalt,
    time,
    payload: utf8(canonicalJson(statement as unknown as Json)),
  }
}

async function lastTime(store: Store, { log, size }: LogHead): Promise<Millis> {
  const [last] = await store.entries(log, size - 1, size)
  return last?.time ?? 0
}

async function inUse(store: Store, { log }: LogHead, ids: readonly string[]): Promise<ObjectRow[]> {
  return (await store.objects({ logs: [log], ids, statuses: ['accepted'], limit: LOOKUP_ROWS })).rows
}
