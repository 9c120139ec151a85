/**
 * The bytes of a redacted rendition: selectors cut, what named them cut or re-indexed, references rewritten, a new id and
 * the redactor as creator.
 * @see SHARING-RULES section 4, "Residue" and "A redacted rendition is a new object"
 */
import { createHmac } from 'node:crypto'
import { isJsonObject, type Json, type JsonObject } from '#base'
import { closeSelectors, covers, indexOf, parentOf, select } from './selector.ts'

/** Id of an object's rendition for one audience: stable over versions, not linkable without the node's secret. */
export function renditionId(secret: Uint8Array, originalId: string, audienceId: string): string {
  const mac = createHmac('sha256', secret).update(originalId).update(audienceId).digest()
  mac[6] = ((mac[6] ?? 0) & 0x0f) | 0x40
  mac[8] = ((mac[8] ?? 0) & 0x3f) | 0x80
  const hex = mac.toString('hex', 0, 16)
  const uuid = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
  return `${originalId.slice(0, originalId.indexOf('--'))}--${uuid}`
}

/** How a rendition differs from its original. */
export interface Cut {
  readonly id: string
  /** Selectors to cut, closed: none covers another. */
  readonly redact: readonly string[]
  /** New ids of references, by selector. */
  readonly rewrite: ReadonlyMap<string, string>
}

/** The redacted rendition of an object; the redactor is its creator. */
export function cutRendition(object: JsonObject, cut: Cut, creator: string): JsonObject {
  const copy = structuredClone(object)
  const redact = withBrokenReferences(object, cut.redact)
  for (const [selector, id] of cut.rewrite) assign(copy, selector, id)
  const kept = granularEntries(object, redact)
  for (const selector of inRemovalOrder(redact)) remove(copy, selector)
  delete copy['granular_markings']
  if (kept.length > 0) copy['granular_markings'] = kept
  copy['id'] = cut.id
  if (Object.hasOwn(object, 'created')) copy['created_by_ref'] = creator
  return copy
}

/** Entries for what stays, by the indices that it has afterwards; selectors that match nothing go. */
function granularEntries(object: JsonObject, redact: readonly string[]): Json[] {
  const entries = object['granular_markings']
  if (!Array.isArray(entries)) return []
  return entries.filter(isJsonObject).flatMap((entry) => {
    const selectors = (Array.isArray(entry['selectors']) ? entry['selectors'] : []).flatMap((selector) => {
      if (typeof selector !== 'string' || select(object, selector) === undefined) return []
      return redact.some((cut) => covers(cut, selector)) ? [] : [shifted(selector, redact)]
    })
    return selectors.length === 0 ? [] : [{ ...entry, selectors }]
  })
}

/** The selector after the elements before it in each list went. */
function shifted(selector: string, redact: readonly string[]): string {
  const steps = selector.split('.')
  return steps
    .map((step, depth) => {
      const index = indexOf(step)
      if (index === undefined) return step
      const list = steps.slice(0, depth).join('.')
      const before = redact.filter((cut) => parentOf(cut) === list && (indexOf(lastStep(cut)) ?? index) < index)
      return `[${index - before.length}]`
    })
    .join('.')
}

const lastStep = (selector: string) => selector.slice(selector.lastIndexOf('.') + 1)

/** Later elements of a list first, so that the indices of the earlier ones still hold. */
function inRemovalOrder(redact: readonly string[]): string[] {
  return [...redact].sort((a, b) => (indexOf(lastStep(b)) ?? -1) - (indexOf(lastStep(a)) ?? -1))
}

function remove(object: JsonObject, selector: string): void {
  const parent = parentOf(selector)
  const holder = parent === undefined ? object : select(object, parent)
  const index = indexOf(lastStep(selector))
  if (Array.isArray(holder) && index !== undefined) holder.splice(index, 1)
  else if (isJsonObject(holder)) delete holder[lastStep(selector)]
}

function assign(object: JsonObject, selector: string, id: string): void {
  const parent = parentOf(selector)
  const holder = parent === undefined ? object : select(object, parent)
  const index = indexOf(lastStep(selector))
  if (Array.isArray(holder) && index !== undefined) holder[index] = id
  else if (isJsonObject(holder)) holder[lastStep(selector)] = id
}

/** An external reference of which only the name would be left says nothing and is not valid: it goes whole. */
function withBrokenReferences(object: JsonObject, redact: readonly string[]): readonly string[] {
  const list = object['external_references']
  if (!Array.isArray(list) || !redact.some((cut) => cut.startsWith('external_references.'))) return redact
  const stays = (at: string, name: string) =>
    select(object, `${at}.${name}`) !== undefined && !redact.includes(`${at}.${name}`)
  const broken = list
    .map((_, index) => `external_references.[${index}]`)
    .filter((at) => redact.some((cut) => cut.startsWith(`${at}.`)))
    .filter((at) => !stays(at, 'source_name') || !['description', 'url', 'external_id'].some((name) => stays(at, name)))
  return broken.length === 0 ? redact : closeSelectors(object, [...redact, ...broken])
}
