/**
 * What a case becomes: for each alliance a base of scrubbed objects for the wide audience, and a supplement, a note with
 * the protected fields, for whom the client agreed to be named to. All of it is the provider's own.
 *
 * Consent `own-gov` of a Philippine bank: `base → alliance:pacific`, `supplement → alliance:pacific kind:national-csirt
 * kind:agency nation:PH`.
 * @see SHARING-RULES section 4
 */
import { isJsonObject, type Json, type JsonObject, type MemberId, type Millis, toTimestamp } from '#base'
import type { TlpLevel } from '#log'
import { type Consent, GOVERNMENT_KINDS, type Register, renditionId } from '#policy'
import { TLP_2_MARKINGS, TLP_LEVELS, validateObject } from '#stix'
import type { CaseEdit, Publication, Source } from './case.ts'
import { definitionsOf, restrictedIn } from './intake.ts'
import { type Finding, scrub, toFinding } from './scrub.ts'
import { isNaming, plain, type Terms, toTerms, withoutPersonal } from './sensitive.ts'

/** Everything that decides what a case becomes; the same answers give the same bytes. */
export interface Derivation {
  caseId: string
  objects: readonly JsonObject[]
  edits: readonly CaseEdit[]
  protect: readonly string[]
  consent: Consent
  source: Source
  register: Register
  /** The provider, whose objects these become. */
  author: MemberId
  alliance: string
  pseudonym: string
  tlp: TlpLevel
  time: Millis
  /** The node's secret, from which ids come. */
  secret: Uint8Array
}

/** What a case becomes in one alliance, and what was done to it. */
export interface Derived {
  publications: Omit<Publication, 'places' | 'recipients'>[]
  findings: Finding[]
}

const HOUR_MS = 3_600_000
/** Characters of a supplement. */
const SUPPLEMENT_CHARACTERS = 65_536
/** Name under which an object names its pseudonymous source. */
const SOURCE_NAME = 'noroshi-submission'
/** Kinds of findings that a supplement may tell to those to whom the client agreed to be named. */
const SUPPLEMENTED = new Set<Finding['kind']>([
  'source',
  'internal-address',
  'host-name',
  'file-name',
  'time',
  'count',
  'custom',
])

/** Derives what one alliance would get. */
export function derive(derivation: Derivation): Derived {
  const { objects, edits, source, protect, register } = derivation
  const terms = toTerms([source.id, source.slug, source.name, ...protect])
  const definitions = definitionsOf(objects, register)
  const findings: Finding[] = []
  const scrubbed = new Map<string, JsonObject>()
  for (const object of objects) {
    const id = String(object['id'])
    const own = edits.filter((edit) => edit.object === id)
    const one = scrub(object, { terms, edits: own, restricted: restrictedIn(object, definitions) })
    for (const finding of one.findings) findings.push(finding)
    if (one.value) scrubbed.set(id, one.value)
  }
  const base = settled(scrubbed, derivation, terms, findings)
  const to = [`alliance:${derivation.alliance}`]
  const publications: Derived['publications'] =
    base.length === 0 ? [] : [{ alliance: derivation.alliance, form: 'base', tlp: derivation.tlp, to, objects: base }]
  if (base.length > 0) publications.push(...supplements(derivation, findings, base))
  return { publications, findings }
}

/**
 * New ids, references among what is left, the provider as creator; what names the source after all, or is no valid object
 * without what was cut, goes, and then those that cannot do without it.
 */
function settled(
  scrubbed: Map<string, JsonObject>,
  derivation: Derivation,
  terms: Terms,
  findings: Finding[],
): JsonObject[] {
  const observables = new Set(derivation.objects.flatMap((one) => ('created' in one ? [] : [String(one['id'])])))
  for (const [id, value] of scrubbed) {
    if (!isNaming(JSON.stringify(value), terms)) continue
    findings.push(toFinding(id, '', 'source', 'withheld'))
    scrubbed.delete(id)
  }
  const ids = new Map([...scrubbed.keys()].map((id) => [id, newId(id, derivation)]))
  const referrers = referrersOf(scrubbed)
  const make = (id: string, value: JsonObject, onCut: (path: string, was: string) => void) =>
    owned(withReferences(value, ids, onCut), ids.get(id) ?? '', observables.has(id), derivation)
  const queue = new Set(scrubbed.keys())
  for (const id of queue) {
    queue.delete(id)
    const value = scrubbed.get(id)
    if (!value) continue
    const { valid, errors } = validateObject(make(id, value, () => undefined))
    if (valid) continue
    findings.push(toFinding(id, '', 'invalid', 'withheld', `${errors[0]?.path}: ${errors[0]?.message}`))
    scrubbed.delete(id)
    ids.delete(id)
    for (const referrer of referrers.get(id) ?? []) queue.add(referrer)
  }
  return [...scrubbed].map(([id, value]) =>
    make(id, value, (path, was) => findings.push(toFinding(id, path, 'reference', 'removed', was))),
  )
}

/** Who refers to each object. */
function referrersOf(objects: ReadonlyMap<string, JsonObject>): Map<string, Set<string>> {
  const referrers = new Map<string, Set<string>>()
  for (const [id, value] of objects)
    withReferences(value, new Map(), (_, target) => {
      referrers.set(target, (referrers.get(target) ?? new Set()).add(id))
    })
  return referrers
}

