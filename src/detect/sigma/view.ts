import type { Json } from '#base'
import { isObject, type NormalEvent } from '../event.ts'
import { CacheBudget } from './value-cache.ts'

/** A field's value as text: none, one, or several (a list in the event). */
export type FieldText = string | readonly string[] | undefined

const LEAVES_MAX = 4_096
const DEPTH_MAX = 16

const CACHES_BYTES = 16_777_216

/** What all rules of an engine share: slot numbers for field names, and room for what is known of values. */
export class FieldNames {
  readonly names: string[] = []
  readonly budget = new CacheBudget(CACHES_BYTES)
  readonly #slots = new Map<string, number>()

  slot(name: string): number {
    const known = this.#slots.get(name)
    if (known !== undefined) return known
    const slot = this.names.push(name) - 1
    this.#slots.set(name, slot)
    return slot
  }
}

/** One event under test: each field is read and put into small letters at most once, whatever the number of rules. */
export class EventView {
  readonly #fields: FieldNames
  #event: NormalEvent | undefined
  #epoch = 0
  readonly #textEpoch: number[] = []
  readonly #texts: FieldText[] = []
  readonly #lowerEpoch: number[] = []
  readonly #lowers: FieldText[] = []
  #leaves: string[] | undefined
  #keywords: string | undefined
  #keywordsLower: string | undefined

  constructor(fields: FieldNames) {
    this.#fields = fields
  }

  open(event: NormalEvent): void {
    this.#event = event
    this.#epoch++
    this.#leaves = undefined
    this.#keywords = undefined
    this.#keywordsLower = undefined
  }

  /** The event's line, where needles can be looked for in it. */
  get written(): Uint8Array | undefined {
    return this.#event?.written
  }

  /** A field's text as the event has it. */
  text(slot: number): FieldText {
    if (this.#textEpoch[slot] === this.#epoch) return this.#texts[slot]
    const value = toText(this.#event!.field(this.#fields.names[slot]!))
    this.#textEpoch[slot] = this.#epoch
    this.#texts[slot] = value
    return value
  }

  /** A field's text in small letters. */
  lower(slot: number): FieldText {
    if (this.#lowerEpoch[slot] === this.#epoch) return this.#lowers[slot]
    const value = this.text(slot)
    const small =
      typeof value === 'string'
        ? value.toLowerCase()
        : value === undefined
          ? undefined
          : value.map((v) => v.toLowerCase())
    this.#lowerEpoch[slot] = this.#epoch
    this.#lowers[slot] = small
    return small
  }

  /** All values of the event as texts. */
  leaves(): readonly string[] {
    if (this.#leaves === undefined) {
      this.#leaves = []
      gather(this.#event!.fields, this.#leaves, 0)
    }
    return this.#leaves
  }

  /** All values of the event, one a line: what keywords are looked for in. */
  keywords(): string {
    return (this.#keywords ??= this.leaves().join('\n'))
  }

  keywordsLower(): string {
    return (this.#keywordsLower ??= this.keywords().toLowerCase())
  }
}

function toText(value: Json | undefined): FieldText {
  if (typeof value === 'string') return value
  if (value === undefined || value === null) return undefined
  if (Array.isArray(value)) return value.flatMap((item) => (item === null ? [] : [oneText(item)]))
  return oneText(value)
}

const oneText = (value: Json): string => (typeof value === 'object' ? JSON.stringify(value) : String(value))

function gather(value: Json, leaves: string[], depth: number): void {
  if (leaves.length >= LEAVES_MAX || depth > DEPTH_MAX || value === null) return
  if (Array.isArray(value)) for (const item of value) gather(item, leaves, depth + 1)
  else if (isObject(value)) for (const item of Object.values(value)) gather(item, leaves, depth + 1)
  else leaves.push(String(value))
}
