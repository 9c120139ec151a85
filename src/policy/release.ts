/**
 * Release: everything about a set of objects is decided here, once, at its author. Each object becomes one rendition per
 * audience that differs, so that whoever an audience admits may have its rendition whole.
 *
 * A GREEN report that lists a GREEN and a RED indicator becomes two entries: for the RED audience the report's own bytes,
 * for the GREEN one a derived report, with another id, that lists the GREEN indicator alone.
 * @see DESIGN section 1; SHARING-RULES section 4
 */
import { type JsonObject, type Millis, toTimestamp, utf8 } from '#base'
import type { Audience } from '#log'
import { PREDEFINED_MARKINGS } from '#stix'
import type { Moment } from './containment.ts'
import { markSet, type Refused } from './marked-set.ts'
import { type Scope, Scopes } from './opening.ts'
import { planRenditions } from './plan.ts'
import { explain } from './reason.ts'
import type { Recipient } from './recipients.ts'
import type { Protection } from './redaction.ts'
import type { Register } from './register.ts'
import { toDefaults, type ReleaseDefaults } from './release-defaults.ts'
import { cutRendition } from './rendition.ts'
import type { ReleasedBefore } from './released-before.ts'
import { Definitions } from './resolve.ts'
import { type Traveller, travellingDefinitions } from './travelling-definitions.ts'

/** An object and its bytes, exactly as its author wrote them. */
export interface ReleaseObject {
  readonly bytes: Uint8Array
  readonly value: JsonObject
}

/** A set of objects that its author releases together. */
export interface ReleaseRequest {
  readonly objects: readonly ReleaseObject[]
  /** Id of the member that publishes. */
  readonly author: string
  readonly register: Register
  /** Marking-definitions beyond TLP's and those among the objects. */
  readonly definitions?: Iterable<JsonObject> | ReadonlyMap<string, JsonObject>
  readonly defaults?: ReleaseDefaults
  readonly now: Millis
  /** The node's secret, from which ids of derived renditions come; 32 bytes. */
  readonly secret: Uint8Array
  /** Id of the drill whose logs these become. */
  readonly drill?: string
  /** What is known about single objects, by id. */
  readonly protections?: ReadonlyMap<string, Protection>
  /** Where the objects stand already that these annotate or refer to. */
  readonly releasedBefore?: ReleasedBefore
}

/** One entry to append: a rendition and the audience of the log that it belongs to. */
export interface Release {
  /** Id of the original. */
  readonly objectId: string
  /** Id of the rendition; another one where something was redacted. */
  readonly id: string
  /** The original's own bytes where nothing was redacted. */
  readonly json: Uint8Array
  readonly audience: Audience
  /** Who receives it from the author now, or at `notBefore`; shared between releases of one audience. */
  readonly recipients: readonly Recipient[]
  /** End of an embargo: not to be appended earlier. */
  readonly notBefore?: Millis
}

/** What a set of objects becomes. */
export interface ReleaseResult {
  readonly releases: Release[]
  readonly refused: Refused[]
}

/**
 * Decides who gets which rendition of each object.
 * @throws PolicyError POLICY_TARGET_UNKNOWN, POLICY_REQUEST_INVALID for defaults that cannot be read
 */
export function release(request: ReleaseRequest): ReleaseResult {
  const { objects, author, register, now } = request
  const moment: Moment = { author: register.org(author)?.id ?? author, register, now: toTimestamp(now) }
  const definitions = definitionsFor(request)
  const marked = markSet(objects, {
    definitions,
    applyDefaults: toDefaults(request.defaults ?? {}, register),
    protections: request.protections ?? new Map(),
    releasedBefore: request.releasedBefore ?? new Map(),
    moment,
  })
  const scopes = new Scopes(moment, now, request.drill)
  const releases: Release[] = []
  const refused = [...marked.refused]
  const travellers: Traveller[] = []
  const standing = new Set(marked.standing)
  const planned = planRenditions([...marked.standing, ...marked.objects], scopes, request.secret)
  for (const [object, { renditions, withheld }] of planned) {
    if (standing.has(object)) continue
    if (withheld !== undefined && !renditions.some(({ scope }) => isForAnybody(scope, scopes))) {
      refused.push({ id: object.id, code: withheld, message: explain(withheld) })
      continue
    }
    for (const rendition of renditions) {
      const { id, scope } = rendition
      const value = rendition.isOriginal ? object.value : cutRendition(object.value, rendition, moment.author)
      const json = rendition.isOriginal ? object.bytes : utf8(JSON.stringify(value))
      const openings = scopes.openings(scope)
      for (const opening of openings) releases.push({ objectId: object.id, id, json, ...opening })
      travellers.push({ value, openings })
    }
  }
  const travelling = travellingDefinitions(marked.definitions, travellers, scopes)
  return { releases: [...travelling.releases, ...releases], refused: [...refused, ...travelling.refused] }
}

const isForAnybody = (scope: Scope, scopes: Scopes) => scopes.reach(scope).size > 0

function definitionsFor({ objects, register, definitions = [] }: ReleaseRequest): Definitions {
  const given = definitions instanceof Map ? definitions.values() : (definitions as Iterable<JsonObject>)
  const own = objects.map(({ value }) => value).filter(({ type }) => type === 'marking-definition')
  return new Definitions([...PREDEFINED_MARKINGS.values(), ...given, ...own], register)
}
