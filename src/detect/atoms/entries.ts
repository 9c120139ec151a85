import type { Millis } from '#base'
import type { Rule } from '../rule.ts'
import { type Hash64, hashText } from './hash.ts'
import { HashTable } from './table.ts'

/**
 * The entries of the index: one for each atom of each rule.
 *
 * What a lookup reads at once stands in columns (validity in whole seconds, widened to the safe side); everything else
 * (rule id, exact validity, source, value) is a record in chunks of bytes that is only decoded for a candidate.
 */
const CHUNK_BYTES = 1 << 20
const RECORD_MAX = 16_384
const GROWTH = 1.25
const FIRST_ENTRIES = 1_024
const NO_END = 0xffffffff
const ID_KIND = 31
const UUID_ID = /^indicator--([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})$/

const FLAG_UUID = 1
const FLAG_UNTIL = 2
const FLAG_SOURCE = 4
const FLAG_MEMBER = 8

/** The rule behind an entry and the atom's compared form. */
export interface Entry {
  rule: Omit<Rule, 'pattern' | 'kind'>
  /** Kind number of the key, so that equal texts of two kinds stay apart. */
  kind: number
  value: string
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** Column and record storage of entries, addressed by entry number; numbers of removed entries are used again. */
export class EntryStore {
  #from = new Uint32Array(FIRST_ENTRIES)
  #until = new Uint32Array(FIRST_ENTRIES)
  #offset = new Uint32Array(FIRST_ENTRIES)
  readonly #chunks: Uint8Array[] = []
  #chunkUsed = CHUNK_BYTES
  #deadBytes = 0
  #count = 0
  readonly #free: number[] = []
  readonly #byId = new HashTable()
  readonly #logs = new Names()
  readonly #members = new Names()

  /** Bytes that lookups touch. */
  get hotBytes(): number {
    return this.#from.byteLength + this.#until.byteLength
  }

  /** Bytes of records, their offsets and the index by rule id. */
  get coldBytes(): number {
    return this.#offset.byteLength + this.#chunks.length * CHUNK_BYTES + this.#byId.bytes
  }

  /** Bytes of records of removed entries, not yet given back. */
  get deadBytes(): number {
    return this.#deadBytes
  }

