import { canonicalJson, type MemberId, type Millis, timestampKey, toTimestamp } from '#base'
import { PAYLOAD_MAX_BYTES } from '#log'
import type { Register } from '#policy'
import { type Finding, validateObject } from '#stix'
import type { RawObject } from './raw-objects.ts'

/** An object that is not published, and why. */
export interface Refusal {
  id: string
  code: string
  message: string
}

/** Who publishes, when, among whom. */
export interface AdmissionContext {
  self: MemberId
  register: Register
  now: Millis
}

/** How far `modified` may lie ahead. @see WIRE, Order */
const FUTURE_MS = 300_000
/** Objects looked at before the event loop gets a turn. */
const TURN_OBJECTS = 500
/** Faults of one refused object that are told with it: the rest is the validator's to list. */
const FAULTS_TOLD = 5

/** The objects of a submission that are valid and this member's to publish, each version once. */
export async function admitObjects(
  objects: readonly RawObject[],
  context: AdmissionContext,
): Promise<{ admitted: RawObject[]; refused: Refusal[] }> {
  const admitted: RawObject[] = []
  const refused: Refusal[] = []
  const seen = new Map<string, RawObject>()
  const latest = timestampKey(toTimestamp(context.now + FUTURE_MS))
  for (const [i, object] of objects.entries()) {
    if (i % TURN_OBJECTS === TURN_OBJECTS - 1) await new Promise(setImmediate)
    const no = faultOf(object) ?? ownershipFault(object, context, latest) ?? repetition(seen, object)
    if (no === 'same') continue
    if (no) refused.push({ id: String(object.value['id'] ?? `#${i}`), ...no })
    else admitted.push(object)
  }
  return { admitted, refused }
}

type Fault = Omit<Refusal, 'id'>

function faultOf({ bytes, value }: RawObject): Fault | undefined {
  if (bytes.length > PAYLOAD_MAX_BYTES)
    return {
      code: 'TOO_LARGE',
      message: `The object has ${bytes.length} bytes; an entry holds at most ${PAYLOAD_MAX_BYTES}.`,
    }
  const { valid, errors } = validateObject(value, { current: true })
  if (valid) return undefined
  return { code: errors[0]?.code ?? 'INVALID', message: toldOf(errors) }
}

/** What is wrong with an object, in one line: the first faults, and how many more there are. */
function toldOf(errors: readonly Finding[]): string {
  if (errors.length === 0) return 'not a valid STIX 2.1 object'
  const told = errors
    .slice(0, FAULTS_TOLD)
    .map(({ path, message }) => (path === '' ? message : `${path}: ${message}`))
    .join('; ')
  const left = errors.length - FAULTS_TOLD
  return left > 0 ? `${told}; and ${left} more, which noroshi validate lists` : told
}

function ownershipFault({ value }: RawObject, { self, register }: AdmissionContext, latest: string): Fault | undefined {
  const { created_by_ref: creator, modified } = value
  if (typeof creator === 'string') {
    const org = register.org(creator)
    if (org && org.id !== self && !org.clientOf.includes(self))
      return {
        code: 'NOT_OWNER',
        message: `created_by_ref: ${creator} is another member or its client; only it may publish this object.`,
      }
  }
  if (typeof modified === 'string' && timestampKey(modified) > latest)
    return {
      code: 'MODIFIED_IN_FUTURE',
      message: `modified: ${modified} lies more than 5 minutes ahead of this node's clock.`,
    }
  return undefined
}

/** The same version twice in one submission: once is enough; with other content it is refused. */
function repetition(seen: Map<string, RawObject>, object: RawObject): 'same' | Fault | undefined {
  const key = `${String(object.value['id'])} ${String(object.value['modified'] ?? '')}`
  const known = seen.get(key)
  if (!known) {
    seen.set(key, object)
    return undefined
  }
  if (canonicalJson(known.value) === canonicalJson(object.value)) return 'same'
  return { code: 'EQUIVOCATION', message: 'The submission holds this version twice with different content.' }
}
