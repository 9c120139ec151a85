// Logs, entries and stores for the tests and the bench: everything from a seed, nothing random.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Hash, type LogId, type MemberId, sha256, toHex, utf8 } from '#base'
import {
  type Audience,
  encodeEntry,
  ENTRY_KIND,
  Frontier,
  genesisPayload,
  leafHash,
  logIdOf,
  memberIdOf,
  signCheckpoint,
  type Signer,
  toSigner,
} from '#log'
import type { AppendChange, MirrorChange, MirroredEntry, NewEntry, ObjectColumns } from './store.ts'

/** A member with its key. */
export interface SampleMember {
  member: MemberId
  key: Signer
}

/** Bytes that depend on the name alone. */
export const bytesOf = (name: string, length = 32): Uint8Array => sha256(utf8(name)).slice(0, length)

export function sampleMember(name: string): SampleMember {
  const key = toSigner(bytesOf(`key of ${name}`))
  return { member: memberIdOf(key.publicKey), key }
}

export const GREEN: Audience = { v: 1, tlp: 'green' }
export const AMBER: Audience = { v: 1, tlp: 'amber', alliances: ['pacific'] }

/** A folder of its own, removed when disposed. */
export function sampleFolder(): { folder: string } & Disposable {
  const folder = mkdtempSync(join(tmpdir(), 'noroshi-store-'))
  return { folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) }
}

const uuidOf = (name: string) =>
  toHex(bytesOf(name, 16)).replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, '$1-$2-4$3-a$4-$5')

/** An object entry, its columns as they follow from its JSON. */
export function sampleEntry(
  name: string,
  options: { type?: string; time?: number; padding?: number; creator?: string; patternType?: string } & Partial<
    Pick<ObjectColumns, 'id' | 'status' | 'code' | 'revoked'>
  > = {},
): NewEntry & { object: ObjectColumns } {
  const { type = 'indicator', time = 0, padding = 0, creator, patternType = 'stix', status = 'accepted' } = options
  const id = options.id ?? `${type}--${uuidOf(name)}`
  const isIndicator = type === 'indicator'
  const json = JSON.stringify({
    type,
    spec_version: '2.1',
    id,
    created: '2026-01-01T00:00:00.000Z',
    modified: '2026-01-01T00:00:00.000Z',
    name,
    ...(creator && { created_by_ref: creator }),
    ...(isIndicator && { pattern_type: patternType, pattern: `[ipv4-addr:value = '192.0.2.1']` }),
    ...(options.revoked && { revoked: true }),
    ...(padding > 0 && { description: 'x'.repeat(padding) }),
  })
  const object: ObjectColumns = { id, type, modified: '2026-01-01T00:00:00', status }
  if (creator) object.creator = creator
  if (isIndicator) object.patternType = patternType
  if (options.revoked) object.revoked = true
  if (options.code) object.code = options.code
  return { kind: ENTRY_KIND.object, salt: bytesOf(`salt of ${name}`), time, payload: utf8(json), object }
}

/** An append of entries to the member's log for an audience. */
export function sampleAppend(
  author: MemberId,
  entries: readonly NewEntry[],
  options: { audience?: Audience; incarnation?: string; time?: number } = {},
): AppendChange {
  const { audience = GREEN, incarnation = 'first', time = 0 } = options
  return {
    op: 'append',
    author,
    audience,
    genesis: { salt: bytesOf(`genesis ${incarnation}`), time, incarnation: bytesOf(incarnation, 16) },
    charters: [],
    entries,
  }
}

/** Another member's log, as a peer would send it piece by piece. */
export class SampleLog {
  readonly author: SampleMember
  readonly audience: Audience
  readonly log: LogId
  readonly frontier = new Frontier()
  readonly entries: MirroredEntry[] = []

  constructor(author: SampleMember, audience: Audience = GREEN, incarnation = 'first') {
    this.author = author
    this.audience = audience
    const payload = genesisPayload({
      author: author.member,
      audience,
      incarnation: toHex(bytesOf(incarnation, 16)),
      previous: null,
    })
    const bytes = encodeEntry({ kind: ENTRY_KIND.genesis, salt: bytesOf(incarnation), time: 0, payload })
    this.log = logIdOf(bytes)
    this.#push({ bytes, kind: ENTRY_KIND.genesis, time: 0 })
  }

  add(entry: NewEntry): MirroredEntry {
    const { kind, time, object } = entry
    const mirrored: MirroredEntry = { bytes: encodeEntry(entry), kind, time, ...(object && { object }) }
    this.#push(mirrored)
    return mirrored
  }

  /** The change that brings a mirror of size `from` up to `to`; entries in `stubs` as leaf hashes only. */
  mirror(
    from: number,
    to = this.entries.length,
    options: { stubs?: readonly number[]; time?: number } = {},
  ): MirrorChange {
    const { stubs = [], time = 1_000_000 } = options
    const frontier = new Frontier()
    for (const entry of this.entries.slice(0, to)) frontier.append(leafOf(entry))
    const root = toHex(frontier.root()) as Hash
    const { key, member } = this.author
    const note = signCheckpoint({ log: this.log, size: to, root, time, charters: [] }, member, key)
    return {
      op: 'mirror',
      log: this.log,
      author: member,
      from,
      entries: this.entries
        .slice(from, to)
        .map((entry, i): MirroredEntry => (stubs.includes(from + i) ? { leaf: leafOf(entry) } : entry)),
      checkpoint: { note, size: to, root, time, key: key.publicKey },
      audience: this.audience,
      arrived: time,
    }
  }

  #push(entry: MirroredEntry): void {
    this.entries.push(entry)
    this.frontier.append(leafOf(entry))
  }
}

const leafOf = (entry: MirroredEntry) => ('bytes' in entry ? leafHash(entry.bytes) : entry.leaf)
