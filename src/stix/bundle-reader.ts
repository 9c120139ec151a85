/**
 * Reads STIX of any size in bounded memory: chunks of bytes in, objects out.
 *
 * A bundle, a list of objects, a single object, or many of these one after another (NDJSON) are told apart by their
 * first bytes. No more is held than one object and a bundle's other members:
 *
 *     const reader = new BundleReader()
 *     for (const chunk of chunks) for (const item of reader.push(chunk)) use(item)
 *     for (const item of reader.end()) use(item)
 *
 * One object that is too large, too deep or malformed is a fault item, and reading goes on behind it.
 */
import { JsonError, JSON_MAX_BYTES, JSON_MAX_DEPTH, parseJson } from '#base'
import type { Json, NoroshiError } from '#base'
import { Capture } from './capture.ts'
import { StixError } from './error.ts'

/** Bounds of one object in the stream. */
export interface ReaderLimits {
  maxObjectBytes?: number
  maxDepth?: number
  /** Whether the bundle may stand in a member `bundle`, as the API takes it: `{"bundle": {…}, "tlp": "green"}`. */
  isWrapped?: boolean
}

/** What comes out: an object with the bytes it was written in, the end of a bundle, or something unreadable. */
export type StreamItem =
  | { kind: 'object'; index: number; value: Json; bytes: Uint8Array }
  /**
   * A bundle's members, its `objects` empty: they came before as items of their own, so many of them. It stands in the
   * bytes [from, to) of the stream.
   */
  | { kind: 'bundle'; value: Json; objects: number; from: number; to: number }
  | { kind: 'fault'; index: number; error: NoroshiError }

/** A place in the input: the line from 1, the byte from 0. */
interface Place {
  line: number
  offset: number
}

type State = 'between' | 'junk' | 'document' | 'elements' | 'element'

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const COLON = 0x3a
const NEWLINE = 0x0a
const OPEN_LIST = 0x5b
const CLOSE_LIST = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d
const BYTE_ORDER_MARK = 0xef
const BYTE_ORDER_MARK_BYTES = 3

const isSpace = (byte: number) => byte === 0x20 || byte === NEWLINE || byte === 0x0d || byte === 0x09

/** Incremental reader of one stream. */
export class BundleReader {
  readonly #maxDepth: number
  readonly #isWrapped: boolean
  readonly #document: Capture
  readonly #element: Capture
  #state: State = 'between'
  #items: StreamItem[] = []
  #index = 0
  #position = 0
  /** Number of the line that the byte before `#countedTo` of the present chunk stands in. */
  #line = 1
  #countedTo = 0
  /** Where the value being read begins, and the bundle around it. */
  #start: Place = { line: 1, offset: 0 }
  #bundleStart: Place = { line: 1, offset: 0 }
  /** `#index` when the present bundle's list began. */
  #firstIndex = 0
  #depth = 0
  /** Depth of the object whose members are looked at: 2 within a wrapping. */
  #level = 1
  #elementDepth = 0
  #inString = false
  #escaped = false
  #deepest = 0
  /** Whether the list being read stands in a bundle (or by itself). */
  #inBundle = false
  #expectsComma = false
  #afterComma = false
  /** Bytes of a byte-order mark still to pass over. */
  #skip = 0
  /** Text of the string, key and `type` last seen directly in the document. */
  #stringStart = 0
  #lastString = ''
  #key = ''
  #type: string | undefined

  constructor(limits: ReaderLimits = {}) {
    const { maxObjectBytes = JSON_MAX_BYTES, maxDepth = JSON_MAX_DEPTH, isWrapped = false } = limits
    this.#maxDepth = maxDepth
    this.#isWrapped = isWrapped
    this.#document = new Capture(maxObjectBytes)
    this.#element = new Capture(maxObjectBytes)
  }

