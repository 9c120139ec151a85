/**
 * Cuts a large submission into requests that together publish what one request would.
 *
 * What becomes of an object depends on every object that it refers to, directly or through others: a reference to what a
 * reader may not have is cut, and a note inherits the marking of what it annotates. So an object always goes together with
 * all of these, and where one of them was in an earlier request, it is sent again: a node publishes no version twice.
 */
import { closeSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomUUID } from 'node:crypto'
import type { Json } from '#base'
import { BundleReader, type StreamItem } from '#stix'
import { UsageError } from './command.ts'

/** Bounds of one request; objects that belong together by references may exceed them. */
export interface PartLimits {
  bytes: number
  objects: number
}

/** An object that no request can carry. */
export interface TooLarge {
  id: string
  code: string
  message: string
}

/** One id of the submission: all its versions, and the numbers of the ids that it names. */
interface Unit {
  /** Where its first version lies in the spool; -1 where the submission has none. */
  at: number
  length: number
  /** Its other versions, which few have. */
  others: { at: number; length: number }[] | undefined
  names: readonly number[]
}

const ID = /^[a-z][a-z0-9-]*--[0-9a-fA-F-]{36}$/
const SPOOL_BYTES = 1_048_576

/** The objects of a submission, read once and kept on disk, in a file that has no name. */
export class PublishParts implements Disposable {
  readonly tooLarge: TooLarge[] = []
  /** Objects that were read. */
  objects = 0
  readonly #reader = new BundleReader()
  readonly #units: Unit[] = []
  /** Number of each id that stands somewhere in the submission. */
  readonly #numbers = new Map<string, number>()
  readonly #limits: PartLimits
  readonly #what: string
  readonly #file: number
  #waiting: Uint8Array[] = []
  #waitingBytes = 0
  #written = 0

  constructor(what: string, limits: PartLimits) {
    this.#what = what
    this.#limits = limits
    const path = join(tmpdir(), `noroshi-publish-${randomUUID()}`)
    this.#file = openSync(path, 'wx+', 0o600)
    rmSync(path)
  }

