import type { Json, JsonObject } from '#base'
import { isAddress } from '../indicators/recognise.ts'
import { parsePath, type Step } from './path.ts'

/** Types that a reference leads to, by its property; the others follow from the value. */
const REFERRED: ReadonlyMap<string, string> = new Map(
  Object.entries({
    from_ref: 'email-addr',
    to_refs: 'email-addr',
    cc_refs: 'email-addr',
    bcc_refs: 'email-addr',
    body_raw_ref: 'file',
    content_ref: 'artifact',
    parent_directory_ref: 'directory',
    image_ref: 'file',
    parent_ref: 'process',
    child_refs: 'process',
    belongs_to_refs: 'autonomous-system',
  }),
)
const INTEGERS = new Set(
  'number size pid src_port dst_port gid src_byte_count dst_byte_count src_packets dst_packets number_of_sections address_of_entry_point subject_public_key_exponent'.split(
    ' ',
  ),
)
const TIMES = new Set(
  'ctime mtime atime date start end modified_time created_time account_created account_expires account_first_login account_last_login credential_last_changed validity_not_before validity_not_after'.split(
    ' ',
  ),
)
const FLAGS = new Set(
  'is_hidden can_escalate_privs is_disabled is_service_account is_privileged is_self_signed'.split(' '),
)
const LISTS = new Set(['languages', 'protocols', 'groups', 'received_lines'])

/** Characters of a time. */
const TIME_MAX_CHARS = 40

/** Observables that are built from paths and values. */
export class ObservableGraph {
  readonly #byKey = new Map<string, JsonObject>()
  readonly root: JsonObject

  constructor(root: string, uuid: string) {
    this.root = this.#create(root, uuid, root)
  }

  /** The root and everything that was made beside it. */
  get objects(): JsonObject[] {
    return [...this.#byKey.values()]
  }

  /** The object of another root, made when it is first asked for. */
  rootOf(type: string, uuid: string): JsonObject {
    return type === this.root['type'] ? this.root : (this.#byKey.get(type) ?? this.#create(type, uuid, type))
  }

  /** Puts a value at a path; objects on the way are made with the uuid given. False where the value does not fit. */
  set(text: string, value: Json, uuid: string): boolean {
    const { object, steps } = parsePath(text)
    const last = steps.at(-1)
    const typed = last === undefined ? undefined : typedValue(last.name, value)
    if (last === undefined || typed === undefined) return false
    let at = this.rootOf(object, uuid)
    let key = object
    for (const step of steps.slice(0, -1)) {
      key += `.${step.name}`
      at = this.#into(at, step, key, value, uuid)
      if (step.item !== undefined) key += `[${String(at['id'] ?? step.item)}]`
    }
    if (LISTS.has(last.name)) at[last.name] = [...asList(at[last.name]), typed]
    else at[last.name] = typed
    return true
  }

  #into(at: JsonObject, step: Step, key: string, value: Json, uuid: string): JsonObject {
    if (step.name.endsWith('_ref')) return this.#refer(at, step.name, key, value, uuid)
    if (step.name.endsWith('_refs')) return this.#referItem(at, step, key, value, uuid)
    if (step.item !== undefined) {
      const items = asList(at[step.name]) as JsonObject[]
      at[step.name] = items
      const index = typeof step.item === 'number' ? step.item : items.length
      while (items.length <= index) items.push({})
      return items[index] as JsonObject
    }
    const inner = isObject(at[step.name]) ? at[step.name] : {}
    at[step.name] = inner as JsonObject
    return inner as JsonObject
  }

  #refer(at: JsonObject, name: string, key: string, value: Json, uuid: string): JsonObject {
    const known = [...this.#byKey.values()].find(({ id }) => id === at[name])
    if (known) return known
    const made = this.#create(typeReferred(name, value), uuid, `${key}#${uuid}`)
    at[name] = String(made['id'])
    return made
  }

  #referItem(at: JsonObject, step: Step, key: string, value: Json, uuid: string): JsonObject {
    const ids = asList(at[step.name])
    const id = typeof step.item === 'number' ? ids[step.item] : undefined
    const known = id === undefined ? undefined : [...this.#byKey.values()].find((one) => one['id'] === id)
    if (known) return known
    const made = this.#create(typeReferred(step.name, value), uuid, `${key}#${uuid}#${ids.length}`)
    at[step.name] = [...ids, String(made['id'])]
    return made
  }

  #create(type: string, uuid: string, key: string): JsonObject {
    const object: JsonObject = { type, spec_version: '2.1', id: `${type}--${uuid}` }
    this.#byKey.set(key, object)
    return object
  }
}

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const asList = (value: Json | undefined): Json[] => (Array.isArray(value) ? value : [])

const typeReferred = (name: string, value: Json): string => REFERRED.get(name) ?? typeOfHost(String(value))

/** Type of the object of a host: an address of either family, or a name. */
export function typeOfHost(value: string): 'ipv4-addr' | 'ipv6-addr' | 'domain-name' {
  const address = value.split('/')[0] ?? ''
  if (!isAddress(address)) return 'domain-name'
  return address.includes(':') ? 'ipv6-addr' : 'ipv4-addr'
}

/** The value in the type that STIX has for its property; undefined where it can't be. */
export function typedValue(name: string, value: Json): Json | undefined {
  if (typeof value === 'object') return value ?? undefined
  const text = String(value)
  if (name === 'entropy') return Number.isFinite(Number(text)) ? Number(text) : undefined
  if (INTEGERS.has(name)) {
    const digits = name === 'number' ? text.replace(/^AS/i, '') : text
    return /^-?\d{1,15}$/.test(digits) ? Number(digits) : undefined
  }
  if (TIMES.has(name)) return toStixTime(text)
  if (FLAGS.has(name)) return /^(?:true|1)$/i.test(text)
  if (name === 'is_listening') return text.toLowerCase() === 'listening'
  if (name === 'protocols') return text.toLowerCase()
  return text
}

/** Whether a property holds an integer, so that patterns compare it with a number. */
export const isInteger = (name: string): boolean => INTEGERS.has(name)

/** Whether a property holds a time, so that patterns compare it with one. */
export const isTime = (name: string): boolean => TIMES.has(name)

/** MISP's time with offset as a UTC time of STIX. */
export function toStixTime(text: string): string | undefined {
  if (text.length > TIME_MAX_CHARS) return undefined
  const ms = /^\d{4}-\d\d-\d\d/.test(text)
    ? Date.parse(/[zZ]|[+-]\d\d:?\d\d$/.test(text.slice(10)) ? text : `${text}Z`)
    : NaN
  if (!Number.isFinite(ms)) return undefined
  const iso = new Date(ms).toISOString()
  return /^\d{4}-/.test(iso) ? iso.replace('.000Z', 'Z') : undefined
}