  /** Reads the next chunk; returns what it completed. The chunk is not kept. */
  push(chunk: Uint8Array): StreamItem[] {
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at] ?? 0
      if (this.#skip > 0) this.#skip--
      else if (this.#state === 'element') this.#inElement(byte, chunk, at)
      else if (this.#state === 'document') this.#inDocument(byte, chunk, at)
      else if (this.#state === 'elements') this.#inElements(byte, chunk, at)
      else if (this.#state === 'between') this.#between(byte, chunk, at)
      else if (byte === NEWLINE) this.#endJunk(chunk, at)
    }
    this.#lineAt(chunk, chunk.length)
    this.#countedTo = 0
    this.#position += chunk.length
    this.#document.keep(chunk)
    this.#element.keep(chunk)
    return this.#taken()
  }

  /** Says that the stream is over; returns what is left, a fault if it ended within a value. */
  end(): StreamItem[] {
    if (this.#state === 'junk') this.#endJunk(new Uint8Array(), 0)
    else if (this.#state !== 'between')
      this.#fault(
        new StixError(
          'STIX_STREAM_TRUNCATED',
          `The input ends within the value ${this.#where()}, after ${this.#position} bytes`,
        ),
      )
    this.#state = 'between'
    return this.#taken()
  }

  #begin(chunk: Uint8Array, at: number): void {
    this.#start = { line: this.#lineAt(chunk, at), offset: this.#position + at }
  }

  /** Number of the line that a place of the present chunk stands in; places are asked for in order. */
  #lineAt(chunk: Uint8Array, at: number): number {
    const passed = chunk.subarray(this.#countedTo, at)
    for (let next = passed.indexOf(NEWLINE); next >= 0; next = passed.indexOf(NEWLINE, next + 1)) this.#line++
    this.#countedTo = at
    return this.#line
  }

  #between(byte: number, chunk: Uint8Array, at: number): void {
    if (isSpace(byte)) return
    this.#begin(chunk, at)
    this.#depth = 1
    this.#level = 1
    this.#deepest = 1
    this.#inString = false
    if (byte === OPEN_OBJECT) {
      this.#state = 'document'
      this.#document.start(at)
      this.#key = ''
      this.#lastString = ''
      this.#type = undefined
    } else if (byte === OPEN_LIST) this.#startElements(false)
    else if (byte === BYTE_ORDER_MARK && this.#position + at === 0) {
      this.#skip = BYTE_ORDER_MARK_BYTES - 1
      this.#fault(
        new StixError('STIX_STREAM_SYNTAX', 'The input begins with a byte-order mark; save it as UTF-8 without one'),
      )
    } else {
      this.#state = 'junk'
      this.#document.start(at)
    }
  }

  #endJunk(chunk: Uint8Array, at: number): void {
    const bytes = this.#document.take(chunk, at)
    this.#state = 'between'
    if (bytes === undefined) return this.#tooLarge(this.#document.size)
    this.#emit(bytes)
  }

