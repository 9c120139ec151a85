/**
 * Scrubs one object of a submission for the wide audience: everything that could lead back to its source goes, and each
 * removal is told to the reviewer with its reason. What is not understood to be harmless is removed.
 *
 * A value that an object cannot do without (a pattern, the address of an `ipv4-addr`) takes the object with it, unless
 * the reviewer replaces it, or says that it is the attacker's: `keep`. Nothing keeps the source itself.
 * @see SHARING-RULES section 4, "Residue" and "Source protection beyond fields"
 */
import { isJsonObject, type Json, type JsonObject, parseTimestamp, timestampMillis, toTimestamp } from '#base'
import type { CaseEdit } from './case.ts'
import {
  isNaming,
  plain,
  type Sensitive,
  type SensitiveKind,
  sensitiveIn,
  type Terms,
  withoutSensitive,
} from './sensitive.ts'

/** What was done with one place of one object. */
export interface Finding {
  /** Id of the submitted object. */
  object: string
  /** Selector; '' is the whole object. */
  path: string
  kind: SensitiveKind | 'count' | 'custom' | 'payload' | 'reference' | 'restricted' | 'edit' | 'invalid'
  action: 'removed' | 'replaced' | 'rounded' | 'withheld'
  reason: string
  /** What was there; for the reviewer alone. */
  was?: Json
  /** Whether the reviewer may overrule it. */
  keepable: boolean
}

/** What a scrubbed object is made with. */
export interface ScrubContext {
  terms: Terms
  /** Edits of this object. */
  edits: readonly CaseEdit[]
  /** Selectors that the submitter marked more narrowly. */
  restricted: readonly string[]
}

/** Counts below this are told to nobody. */
export const SMALL_COUNT = 3
const HOUR_MS = 3_600_000
/** Findings that one text is told with; all of it is cut, however much there is. */
const FINDINGS_PER_TEXT = 1_000
/** Characters of a removed value that are shown. */
const SHOWN_CHARACTERS = 500

const REASONS: Readonly<Record<Finding['kind'], string>> = {
  source: 'It names the source.',
  personal: 'It identifies a person.',
  'internal-address': 'An internal address shows whose network it is.',
  'host-name': 'An internal host name shows whose network it is.',
  'file-name': 'File names and paths show whose machine it is.',
  time: 'Times are rounded to the hour.',
  id: 'Ids of submitted objects lead back to their source.',
  count: `Counts below ${SMALL_COUNT} are suppressed.`,
  custom: 'What is neither of STIX nor of a public catalogue may say anything.',
  payload: 'Raw content may hold anything.',
  reference: 'It refers to something outside of what is published.',
  restricted: 'Its submitter marked it more narrowly.',
  edit: 'The reviewer removed it.',
  invalid: 'Without what was removed it is no valid object.',
}

/** Types that go whole, and why. */
const WITHHELD_TYPES: Readonly<Record<string, Finding['kind']>> = {
  identity: 'source',
  'user-account': 'personal',
  'email-addr': 'personal',
  'email-message': 'personal',
  'mac-addr': 'internal-address',
  directory: 'file-name',
  artifact: 'payload',
  'marking-definition': 'restricted',
  'extension-definition': 'custom',
  'language-content': 'restricted',
}

/** Properties that the publication sets anew, without a word: they say who published. */
const SET_ANEW = new Set(['object_marking_refs', 'granular_markings', 'created', 'modified'])
/** Properties that go, by name. */
const REMOVED_PROPERTIES: Readonly<Record<string, Finding['kind']>> = {
  created_by_ref: 'source',
  where_sighted_refs: 'source',
  contact_information: 'personal',
  command_line: 'file-name',
  cwd: 'file-name',
  environment_variables: 'file-name',
  parent_directory_ref: 'file-name',
  name_enc: 'file-name',
  payload_bin: 'payload',
}
/** Properties without which the object says nothing, or something else: a find there takes the object with it. */
const ESSENTIAL = new Set(['value', 'pattern', 'key'])
/** Properties whose text is a word of the specification. */
const WORDS = new Set(['type', 'id', 'spec_version', 'pattern_type', 'relationship_type', 'extension_type'])
const COUNTS = new Set(['count', 'number_observed'])
/** Catalogues for the public: a reference into one tells nothing of who gave it. */
const CATALOGUES = new Set([
  'cve',
  'cwe',
  'capec',
  'mitre-attack',
  'mitre-mobile-attack',
  'mitre-ics-attack',
  'cpe',
  'nvd',
])