  add(entry: Entry): number {
    const record = this.#encode(entry)
    const number = this.#free.pop() ?? this.#count++
    if (number >= this.#from.length) this.#grow()
    this.#from[number] = toSeconds(Math.floor(entry.rule.validFrom / 1000))
    this.#until[number] =
      entry.rule.validUntil === undefined ? NO_END : toSeconds(Math.ceil(entry.rule.validUntil / 1000))
    this.#offset[number] = this.#append(record)
    const { a, b } = idHash(entry.rule.id)
    this.#byId.add(a, b, number)
    return number
  }

  /** Entries of a rule. */
  ofRule(id: string): number[] {
    const { a, b } = idHash(id)
    return this.#byId.get(a, b).filter((number) => this.read(number).rule.id === id)
  }

  remove(number: number): void {
    const { a, b } = idHash(this.read(number).rule.id)
    this.#byId.remove(a, b, number)
    this.#deadBytes += this.#view(number).getUint16(0)
    this.#free.push(number)
  }

  /** Whether the entry may be valid at a time; false is certain. */
  mayBeValid(number: number, time: Millis): boolean {
    const seconds = time / 1000
    const until = this.#until[number]!
    return this.#from[number]! <= seconds && (until === NO_END || seconds < until)
  }

  read(number: number): Entry {
    const view = this.#view(number)
    const flags = view.getUint8(2)
    let at = 4
    const rule: Entry['rule'] = { id: '', validFrom: view.getFloat64(at) }
    at += 8
    if (flags & FLAG_UNTIL) {
      rule.validUntil = view.getFloat64(at)
      at += 8
    }
    if (flags & FLAG_SOURCE) {
      rule.source = { log: this.#logs.name(view.getUint32(at)), index: view.getUint32(at + 4) }
      at += 8
    }
    if (flags & FLAG_MEMBER) {
      rule.member = this.#members.name(view.getUint32(at)) as NonNullable<Rule['member']>
      at += 4
    }
    const idLength = flags & FLAG_UUID ? 16 : view.getUint16(at)
    if (!(flags & FLAG_UUID)) at += 2
    const idBytes = new Uint8Array(view.buffer, view.byteOffset + at, idLength)
    rule.id = flags & FLAG_UUID ? `indicator--${uuidText(idBytes)}` : decoder.decode(idBytes)
    at += idLength
    const value = decoder.decode(new Uint8Array(view.buffer, view.byteOffset + at, view.getUint16(0) - at))
    return { rule, kind: view.getUint8(3), value }
  }

  #view(number: number): DataView {
    const offset = this.#offset[number]!
    const chunk = this.#chunks[Math.floor(offset / CHUNK_BYTES)]!
    return new DataView(chunk.buffer, offset % CHUNK_BYTES)
  }

  #encode({ rule, kind, value }: Entry): Uint8Array {
    const uuid = UUID_ID.exec(rule.id)
    const id = uuid ? Buffer.from(uuid.slice(1).join(''), 'hex') : encoder.encode(rule.id)
    const text = encoder.encode(value)
    const record = new Uint8Array(38 + id.length + text.length)
    const view = new DataView(record.buffer)
    let flags = uuid ? FLAG_UUID : 0
    view.setUint8(3, kind)
    view.setFloat64(4, rule.validFrom)
    let at = 12
    if (rule.validUntil !== undefined) {
      flags |= FLAG_UNTIL
      view.setFloat64(at, rule.validUntil)
      at += 8
    }
    if (rule.source) {
      flags |= FLAG_SOURCE
      view.setUint32(at, this.#logs.number(rule.source.log))
      view.setUint32(at + 4, rule.source.index)
      at += 8
    }
    if (rule.member) {
      flags |= FLAG_MEMBER
      view.setUint32(at, this.#members.number(rule.member))
      at += 4
    }
    if (!uuid) {
      view.setUint16(at, id.length)
      at += 2
    }
    record.set(id, at)
    at += id.length
    record.set(text, at)
    at += text.length
    if (at > RECORD_MAX) throw new RangeError(`entry of ${at} bytes; the limit is ${RECORD_MAX}`)
    view.setUint16(0, at)
    view.setUint8(2, flags)
    return record.subarray(0, at)
  }

  #append(record: Uint8Array): number {
    if (this.#chunkUsed + record.length > CHUNK_BYTES) {
      this.#chunks.push(new Uint8Array(CHUNK_BYTES))
      this.#chunkUsed = 0
    }
    this.#chunks.at(-1)!.set(record, this.#chunkUsed)
    const offset = (this.#chunks.length - 1) * CHUNK_BYTES + this.#chunkUsed
    this.#chunkUsed += record.length
    return offset
  }

  #grow(): void {
    const size = Math.ceil(this.#from.length * GROWTH)
    const larger = (column: Uint32Array<ArrayBuffer>) => {
      const copy = new Uint32Array(size)
      copy.set(column)
      return copy
    }
    this.#from = larger(this.#from)
    this.#until = larger(this.#until)
    this.#offset = larger(this.#offset)
  }
}

/** Interned names (logs, members): few, so a map is enough. */
class Names {
  readonly #names: string[] = []
  readonly #numbers = new Map<string, number>()

  number(name: string): number {
    const known = this.#numbers.get(name)
    if (known !== undefined) return known
    this.#numbers.set(name, this.#names.length)
    return this.#names.push(name) - 1
  }

  name(number: number): string {
    return this.#names[number] ?? ''
  }
}

const toSeconds = (seconds: number): number => Math.min(NO_END - 1, Math.max(0, seconds))

const idHash = (id: string): Hash64 => hashText(id, ID_KIND)

function uuidText(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