  /** Directly in a top-level object: looks for the list of objects of a bundle. */
  #inDocument(byte: number, chunk: Uint8Array, at: number): void {
    if (this.#inString) {
      if (this.#escaped) this.#escaped = false
      else if (byte === BACKSLASH) this.#escaped = true
      else if (byte === QUOTE) this.#endString(chunk, at)
      else if (byte === NEWLINE) this.#brokenLine(chunk, at)
      return
    }
    switch (byte) {
      case QUOTE:
        this.#inString = true
        this.#stringStart = this.#document.offset(at)
        return
      case COLON:
        if (this.#depth === this.#level) this.#key = this.#lastString
        return
      case COMMA:
        if (this.#depth === this.#level) this.#key = ''
        return
      case OPEN_LIST:
        if (this.#depth === this.#level && this.#key === 'objects' && (this.#type ?? 'bundle') === 'bundle') {
          this.#document.pause(chunk, at + 1)
          return this.#startElements(true)
        }
        return this.#deeper()
      case OPEN_OBJECT:
        if (this.#isWrapped && this.#depth === 1 && this.#key === 'bundle' && this.#type === undefined) this.#enter()
        return this.#deeper()
      case CLOSE_LIST:
      case CLOSE_OBJECT:
        if (--this.#depth === 0) this.#endDocument(chunk, at)
        else if (this.#depth < this.#level) this.#level = this.#depth
        return
      default:
    }
  }

  /** Goes into the wrapped bundle. */
  #enter(): void {
    this.#level = 2
    this.#key = ''
  }

  #deeper(): void {
    this.#depth++
    if (this.#depth > this.#deepest) this.#deepest = this.#depth
  }

  #endString(chunk: Uint8Array, at: number): void {
    this.#inString = false
    if (this.#depth !== this.#level) return
    this.#lastString = this.#document.textFrom(this.#stringStart, chunk, at + 1)
    if (this.#key === 'type') {
      this.#type = this.#lastString
      this.#key = ''
    }
  }

  /** A line break within a string: the line is broken, and the next one starts afresh. */
  #brokenLine(chunk: Uint8Array, at: number): void {
    const bytes = this.#document.take(chunk, at)
    this.#state = 'between'
    if (bytes === undefined) this.#tooLarge(this.#document.size)
    else this.#emit(bytes)
  }

  #endDocument(chunk: Uint8Array, at: number): void {
    const bytes = this.#document.take(chunk, at + 1)
    this.#state = 'between'
    if (bytes === undefined) return this.#tooLarge(this.#document.size)
    if (!this.#inBundle) return this.#emit(bytes)
    this.#inBundle = false
    const objects = this.#index - this.#firstIndex
    this.#start = this.#bundleStart
    const value = this.#parse(bytes, true)
    const [from, to] = [this.#start.offset, this.#position + at + 1]
    if (value !== undefined) this.#items.push({ kind: 'bundle', value, objects, from, to })
  }

  #startElements(inBundle: boolean): void {
    this.#state = 'elements'
    this.#inBundle = inBundle
    this.#bundleStart = this.#start
    this.#firstIndex = this.#index
    this.#expectsComma = false
    this.#afterComma = false
  }

  #inElements(byte: number, chunk: Uint8Array, at: number): void {
    if (isSpace(byte)) return
    if (byte === CLOSE_LIST) {
      if (this.#afterComma) this.#syntax('a comma before ]', at)
      this.#state = this.#inBundle ? 'document' : 'between'
      this.#key = ''
      if (this.#inBundle) this.#document.resume(at)
      return
    }
    if (byte === COMMA) {
      if (!this.#expectsComma) this.#syntax('a comma too many', at)
      this.#expectsComma = false
      this.#afterComma = true
      return
    }
    // It would end an element that has not begun, over and over.
    if (byte === CLOSE_OBJECT) return this.#syntax('a } without its {', at)
    if (this.#expectsComma) this.#syntax('a missing comma', at)
    this.#state = 'element'
    this.#afterComma = false
    this.#expectsComma = true
    this.#elementDepth = 0
    this.#deepest = 0
    this.#inString = false
    this.#begin(chunk, at)
    this.#element.start(at)
    this.#inElement(byte, chunk, at)
  }

  #inElement(byte: number, chunk: Uint8Array, at: number): void {
    if (this.#inString) {
      if (this.#escaped) this.#escaped = false
      else if (byte === BACKSLASH) this.#escaped = true
      else if (byte === QUOTE) this.#inString = false
      return
    }
    if (byte === QUOTE) this.#inString = true
    else if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
      this.#elementDepth++
      if (this.#elementDepth > this.#deepest) this.#deepest = this.#elementDepth
    } else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) {
      if (this.#elementDepth === 0) this.#endElement(chunk, at)
      else if (--this.#elementDepth === 0) return this.#endElement(chunk, at + 1)
      else return
      this.#inElements(byte, chunk, at)
    } else if (byte === COMMA && this.#elementDepth === 0) {
      this.#endElement(chunk, at)
      this.#inElements(byte, chunk, at)
    }
  }

  #endElement(chunk: Uint8Array, end: number): void {
    const bytes = this.#element.take(chunk, end)
    this.#state = 'elements'
    if (bytes === undefined) this.#tooLarge(this.#element.size)
    else this.#emit(bytes)
  }

  /** A whole value outside a bundle, or an element of one. */
  #emit(bytes: Uint8Array): void {
    if (this.#deepest > this.#maxDepth) {
      const message = `Object ${this.#index} ${this.#where()} is nested ${this.#deepest} levels deep; at most ${this.#maxDepth} are read`
      return this.#fault(new StixError('STIX_STREAM_TOO_DEEP', message, { details: { index: this.#index } }))
    }
    const value = this.#parse(bytes)
    if (value !== undefined) this.#items.push({ kind: 'object', index: this.#index++, value, bytes })
  }

  #parse(bytes: Uint8Array, isBundle = false): Json | undefined {
    // A fault of the input needs no stack, which would be most of the work of telling it; few bytes can hold many faults.
    const { stackTraceLimit } = Error
    Error.stackTraceLimit = 0
    try {
      return parseJson(bytes, { maxBytes: Math.max(bytes.length, 1), maxDepth: this.#maxDepth })
    } catch (error) {
      if (!(error instanceof JsonError)) throw error
      this.#fault(this.#placed(error, isBundle))
      return undefined
    } finally {
      Error.stackTraceLimit = stackTraceLimit
    }
  }

  /** An error of one value, told with its place in the whole input; beside a bundle's list, with the bundle's. */
  #placed(error: JsonError, isBundle: boolean): JsonError {
    const { what, line, offset } = error.details as { what?: string; line?: number; offset?: number }
    const { code, message } = error
    if (what === undefined || line === undefined || offset === undefined || isBundle)
      return new JsonError(code, `${what ?? message}, in the ${isBundle ? 'bundle' : 'value'} ${this.#where()}`)
    const place = { line: this.#start.line + line - 1, offset: this.#start.offset + offset }
    return new JsonError(code, `${what} at line ${place.line} (byte ${place.offset})`, { details: { ...place, what } })
  }

  #where(): string {
    return `that begins at line ${this.#start.line} (byte ${this.#start.offset})`
  }

  #tooLarge(size: number): void {
    const message = `Object ${this.#index} ${this.#where()} has ${size} bytes; at most ${this.#element.limit} are read`
    this.#fault(
      new StixError('STIX_STREAM_OBJECT_TOO_LARGE', message, { details: { index: this.#index, bytes: size } }),
    )
  }

  #syntax(what: string, at: number): void {
    this.#fault(
      new StixError('STIX_STREAM_SYNTAX', `There is ${what} in the list of objects, at byte ${this.#position + at}`),
    )
  }

  #fault(error: NoroshiError): void {
    this.#items.push({ kind: 'fault', index: this.#index++, error })
  }

  #taken(): StreamItem[] {
    const items = this.#items
    this.#items = []
    return items
  }
}
