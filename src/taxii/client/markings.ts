/**
 * Another server's markings as ours. TLP of both versions and statements stay as they are; what the operator's rules, or an
 * oddity that is known, say to be a level of TLP becomes that level; anything else is not understood, and closes its object.
 * A level is only ever added: where several say something, the strictest counts.
 *
 *     rules: statement:"Members only" = amber     object: {object_marking_refs: [members-only]}
 *     becomes {object_marking_refs: [members-only, TLP:AMBER]}
 * @see SHARING-RULES section 1
 */
import { canonicalJson, isJsonObject, type Json, type JsonObject, parseJson, utf8 } from '#base'
import { type Level, toMarking } from '#policy'
import { TLP_2_MARKINGS, TLP_LEVEL_BY_ID, TLP_LEVELS } from '#stix'
import { knownLevelOf, OPENCTI_AMBER_STRICT } from '../oddities/tlp-as-statement.ts'

/** What a marking of a source means: named by its id, or by its definition's type and text. */
export interface MarkingRule {
  marking: string
  tlp: Level
}

/** An object and its bytes. */
interface Written {
  bytes: Uint8Array
  value: JsonObject
}

/** An object with markings that the node understands, and the definitions that go with it. */
export type Translated = (Written & { definitions: readonly JsonObject[]; isChanged: boolean }) | { unknown: string }

/** Definitions that one source may have, and bytes of each. */
const MAX_DEFINITIONS = 1_000
const DEFINITION_BYTES = 16_384

/** What a reference to a marking becomes. */
interface Meaning {
  keep: boolean
  level?: Level
}

/** Reads the markings of one source. */
export class SourceMarkings {
  readonly #rules: ReadonlyMap<string, Level>
  readonly #definitions = new Map<string, JsonObject>()
  /** Ids that came with two meanings: nobody can tell which one was meant. */
  readonly #contradicted = new Set<string>()

  constructor(rules: readonly MarkingRule[], definitions: readonly JsonObject[] = []) {
    this.#rules = new Map(rules.map(({ marking, tlp }) => [marking, tlp]))
    for (const definition of definitions) this.learn(definition)
  }

