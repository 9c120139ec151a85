import type { Json, JsonObject, Millis } from '#base'
import { observerIn } from './observer.ts'
import type { Observer } from './kept-events.ts'
import type { EventRef } from './rule.ts'

/** Kinds of atomic values that events carry and indicators name. */
export const OBSERVABLE_KINDS = [
  'ipv4',
  'ipv6',
  'domain',
  'url',
  'email',
  'file-md5',
  'file-sha1',
  'file-sha256',
  'file-sha512',
  'cert-md5',
  'cert-sha1',
  'cert-sha256',
  'ja3',
] as const

/** One of `OBSERVABLE_KINDS`. */
export type ObservableKind = (typeof OBSERVABLE_KINDS)[number]

/** One atomic value of an event, as written there. */
export interface Observable {
  kind: ObservableKind
  value: string
}

/** A Sigma log source; of an event: one it belongs to. */
export interface Logsource {
  product?: string
  category?: string
  service?: string
}

/** Takes one observable found in an event. */
export type AddObservable = (kind: ObservableKind, value: string) => void

/**
 * A telemetry format: how its events are recognised and read.
 *
 * `sources` must return the same array object for the same answer: the Sigma engine keys its rule groups by it.
 */
export interface Format {
  name: string
  /** Reads a line that is not JSON; `undefined` where it is not of this format. */
  parseText?: (line: string) => JsonObject | undefined
  detects: (raw: JsonObject) => boolean
  time: (raw: JsonObject) => Millis | undefined
  observables: (raw: JsonObject, add: AddObservable) => void
  sources: (raw: JsonObject) => readonly Logsource[]
  /** Fields that name the host or sensor that saw the event, the most telling first. */
  observers: readonly string[]
  /** The object whose properties Sigma rules name. */
  fields: (raw: JsonObject) => JsonObject
  /** Other names under which a Sigma field may stand. */
  aliases: ReadonlyMap<string, readonly string[]>
  /** Whether every value of `fields` stands in the line as a value, none is put together or decoded. */
  verbatim: boolean
}

/** Where events come from, besides what they say themselves. */
export interface Origin {
  /** Whose telemetry it is: events of two streams never stand in one match. */
  stream: string
  /** A part of the stream that stands for itself, such as a run of a drill. */
  part: string
  /** The observer of events that name none. */
  unnamed: string
}

const NOWHERE: Origin = { stream: '', part: '', unnamed: '' }

/** One event in the form that detection reads; everything is derived on first use. */
export class NormalEvent {
  readonly raw: JsonObject
  readonly format: Format
  readonly ref: EventRef
  /** The line of JSON in UTF-8, set only where all of its values of ASCII letters stand in it letter by letter. */
  written: Uint8Array | undefined
  origin: Origin = NOWHERE
  #observables: Observable[] | undefined
  #fields: JsonObject | undefined

  constructor(raw: JsonObject, format: Format, ref: EventRef) {
    this.raw = raw
    this.format = format
    this.ref = ref
  }

  /** Time of the event from the event itself, never from a clock; `undefined` where it carries none. */
  get time(): Millis | undefined {
    return this.format.time(this.raw)
  }

  get observables(): readonly Observable[] {
    if (!this.#observables) {
      const found: Observable[] = []
      this.format.observables(this.raw, (kind, value) => found.push({ kind, value }))
      this.#observables = found
    }
    return this.#observables
  }

  /** Who saw it. */
  get observer(): Observer {
    const { stream, part, unnamed } = this.origin
    const host = observerIn(this.raw, this.fields, this.format.observers) ?? unnamed
    return { stream, host: part === '' ? host : `${part}\n${host}` }
  }

  get logsource(): readonly Logsource[] {
    return this.format.sources(this.raw)
  }

  get fields(): JsonObject {
    this.#fields ??= this.format.fields(this.raw)
    return this.#fields
  }

  /** Value of a Sigma field: its own name, a dotted path, or one of the format's other names for it. */
  field(name: string): Json | undefined {
    const fields = this.fields
    const own = fields[name]
    if (own !== undefined && Object.hasOwn(fields, name)) return own
    if (name.includes('.')) {
      const nested = atPath(fields, name)
      if (nested !== undefined) return nested
    }
    for (const other of this.format.aliases.get(name) ?? []) {
      const value = Object.hasOwn(fields, other) ? fields[other] : atPath(fields, other)
      if (value !== undefined) return value
    }
    return undefined
  }
}

/** Value at a dotted path of nested objects; at an array, the values of all its elements. */
export function atPath(root: Json, path: string): Json | undefined {
  let value: Json | undefined = root
  for (const step of path.split('.')) {
    if (Array.isArray(value)) {
      const inner: Json[] = value.flatMap((item) => {
        const found = isObject(item) && Object.hasOwn(item, step) ? item[step] : undefined
        return found === undefined ? [] : [found]
      })
      if (inner.length === 0) return undefined
      value = inner
    } else if (isObject(value) && Object.hasOwn(value, step)) value = value[step]
    else return undefined
  }
  return value
}

/** Whether a JSON value is an object (not null, not an array). */
export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