/** Scrubs one object; references are for whoever knows the whole set. */
export function scrub(object: JsonObject, context: ScrubContext): { value?: JsonObject; findings: Finding[] } {
  const id = String(object['id'])
  const scrubber = new Scrubber(id, String(object['type']), context)
  const value = scrubber.whole(object)
  return { ...(value === undefined ? {} : { value }), findings: scrubber.findings }
}

class Scrubber {
  readonly findings: Finding[] = []
  readonly #id: string
  readonly #type: string
  readonly #terms: Terms
  readonly #kept: ReadonlySet<string>
  readonly #edits: ReadonlyMap<string, CaseEdit>
  readonly #restricted: ReadonlySet<string>
  #isWithheld = false

  constructor(id: string, type: string, { terms, edits, restricted }: ScrubContext) {
    this.#id = id
    this.#type = type
    this.#terms = terms
    this.#kept = new Set(edits.filter(({ op }) => op === 'keep').map(({ path }) => path))
    this.#edits = new Map(edits.filter(({ op }) => op !== 'keep').map((edit) => [edit.path, edit]))
    this.#restricted = new Set(restricted)
  }

  whole(object: JsonObject): JsonObject | undefined {
    if (this.#edits.has('')) return this.#withhold('', 'edit')
    if (this.#restricted.has('')) return this.#withhold('', 'restricted')
    if (object['revoked'] === true) return this.#withhold('', 'restricted')
    const kind = WITHHELD_TYPES[this.#type]
    if (kind !== undefined && !this.#keeps('', kind, object)) return this.#withhold('', kind, nameOf(object))
    const value = this.#object(object, '') as JsonObject
    return this.#isWithheld ? undefined : value
  }

  #object(object: JsonObject, at: string): JsonObject {
    const result: JsonObject = {}
    for (const [name, value] of Object.entries(object)) {
      const path = at === '' ? name : `${at}.${name}`
      if ((at === '' && SET_ANEW.has(name)) || name === '__proto__') continue
      if (sensitiveIn(plain(name), this.#terms).length > 0) {
        this.#remove(path, 'source')
        continue
      }
      const scrubbed = this.#property(name, value, path, at)
      if (scrubbed !== undefined) result[name] = scrubbed
    }
    return result
  }

  #property(name: string, value: Json, path: string, at: string): Json | undefined {
    const kind = this.#kindOf(name, value, at)
    if (kind === undefined || this.#edits.has(path) || this.#keeps(path, kind, value))
      return this.#value(value, path, name)
    if (kind === 'count' && name === 'number_observed') this.#withhold(path, kind, value)
    else this.#remove(path, kind, value)
    return undefined
  }

  #kindOf(name: string, value: Json, at: string): Finding['kind'] | undefined {
    if (COUNTS.has(name) && typeof value === 'number' && value < SMALL_COUNT) return 'count'
    if (name === 'name' && at === '' && this.#type === 'file') return 'file-name'
    if (name.startsWith('x_') || name.startsWith('extension-definition--')) return 'custom'
    return Object.hasOwn(REMOVED_PROPERTIES, name) ? REMOVED_PROPERTIES[name] : undefined
  }

  #value(value: Json, path: string, name: string): Json | undefined {
    const edit = this.#edits.get(path)
    if (edit?.op === 'remove') {
      this.#remove(path, 'edit', value)
      return undefined
    }
    if (this.#restricted.has(path)) {
      this.#remove(path, 'restricted', value)
      return undefined
    }
    const now = edit?.op === 'replace' ? (edit.value ?? null) : value
    if (typeof now === 'string') return WORDS.has(name) || /_refs?$/.test(name) ? now : this.#text(now, path, name)
    if (Array.isArray(now)) {
      const list = now.flatMap((item, index) => {
        const place = `${path}.[${index}]`
        if (
          name === 'external_references' &&
          !this.#edits.has(place) &&
          !isOfCatalogue(item) &&
          !this.#keeps(place, 'custom', item)
        ) {
          this.#remove(place, 'custom', item)
          return []
        }
        const scrubbed = this.#value(item, place, name)
        return scrubbed === undefined ? [] : [scrubbed]
      })
      return list.length === 0 && now.length > 0 ? undefined : list
    }
    if (!isJsonObject(now)) return now
    const inner = this.#object(now, path)
    return Object.keys(inner).length === 0 && Object.keys(now).length > 0 ? undefined : inner
  }

  #text(original: string, path: string, name: string): string | undefined {
    if (parseTimestamp(original) !== undefined) return this.#time(original, path)
    const text = plain(original)
    const found = this.#found(text, path)
    if (found.length === 0) return text
    const first = (found.find(({ kind }) => kind === 'source') ?? found[0]) as Sensitive
    if (ESSENTIAL.has(name) && !path.includes('.')) {
      this.#withhold(path, first.kind, original)
      return undefined
    }
    const told = new Map(found.map((one) => [`${one.kind} ${one.text}`, one]))
    for (const one of [...told.values()].slice(0, FINDINGS_PER_TEXT))
      this.findings.push(this.#finding(path, one.kind, one.kind === 'time' ? 'rounded' : 'replaced', one.text))
    return withoutSensitive(text, found)
  }

  /** What is kept is kept for what it is; the source's own names are cut out of it all the same. */
  #found(text: string, path: string): Sensitive[] {
    const found = sensitiveIn(text, this.#terms)
    return this.#kept.has(path) ? found.filter(({ kind }) => kind === 'source' || kind === 'id') : found
  }

  #time(text: string, path: string): string {
    const rounded = toTimestamp(Math.floor(timestampMillis(text) / HOUR_MS) * HOUR_MS)
    if (this.#kept.has(path) || timestampMillis(rounded) === timestampMillis(text)) return text
    this.findings.push(this.#finding(path, 'time', 'rounded', text))
    return rounded
  }

  /** Whether the reviewer overruled this removal; whatever names the source stays out. */
  #keeps(path: string, kind: Finding['kind'], value: Json): boolean {
    if (!this.#kept.has(path) || NEVER_KEPT.has(kind)) return false
    return !isNaming(JSON.stringify(value), this.#terms)
  }

  #remove(path: string, kind: Finding['kind'], was?: Json): undefined {
    this.findings.push(this.#finding(path, kind, 'removed', was))
  }

  #withhold(path: string, kind: Finding['kind'], was?: Json): undefined {
    this.#isWithheld = true
    this.findings.push(this.#finding(path, kind, 'withheld', was))
  }

  #finding(path: string, kind: Finding['kind'], action: Finding['action'], was?: Json): Finding {
    return toFinding(this.#id, path, kind, action, was)
  }
}

/** One finding with its reason. */
export function toFinding(
  object: string,
  path: string,
  kind: Finding['kind'],
  action: Finding['action'],
  was?: Json,
): Finding {
  const keepable = !NEVER_KEPT.has(kind)
  return {
    object,
    path,
    kind,
    action,
    reason: REASONS[kind],
    ...(was === undefined ? {} : { was: shown(was) }),
    keepable,
  }
}

/** What no reviewer overrules: the source, what its submitter forbade, and what would not be an object. */
const NEVER_KEPT = new Set<Finding['kind']>(['source', 'restricted', 'edit', 'invalid', 'id', 'reference'])

const nameOf = (object: JsonObject): Json =>
  object['name'] ?? object['value'] ?? object['path'] ?? object['user_id'] ?? null

const shown = (was: Json): Json => {
  const text = typeof was === 'string' ? was : JSON.stringify(was)
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : was
}

const isOfCatalogue = (item: Json) =>
  isJsonObject(item) && typeof item['source_name'] === 'string' && CATALOGUES.has(item['source_name'].toLowerCase())
