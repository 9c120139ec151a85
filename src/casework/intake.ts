/**
 * Judges a submission object by object: is it valid STIX, is it the client's to hand in, do its markings let it go to the
 * provider, and how far did the client agree to be named.
 */
import { isJsonObject, type JsonObject, type MemberId, toTimestamp } from '#base'
import {
  type Consent,
  combine,
  decide,
  Definitions,
  explain,
  type Register,
  type Resolved,
  resolveMarkings,
} from '#policy'
import { PREDEFINED_MARKINGS, validateObject } from '#stix'
import type { RefusedObject } from './case.ts'

/** Between whom a submission passes. */
export interface Intake {
  /** The client. */
  org: MemberId
  /** The provider, whose node this is. */
  self: MemberId
  register: Register
  now: number
  consent: Consent
}

/** What of a submission is taken. */
export interface TakenIn {
  objects: JsonObject[]
  refused: RefusedObject[]
  /** The narrowest that the client, or any marking, says. */
  consent: Consent
}

/** AMBER+STRICT, which every submission is under. */
const STRICT: Resolved = { level: 'amber+strict', caveats: {}, isUnknown: false, isConflict: false }

/** Takes what may be taken. */
export function takeIn(objects: readonly JsonObject[], intake: Intake): TakenIn {
  const definitions = definitionsOf(objects, intake.register)
  const taken: TakenIn = { objects: [], refused: [], consent: intake.consent }
  const seen = new Set<string>()
  for (const [index, object] of objects.entries()) {
    const id = typeof object['id'] === 'string' ? object['id'] : `#${index}`
    const refusal = seen.has(id) ? REPEATED : refusalOf(object, definitions, intake)
    seen.add(id)
    if (refusal) taken.refused.push({ id, ...refusal })
    else {
      taken.objects.push(object)
      taken.consent = consentOf(object, definitions, taken.consent)
    }
  }
  return taken
}

const REPEATED = { code: 'EQUIVOCATION', message: 'A submission holds each object once.' }

function refusalOf(
  object: JsonObject,
  definitions: Definitions,
  intake: Intake,
): Omit<RefusedObject, 'id'> | undefined {
  const { valid, errors } = validateObject(object)
  if (!valid) {
    const [first] = errors
    const where = first && first.path !== '' ? `${first.path}: ` : ''
    return { code: first?.code ?? 'INVALID', message: `${where}${first?.message ?? 'not a valid STIX 2.1 object'}` }
  }
  const { org, self, register, now } = intake
  const creator = typeof object['created_by_ref'] === 'string' ? register.org(object['created_by_ref']) : undefined
  if (creator !== undefined && creator.id !== org)
    return {
      code: 'NOT_OWNER',
      message: 'created_by_ref: another organisation of the charters; only it may submit this.',
    }
  const resolved = combine(resolveMarkings(object, definitions), STRICT)
  const context = { channel: 'client' } as const
  const request = {
    now: toTimestamp(now),
    from: org,
    to: self,
    source: org,
    object,
    register,
    definitions,
    context,
    resolved,
  }
  const { send, code } = decide(request)
  return send ? undefined : { code, message: explain(code) }
}

/** Selectors that the client marked more narrowly than the submission; '' where the object as a whole is. */
export function restrictedIn(object: JsonObject, definitions: Definitions): string[] {
  const own = resolveMarkings(object, definitions)
  const whole = own.isUnknown || own.isConflict || Object.keys(own.caveats).length > 0 ? [''] : []
  return [...whole, ...granularOf(object).flatMap(({ selectors }) => selectors)]
}

/** Marking-definitions that a submission is read with. */
export const definitionsOf = (objects: readonly JsonObject[], register: Register): Definitions =>
  new Definitions(
    [...PREDEFINED_MARKINGS.values(), ...objects.filter(({ type }) => type === 'marking-definition')],
    register,
  )

function consentOf(object: JsonObject, definitions: Definitions, consent: Consent): Consent {
  const recorded: Resolved = { caveats: {}, isUnknown: false, isConflict: false, consent }
  const markings = [
    resolveMarkings(object, definitions),
    ...granularOf(object).map(({ ref }) => definitions.resolve([ref])),
  ]
  return markings.reduce(combine, recorded).consent ?? 'none'
}

function granularOf(object: JsonObject): { ref: string; selectors: string[] }[] {
  const entries = object['granular_markings']
  if (!Array.isArray(entries)) return []
  return entries.flatMap((entry) => {
    if (!isJsonObject(entry) || typeof entry['marking_ref'] !== 'string' || !Array.isArray(entry['selectors']))
      return []
    return [{ ref: entry['marking_ref'], selectors: entry['selectors'].filter((one) => typeof one === 'string') }]
  })
}
