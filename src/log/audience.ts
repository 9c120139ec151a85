/**
 * Who may see a log: `{v: 1, tlp: 'amber', alliances: ['pacific'], nations: ['JP', 'US']}` is readable by organisations
 * of the alliance *and* of either nation. An absent list does not restrict; an empty one admits nobody.
 * @see docs/wire.md, Audience
 */
import { canonicalJson, type Hash, isJsonObject, type Json, sha256Hex, utf8 } from '#base'
import { LogError } from './error.ts'
import { isMemberId, isNation, isSlug, isText } from './fields.ts'
import { domain } from './keys.ts'

/** Levels of TLP 2.0, from the widest to the narrowest. */
export const TLP_LEVELS = ['clear', 'green', 'amber', 'amber+strict', 'red'] as const

/** A level of TLP 2.0. */
export type TlpLevel = (typeof TLP_LEVELS)[number]

/** The canonical form of an object's resolved markings. */
export interface Audience {
  v: 1
  tlp: TlpLevel
  alliances?: readonly string[]
  /** `<alliance>:<decimal>` */
  epochs?: readonly string[]
  members?: readonly string[]
  nations?: readonly string[]
  sectors?: readonly string[]
  kinds?: readonly string[]
  community?: readonly string[]
  distribution?: readonly string[]
  participants?: readonly string[]
  /** By grants of the author: these alone, whatever else the marking admits. */
  grantees?: readonly string[]
  drill?: string
}

const EPOCH = /^([^:]+):(?:0|[1-9]\d*)$/
const isEpoch = (value: unknown) => typeof value === 'string' && isSlug(EPOCH.exec(value)?.[1])

const LISTS = {
  alliances: isSlug,
  epochs: isEpoch,
  members: isMemberId,
  nations: isNation,
  sectors: isSlug,
  kinds: isSlug,
  community: isText,
  distribution: isText,
  participants: isText,
  grantees: isMemberId,
} as const satisfies Partial<Record<keyof Audience, (value: unknown) => boolean>>

/**
 * The audience of a value: lists are deduplicated and sorted by UTF-16 code unit, nothing else is repaired.
 * @throws LogError AUDIENCE_INVALID
 */
export function toAudience(value: unknown): Audience {
  if (!isJsonObject(value)) throw invalid('is not an object')
  const { v, tlp } = value
  if (v !== 1) throw invalid('has a `v` other than 1')
  const level = TLP_LEVELS.find((known) => known === tlp)
  if (level === undefined) throw invalid(`has no known \`tlp\`; use one of ${TLP_LEVELS.join(', ')}`)
  const audience: Audience = { v: 1, tlp: level }
  for (const [name, member] of Object.entries(value)) {
    if (name === 'v' || name === 'tlp') continue
    else if (name === 'drill') audience.drill = drillOf(member)
    else if (isListName(name)) audience[name] = listOf(name, member)
    else throw invalid(`has the unknown member ${JSON.stringify(name)}`)
  }
  return audience
}

/** The audience's one text, over which its id is taken. @throws LogError AUDIENCE_INVALID */
export function canonicalAudience(audience: Audience): string {
  return canonicalJson(toAudience(audience) as unknown as Json)
}

/** Id of an audience. It is guessable from the audience, so it never leaves a node. */
export function audienceId(audience: Audience): Hash {
  return sha256Hex(domain('audience'), utf8(canonicalAudience(audience)))
}

type ListName = keyof typeof LISTS

const isListName = (name: string): name is ListName => Object.hasOwn(LISTS, name)

function listOf(name: ListName, value: Json): string[] {
  if (!Array.isArray(value)) throw invalid(`has \`${name}\` that is no array; leave it out where it does not restrict`)
  const isItem = LISTS[name]
  for (const item of value) {
    if (!isItem(item))
      throw invalid(`has in \`${name}\` the value ${JSON.stringify(item)}, which has not the right form`)
  }
  return [...new Set(value as string[])].sort()
}

function drillOf(value: Json): string {
  if (!isText(value)) throw invalid('has a `drill` that is no text')
  return value
}

const invalid = (what: string) => new LogError('AUDIENCE_INVALID', `The audience ${what}`)