  /** Takes the next bytes of the submission. @throws UsageError for what cannot be read */
  push(chunk: Uint8Array): void {
    for (const item of this.#reader.push(chunk)) this.#take(item)
  }

  /** The requests' bodies, and how many objects of the submission are in them or were in an earlier one. */
  *bodies(): Generator<{ body: Uint8Array; done: number }> {
    for (const item of this.#reader.end()) this.#take(item)
    this.#flush()
    let done = 0
    const wasSent = new Uint8Array(this.#units.length)
    for (const part of this.#parts()) {
      for (const number of part) {
        if (wasSent[number] === 0) done += versionsOf(this.#unit(number))
        wasSent[number] = 1
      }
      yield { body: this.#bodyOf(part), done }
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#file)
  }

  #take(item: StreamItem): void {
    if (item.kind === 'fault') {
      if (item.error.code !== 'STIX_STREAM_OBJECT_TOO_LARGE')
        throw new UsageError(`${this.#what}: ${item.error.message}. Nothing was published.`)
      this.tooLarge.push({ id: `#${item.index}`, code: 'TOO_LARGE', message: item.error.message })
    } else if (item.kind === 'object') this.#keep(item.value, item.bytes)
    else if ((item.value as { type?: unknown }).type !== 'bundle')
      throw new UsageError(
        `${this.#what}: its objects stand in something that is no bundle; give a bundle, an array or NDJSON, and --tlp and --to as options. Nothing was published.`,
      )
  }

  #keep(value: Json, bytes: Uint8Array): void {
    const id = idOf(value)
    const number = id === undefined ? this.#units.push(newUnit()) - 1 : this.#numberOf(id)
    const unit = this.#units[number] as Unit
    const at = this.#written + this.#waitingBytes
    if (unit.at < 0) Object.assign(unit, { at, length: bytes.length })
    else (unit.others ??= []).push({ at, length: bytes.length })
    const names = new Set(unit.names)
    for (const name of namesIn(value)) names.add(this.#numberOf(name))
    names.delete(number)
    unit.names = [...names]
    this.objects++
    this.#waiting.push(bytes)
    this.#waitingBytes += bytes.length
    if (this.#waitingBytes >= SPOOL_BYTES) this.#flush()
  }

  #numberOf(id: string): number {
    const known = this.#numbers.get(id)
    if (known !== undefined) return known
    const number = this.#units.push(newUnit()) - 1
    this.#numbers.set(id, number)
    return number
  }

  #flush(): void {
    const bytes = Buffer.concat(this.#waiting)
    for (let from = 0; from < bytes.length;) from += writeSync(this.#file, bytes, from)
    this.#written += bytes.length
    this.#waiting = []
    this.#waitingBytes = 0
  }

  /** Sets of ids, each with everything that its members name; what names most comes first, and brings the others along. */
  *#parts(): Generator<number[]> {
    const order = this.#units.map((_, number) => number).filter((number) => this.#unit(number).at >= 0)
    order.sort((a, b) => this.#unit(b).names.length - this.#unit(a).names.length)
    /** Number of the last part that an id was in. */
    const inPart = new Int32Array(this.#units.length)
    let part: number[] = []
    let serial = 1
    let [bytes, objects] = [0, 0]
    for (const root of order) {
      if (inPart[root] !== 0) continue
      let added = this.#missing(root, inPart, serial)
      if (part.length > 0 && !this.#fits(added, bytes, objects)) {
        yield part
        serial++
        part = []
        ;[bytes, objects] = [0, 0]
        added = this.#missing(root, inPart, serial)
      }
      for (const number of added) {
        inPart[number] = serial
        part.push(number)
        bytes += bytesOf(this.#unit(number))
        objects += versionsOf(this.#unit(number))
      }
    }
    if (part.length > 0) yield part
  }

  /** The id and what it names, directly and through others, without what is in the part already. */
  #missing(root: number, inPart: Int32Array, serial: number): number[] {
    const found = new Set([root])
    for (const number of found)
      for (const name of this.#unit(number).names)
        if (inPart[name] !== serial && this.#unit(name).at >= 0) found.add(name)
    return [...found]
  }

  #fits(added: readonly number[], bytes: number, objects: number): boolean {
    let [moreBytes, moreObjects] = [bytes, objects]
    for (const number of added) {
      moreBytes += bytesOf(this.#unit(number))
      moreObjects += versionsOf(this.#unit(number))
    }
    return moreBytes <= this.#limits.bytes && moreObjects <= this.#limits.objects
  }

  /** The objects of a part as a JSON array, in the order of the submission. */
  #bodyOf(part: readonly number[]): Uint8Array {
    const slices = part.flatMap((number) => slicesOf(this.#unit(number))).sort((a, b) => a.at - b.at)
    const body = Buffer.alloc(slices.reduce((sum, { length }) => sum + length + 1, 1))
    let end = 0
    for (const { at, length } of slices) {
      body[end++] = end === 1 ? OPEN_LIST : COMMA
      for (let read = 0; read < length;) read += readSync(this.#file, body, end + read, length - read, at + read)
      end += length
    }
    body[end] = CLOSE_LIST
    return body
  }

  #unit(number: number): Unit {
    return this.#units[number] as Unit
  }
}

const [OPEN_LIST, CLOSE_LIST, COMMA] = [0x5b, 0x5d, 0x2c]

const NO_NAMES: readonly number[] = []
const newUnit = (): Unit => ({ at: -1, length: 0, others: undefined, names: NO_NAMES })
const versionsOf = ({ at, others }: Unit) => (at < 0 ? 0 : 1 + (others?.length ?? 0))
const slicesOf = ({ at, length, others = [] }: Unit) => [{ at, length }, ...others]
/** Bytes of all versions, each with a comma. */
const bytesOf = (unit: Unit) => slicesOf(unit).reduce((sum, { length }) => sum + length + 1, 0)

function idOf(value: Json): string | undefined {
  const id = typeof value === 'object' && value !== null && !Array.isArray(value) ? value['id'] : undefined
  return typeof id === 'string' && id !== '' ? id : undefined
}

/** Every text in an object that may be another's id: more than its references, so that none is missed. */
function namesIn(value: Json, found: Set<string> = new Set()): Set<string> {
  if (typeof value === 'string') {
    if (ID.test(value)) found.add(value)
  } else if (Array.isArray(value)) for (const item of value) namesIn(item, found)
  else if (typeof value === 'object' && value !== null)
    for (const [name, item] of Object.entries(value)) {
      if (ID.test(name)) found.add(name)
      namesIn(item, found)
    }
  return found
}
