/**
 * What one marking-definition says: a TLP level, Noroshi's caveats, or nothing that restricts (a statement).
 *
 * `{…, extensions: {'extension-definition--e2e73502-…': {releasable_to: {nations: ['JP']}, consent: 'gov'}}}` reads as
 * `{caveats: {nations: {'JP'}}, consent: 'gov'}`. Whatever cannot be read in full is undefined, and closes the object.
 * @see SHARING-RULES section 1
 */
import { isJsonObject, type Json, type JsonObject, parseTimestamp } from '#base'
import { TLP_2_EXTENSION, TLP_2_MARKINGS, TLP_LEVEL_BY_ID } from '#stix'
import { type Level, toLevel } from './tlp.ts'

/** Extension that carries Noroshi's own markings in a marking-definition. */
export const NOROSHI_EXTENSION = 'extension-definition--e2e73502-04cb-4c22-9259-f7e05a4d6333'

/** How far the source agreed to be named, narrowest first. */
export const CONSENTS = ['none', 'own-gov', 'gov', 'everyone'] as const

/** How far the source agreed to be named. */
export type Consent = (typeof CONSENTS)[number]

/** Lists of which each, where present, restricts; an absent list does not restrict, an empty one admits nobody. */
export const CAVEAT_LISTS = [
  'nations',
  'orgs',
  'alliances',
  'epochs',
  'sectors',
  'kinds',
  'community',
  'distribution',
  'participants',
  'coauthors',
  'grantees',
] as const

/** Name of a list of a marking's caveats. */
export type CaveatList = (typeof CAVEAT_LISTS)[number]

/**
 * Restrictions beside the level. `community` and `alliances` hold slugs of alliances, of which any will do. No marking says
 * `grantees` or `epochs`: they stand in audiences alone.
 */
export type Caveats = { readonly [List in CaveatList]?: ReadonlySet<string> } & {
  /** STIX timestamp; the embargo is over at this instant. */
  readonly embargoUntil?: string
}

/** What one marking-definition says. */
export interface Marking {
  readonly level?: Level
  readonly caveats: Caveats
  readonly consent?: Consent
}

/** The meaning of a marking-definition, or undefined where it is not understood in full. */
export function toMarking(definition: JsonObject): Marking | undefined {
  const { id, definition_type: type, definition: body, extensions = {} } = definition
  if (definition['type'] !== 'marking-definition' || typeof id !== 'string' || !isJsonObject(extensions))
    return undefined
  const known = [TLP_2_EXTENSION, NOROSHI_EXTENSION].filter((name) => Object.hasOwn(extensions, name))
  if (known.length !== Object.keys(extensions).length) return undefined
  const level = levelOf(id, type, body, extensions[TLP_2_EXTENSION])
  if (level === null) return undefined
  if (type !== undefined && type !== 'tlp' && !isStatement(type, body)) return undefined
  if (type === undefined && (body !== undefined || known.length === 0)) return undefined
  if (!Object.hasOwn(extensions, NOROSHI_EXTENSION)) return { ...(level && { level }), caveats: {} }
  const own = toCaveats(extensions[NOROSHI_EXTENSION])
  return own && { ...(level && { level }), ...own }
}

const IS_TLP_2 = new Set(TLP_2_MARKINGS.map((marking) => marking['id']))

/** The TLP level; undefined where the definition is none of TLP, null where it contradicts its id or itself. */
function levelOf(id: string, type: unknown, body: unknown, extension: unknown): Level | undefined | null {
  const expected = TLP_LEVEL_BY_ID.get(id)
  const hasBody = type === 'tlp' || (isJsonObject(body) && Object.hasOwn(body, 'tlp'))
  if (expected === undefined) return hasBody || extension !== undefined ? null : undefined
  const values: (Level | undefined)[] = []
  if (hasBody)
    values.push(type === 'tlp' && isJsonObject(body) ? levelOfTlp1(body['tlp'], IS_TLP_2.has(id)) : undefined)
  if (extension !== undefined) values.push(isTlp2Extension(extension) ? toLevel(extension['tlp_2_0']) : undefined)
  return values.length > 0 && values.every((value) => value === expected) ? expected : null
}

const levelOfTlp1 = (text: unknown, isTlp2: boolean): Level | undefined =>
  text === 'white' ? 'clear' : text === 'clear' && !isTlp2 ? undefined : toLevel(text)

function isTlp2Extension(value: unknown): value is JsonObject {
  return isJsonObject(value) && hasPropertyExtensionType(value)
}

const hasPropertyExtensionType = ({ extension_type: type }: JsonObject) =>
  type === undefined || type === 'property-extension'

const isStatement = (type: unknown, body: unknown) =>
  type === 'statement' && isJsonObject(body) && typeof body['statement'] === 'string'

const DIMENSIONS = new Set<string>(['nations', 'orgs', 'alliances', 'sectors', 'kinds'] satisfies CaveatList[])
const LISTS = new Set<string>(['distribution', 'participants', 'coauthors'] satisfies CaveatList[])

/** Noroshi's extension; undefined where a property is unknown or a value malformed. */
function toCaveats(extension: Json | undefined): Marking | undefined {
  if (!isJsonObject(extension) || !hasPropertyExtensionType(extension)) return undefined
  const caveats: { [List in CaveatList]?: ReadonlySet<string> } & { embargoUntil?: string } = {}
  let consent: Consent | undefined
  for (const [name, value] of Object.entries(extension)) {
    if (name === 'extension_type') continue
    else if (name === 'releasable_to') {
      if (!isJsonObject(value)) return undefined
      for (const [dimension, list] of Object.entries(value)) {
        if (!DIMENSIONS.has(dimension) || !isTexts(list)) return undefined
        caveats[dimension as CaveatList] = new Set(list)
      }
    } else if (LISTS.has(name)) {
      if (!isTexts(value)) return undefined
      caveats[name as CaveatList] = new Set(value)
    } else if (name === 'community') {
      if (typeof value !== 'string') return undefined
      caveats.community = new Set([value])
    } else if (name === 'embargo_until') {
      if (typeof value !== 'string' || parseTimestamp(value) === undefined) return undefined
      caveats.embargoUntil = value
    } else if (name === 'consent') {
      consent = CONSENTS.find((known) => known === value)
      if (consent === undefined) return undefined
    } else return undefined
  }
  return { caveats, ...(consent && { consent }) }
}

const isTexts = (value: Json): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string')