const newId = (id: string, { caseId, alliance, secret }: Derivation) =>
  renditionId(secret, id, `submission\n${caseId}\n${alliance}`)

/** References to what is published get the new ids, all others go: a dangling id leads back. */
function withReferences(
  object: JsonObject,
  ids: ReadonlyMap<string, string>,
  onCut: (path: string, was: string) => void,
): JsonObject {
  const visit = (value: Json, path: string, isReference: boolean): Json | undefined => {
    if (typeof value === 'string') {
      if (!isReference) return value
      const id = ids.get(value)
      if (id === undefined) onCut(path, value)
      return id
    }
    if (Array.isArray(value)) {
      const list = value.flatMap((item, index) => visit(item, `${path}.[${index}]`, isReference) ?? [])
      return list.length === 0 && value.length > 0 && isReference ? undefined : list
    }
    if (!isJsonObject(value)) return value
    const result: JsonObject = {}
    for (const [name, item] of Object.entries(value)) {
      const inner = visit(item, path === '' ? name : `${path}.${name}`, isReference || /_refs?$/.test(name))
      if (inner !== undefined) result[name] = inner
    }
    return result
  }
  return visit(object, '', false) as JsonObject
}

/** The provider's own object, marked, with the pseudonym of its source. */
function owned(object: JsonObject, id: string, isObservable: boolean, derivation: Derivation): JsonObject {
  const { author, pseudonym, tlp } = derivation
  const { type = '', spec_version: version = '2.1', ...rest } = object
  const marked = { object_marking_refs: [markingOf(tlp)] }
  if (isObservable) return { type, spec_version: version, ...rest, id, ...marked }
  const time = toTimestamp(hourOf(derivation.time))
  const references = Array.isArray(rest['external_references']) ? rest['external_references'] : []
  return {
    type,
    spec_version: version,
    ...withOrderedTimes(rest),
    id,
    created_by_ref: author,
    created: time,
    modified: time,
    external_references: [...references, { source_name: SOURCE_NAME, external_id: pseudonym }],
    ...marked,
  }
}

const hourOf = (time: Millis) => Math.floor(time / HOUR_MS) * HOUR_MS

/** Rounding may put an end onto its beginning: then it is an hour later. */
function withOrderedTimes(object: JsonObject): JsonObject {
  const { valid_from: from, valid_until: until } = object
  if (typeof from !== 'string' || typeof until !== 'string' || from !== until) return object
  return { ...object, valid_until: toTimestamp(Date.parse(from) + HOUR_MS) }
}

const markingOf = (tlp: TlpLevel) => String(TLP_2_MARKINGS[TLP_LEVELS.indexOf(tlp)]?.['id'])

/** Notes with the protected fields, for whom the client agreed to be named to; under `none` there is none. */
function supplements(
  derivation: Derivation,
  findings: readonly Finding[],
  base: readonly JsonObject[],
): Derived['publications'] {
  const { alliance, consent, source, tlp } = derivation
  if (consent === 'none') return []
  const nations = consent === 'own-gov' ? [`nation:${source.nation ?? ''}`] : []
  if (consent === 'own-gov' && source.nation === null) return []
  const government = [`alliance:${alliance}`, ...GOVERNMENT_KINDS.map((kind) => `kind:${kind}`), ...nations]
  const named = `source: ${source.slug}, ${source.name}, ${source.id}`
  const details = detailLines(findings, toTerms(derivation.protect))
  const note = (form: string, lines: readonly string[], level: TlpLevel) =>
    supplementOf(derivation, form, lines, base, level)
  const publication = (to: string[], level: TlpLevel, object: JsonObject) => ({
    alliance,
    form: 'supplement' as const,
    tlp: level,
    to,
    objects: [object],
  })
  if (consent !== 'everyone')
    return [publication(government, 'amber+strict', note('fields', [named, ...details], 'amber+strict'))]
  return [
    publication([`alliance:${alliance}`], tlp, note('source', [named], tlp)),
    ...(details.length === 0 ? [] : [publication(government, 'amber+strict', note('fields', details, 'amber+strict'))]),
  ]
}

/** What was cut out, by the ids of the base where they have one. Personal data, and words that must never show, stay out of it. */
function detailLines(findings: readonly Finding[], never: Terms): string[] {
  const lines = findings
    .filter(({ kind, was }) => SUPPLEMENTED.has(kind) && was !== undefined && was !== null)
    .map(({ object, path, was }) => {
      const type = object.slice(0, object.indexOf('--'))
      const text = plain(typeof was === 'string' ? was : JSON.stringify(was))
      return `${type}${path === '' ? '' : ` ${path}`}: ${withoutPersonal(text, never)}`
    })
  return [...new Set(lines)]
}

function supplementOf(
  derivation: Derivation,
  form: string,
  lines: readonly string[],
  base: readonly JsonObject[],
  tlp: TlpLevel,
): JsonObject {
  const text = lines.join('\n')
  const content = text.length > SUPPLEMENT_CHARACTERS ? `${text.slice(0, SUPPLEMENT_CHARACTERS)}…` : text
  const note = {
    type: 'note',
    spec_version: '2.1',
    abstract: `Protected fields of what ${derivation.pseudonym} reported`,
    content,
    object_refs: base.map(({ id }) => id as string),
  }
  const id = newId(`note--${form}`, derivation)
  return owned(note, id, false, { ...derivation, tlp })
}
