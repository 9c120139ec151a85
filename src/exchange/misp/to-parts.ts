import type { Json, JsonObject } from '#base'
import type { Comparison } from '../comparisons.ts'
import { isObject, objectsOf, textOf } from '../fields.ts'
import { EXECUTABLE_PATHS, SECTION_PATHS } from './executable.ts'
import { mispUuid, uuidIn } from './ids.ts'
import { framed, made } from './to-object.ts'

/** What MISP holds in objects of its own beside the one they belong to: executables, their sections, registry values. */
export interface Held {
  executable?: JsonObject
  values?: JsonObject[]
}

const VALUE_PATHS: ReadonlyMap<string, string> = new Map([
  ['name', 'name'],
  ['data', 'data'],
  ['data-type', 'data_type'],
])
/** Types of attributes by their relation; the others are text. */
const TYPES: ReadonlyMap<string, string> = new Map([
  ['imphash', 'imphash'],
  ['impfuzzy', 'impfuzzy'],
  ['number-sections', 'counter'],
  ['original-filename', 'filename'],
  ['internal-filename', 'filename'],
  ['compilation-timestamp', 'datetime'],
  ['size-in-bytes', 'size-in-bytes'],
  ['entropy', 'float'],
  ['md5', 'md5'],
  ['sha1', 'sha1'],
  ['sha256', 'sha256'],
  ['sha512', 'sha512'],
  ['ssdeep', 'ssdeep'],
])
/** Sections and values of one object. */
const PARTS_MAX = 200

/** What an observable holds in that way; a single registry value stays with its key. */
export function heldBy(root: JsonObject): Held {
  const extensions = root['extensions']
  const executable = isObject(extensions) ? extensions['windows-pebinary-ext'] : undefined
  const values = root['type'] === 'windows-registry-key' ? objectsOf(root, 'values') : []
  return { ...(isObject(executable) ? { executable } : {}), ...(values.length > 1 ? { values } : {}) }
}

/** The same of the comparisons of a pattern. */
export function heldByPattern(all: readonly Comparison[]): Held {
  const executable: JsonObject = {}
  const values: JsonObject[] = []
  for (const { key, items, value } of all) {
    const pe = /^file:extensions\.windows-pebinary-ext\.(.+)$/.exec(key)?.[1]
    const registry = /^windows-registry-key:values\.(\w+)$/.exec(key)?.[1]
    if (pe !== undefined) put(executable, pe, items[0] ?? 0, value)
    if (registry !== undefined && items[0] !== undefined && items[0] < PARTS_MAX)
      values[items[0]] = { ...values[items[0]], [registry]: value }
  }
  const named = values.filter((one) => one !== undefined)
  return {
    ...(Object.keys(executable).length > 0 ? { executable } : {}),
    ...(named.length > 1 ? { values: named } : {}),
  }
}

function put(executable: JsonObject, path: string, index: number, value: string): void {
  const section = /^sections\.(.+)$/.exec(path)?.[1]
  if (section === undefined) return putAt(executable, path, value)
  if (index >= PARTS_MAX) return
  const sections = objectsOf(executable, 'sections')
  while (sections.length <= index) sections.push({})
  putAt(sections[index] ?? {}, section, value)
  executable['sections'] = sections
}

function putAt(target: JsonObject, path: string, value: string): void {
  const [first = '', second] = path.split('.')
  const inner = target[first]
  if (second === undefined) target[first] = value
  else target[first] = { ...(isObject(inner) ? inner : {}), [second]: value }
}

/** An object with its parts behind it, each referred to by the one that it belongs to. */
export function withParts(object: JsonObject, whole: JsonObject, held: Held, detects: boolean): JsonObject[] {
  const parts: JsonObject[] = []
  if (held.executable) {
    const pe = partOf(object, 'pe', 0, held.executable, EXECUTABLE_PATHS, detects)
    const sections = objectsOf(held.executable, 'sections').slice(0, PARTS_MAX)
    const described = sections.map((one, index) => partOf(object, 'pe-section', index, one, SECTION_PATHS, detects))
    refer(pe, described, 'includes')
    refer(whole, [pe], 'includes')
    parts.push(pe, ...described)
  }
  if (held.values) {
    const values = held.values.map((one, index) =>
      partOf(object, 'registry-key-value', index, one, VALUE_PATHS, detects),
    )
    refer(whole, values, 'contains')
    parts.push(...values)
  }
  return [whole, ...parts]
}

function partOf(
  object: JsonObject,
  name: string,
  index: number,
  described: JsonObject,
  paths: ReadonlyMap<string, string>,
  detects: boolean,
): JsonObject {
  const uuid = mispUuid(uuidIn(textOf(object, 'id')), name, String(index))
  const at = { ...object, id: `${textOf(object, 'id')} - ${name} - ${index}` }
  const known = [...paths].flatMap(([relation, path]) => {
    const value = valueAt(described, path)
    return value === undefined ? [] : [made(at, relation, TYPES.get(relation) ?? 'text', value, detects)]
  })
  const custom = Object.entries(described).flatMap(([key, value]) => {
    if (!key.startsWith('x_misp_')) return []
    const relation = key.slice('x_misp_'.length).replaceAll('_', '-')
    return [made(at, relation, TYPES.get(relation) ?? 'text', value, detects)]
  })
  return { ...framed(object, name, 'file', [...known, ...custom]), 'meta-category': 'file', uuid }
}

function valueAt(described: JsonObject, path: string): Json | undefined {
  const [first = '', second] = path.replaceAll("'", '').split('.')
  const value = Object.hasOwn(described, first) ? described[first] : undefined
  return second === undefined ? value : isObject(value) && Object.hasOwn(value, second) ? value[second] : undefined
}

function refer(whole: JsonObject, parts: readonly JsonObject[], kind: string): void {
  if (parts.length === 0) return
  const source = textOf(whole, 'uuid')
  whole['ObjectReference'] = parts.map((part) => ({
    uuid: mispUuid(source, textOf(part, 'uuid'), kind),
    object_uuid: source,
    referenced_uuid: textOf(part, 'uuid'),
    relationship_type: kind,
  }))
}