  /** Remembers a marking-definition; true where it is new. */
  learn(definition: JsonObject): boolean {
    const id = String(definition['id'])
    const known = this.#definitions.get(id)
    if (TLP_LEVEL_BY_ID.has(id)) return false
    if (known) {
      if (meaningOf(known) !== meaningOf(definition)) this.#contradicted.add(id)
      return false
    }
    if (this.#definitions.size >= MAX_DEFINITIONS || canonicalJson(definition).length > DEFINITION_BYTES) return false
    this.#definitions.set(id, definition)
    return true
  }

  /** Whether a marking-definition is one of TLP's, or was learned as it is: it goes along with what it marks. */
  knows(definition: JsonObject): boolean {
    const id = String(definition['id'])
    if (TLP_LEVEL_BY_ID.has(id)) return true
    return !this.#contradicted.has(id) && this.#definitions.has(id)
  }

  /** The object as it can be published here, or the marking that is not understood; `otherwise` is what such ones mean. */
  translate({ bytes, value }: Written, otherwise?: Level): Translated {
    const refs = value['object_marking_refs'] ?? []
    const granular = value['granular_markings'] ?? []
    if (!isTexts(refs) || !Array.isArray(granular)) return { bytes, value, definitions: [], isChanged: false }
    const named = granular.flatMap((entry) => (isJsonObject(entry) ? (entry['marking_ref'] ?? []) : []))
    const meanings = new Map<string, Meaning>()
    for (const ref of [...refs, ...named]) {
      if (typeof ref !== 'string') continue
      const meaning = this.#meaning(ref) ?? (otherwise && { keep: false, level: otherwise })
      if (!meaning) return { unknown: ref }
      meanings.set(ref, meaning)
    }
    const all = [...meanings]
    const definitions = all
      .map(([ref, { keep }]) => (keep ? this.#definitions.get(ref) : undefined))
      .filter((definition) => definition !== undefined)
    if (all.every(([, { level }]) => level === undefined)) return { bytes, value, definitions, isChanged: false }
    const changed: JsonObject = {
      ...value,
      ...(refs.length === 0
        ? {}
        : { object_marking_refs: [...new Set(refs.flatMap((ref) => namesOf(ref, meanings)))] }),
      ...(granular.length === 0 ? {} : { granular_markings: granular.flatMap((entry) => entriesOf(entry, meanings)) }),
    }
    return { bytes: utf8(JSON.stringify(changed)), value: changed, definitions, isChanged: true }
  }

  #meaning(ref: string): Meaning | undefined {
    if (TLP_LEVEL_BY_ID.has(ref)) return { keep: true }
    if (this.#contradicted.has(ref)) return undefined
    const definition = this.#definitions.get(ref)
    const isUnderstood = definition !== undefined && toMarking(definition) !== undefined
    const said = definition ? knownLevelOf(definition) : ref === OPENCTI_AMBER_STRICT ? 'amber+strict' : undefined
    const ruled = this.#rules.get(ref) ?? (definition && this.#ruled(definition))
    const level = TLP_LEVELS.find((one) => one === said)
    if (ruled !== undefined) return { keep: isUnderstood && said === undefined, level: stricter(ruled, level) }
    if (level !== undefined) return { keep: false, level }
    return isUnderstood && said === undefined ? { keep: true } : undefined
  }

  #ruled(definition: JsonObject): Level | undefined {
    const type = String(definition['definition_type'] ?? definition['x_opencti_definition_type'] ?? '')
    const body = isJsonObject(definition['definition']) ? definition['definition'] : {}
    const texts = [body[type], body['statement'], definition['name'], definition['x_opencti_definition']]
    const ruled = texts.flatMap((text) => (typeof text === 'string' ? (this.#rules.get(`${type}:${text}`) ?? []) : []))
    return ruled.length === 0 ? undefined : ruled.reduce((a, b) => stricter(a, b))
  }
}

/** Where a rule and the definition itself both name a level, the stricter counts. */
function stricter(a: Level, b: Level | undefined): Level {
  return b !== undefined && TLP_LEVELS.indexOf(b) > TLP_LEVELS.indexOf(a) ? b : a
}

/** A definition without what is only shown to people. */
function meaningOf(definition: JsonObject): string {
  const { name: _name, created: _created, created_by_ref: _creator, ...rest } = definition
  return canonicalJson(rest)
}

const isTexts = (value: Json): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string')

function namesOf(ref: string, meanings: ReadonlyMap<string, Meaning>): string[] {
  const { keep, level } = meanings.get(ref) ?? { keep: true }
  return [...(keep ? [ref] : []), ...(level === undefined ? [] : [tlpId(level)])]
}

function entriesOf(entry: Json, meanings: ReadonlyMap<string, Meaning>): Json[] {
  if (!isJsonObject(entry) || typeof entry['marking_ref'] !== 'string') return [entry]
  return namesOf(entry['marking_ref'], meanings).map((ref) => ({ ...entry, marking_ref: ref }))
}

const tlpId = (level: Level): string => String(TLP_2_MARKINGS[TLP_LEVELS.indexOf(level)]?.['id'])

/** The objects of a page as values; what is no strict JSON object is told apart. */
export function parseObjects(objects: readonly { id: string; bytes: Uint8Array }[]): {
  parsed: Written[]
  faults: { id: string; code: string; message: string }[]
} {
  const parsed: Written[] = []
  const faults: { id: string; code: string; message: string }[] = []
  for (const { id, bytes } of objects) {
    try {
      parsed.push({ bytes, value: parseJson(bytes) as JsonObject })
    } catch (error) {
      const { code = 'JSON_INVALID', message } = error as { code?: string; message: string }
      faults.push({ id, code, message })
    }
  }
  return { parsed, faults }
}
