import type { JsonObject } from '#base'
import { addCustom, customName } from './custom.ts'
import { flagOf, objectsOf, textOf } from '../fields.ts'
import { typedValue } from './graph.ts'
import type { Siblings } from './siblings.ts'
import { term } from './terms.ts'

/** Where the extension of Windows executables is in patterns. */
const EXTENSION = "file:extensions.'windows-pebinary-ext'"
/** Places of the relations of a `pe` object in the extension. */
export const EXECUTABLE_PATHS: ReadonlyMap<string, string> = new Map([
  ['type', 'pe_type'],
  ['imphash', 'imphash'],
  ['number-sections', 'number_of_sections'],
  ['entrypoint-address', 'optional_header.address_of_entry_point'],
])
/** Places of the relations of a `pe-section` object in a section. */
export const SECTION_PATHS: ReadonlyMap<string, string> = new Map([
  ['name', 'name'],
  ['size-in-bytes', 'size'],
  ['entropy', 'entropy'],
  ['md5', 'hashes.MD5'],
  ['sha1', "hashes.'SHA-1'"],
  ['sha256', "hashes.'SHA-256'"],
  ['sha512', "hashes.'SHA-512'"],
  ['ssdeep', 'hashes.SSDEEP'],
])

/** Adds what a `pe` object and its `pe-section`s say to a file. */
export function addExecutable(file: JsonObject, object: JsonObject, siblings: Siblings): void {
  const extension: JsonObject = {}
  const sections = sectionsOf(object, siblings)
    .map((section) => described(section, SECTION_PATHS))
    .filter(({ name }) => name !== undefined)
  Object.assign(extension, described(object, EXECUTABLE_PATHS))
  if (sections.length > 0) extension['sections'] = sections
  extension['pe_type'] ??= 'exe'
  const before = file['extensions'] as JsonObject | undefined
  file['extensions'] = { ...before, 'windows-pebinary-ext': extension }
}

function sectionsOf(object: JsonObject, siblings: Siblings): JsonObject[] {
  return objectsOf(object, 'ObjectReference').flatMap((reference) => {
    const one = siblings.get(textOf(reference, 'referenced_uuid'))
    return one && textOf(one, 'name') === 'pe-section' ? [one] : []
  })
}

function described(object: JsonObject, paths: ReadonlyMap<string, string>): JsonObject {
  const target: JsonObject = {}
  const rest: JsonObject[] = []
  for (const attribute of objectsOf(object, 'Attribute')) {
    const path = paths.get(textOf(attribute, 'object_relation'))
    if (path === undefined || !put(target, path, textOf(attribute, 'value'))) rest.push(attribute)
  }
  addCustom(target, rest)
  return target
}

function put(target: JsonObject, path: string, value: string): boolean {
  const [first = '', second] = path.split('.').map((step) => step.replaceAll("'", ''))
  const typed = typedValue(second ?? first, value)
  if (typed === undefined) return false
  if (second === undefined) target[first] = typed
  else target[first] = { ...(target[first] as JsonObject | undefined), [second]: typed }
  return true
}

/** Comparisons for what is meant for detection in a `pe` object and its sections. */
export function executableTerms(object: JsonObject, siblings: Siblings): string[] {
  const sections = sectionsOf(object, siblings)
  return [
    ...flaggedTerms(object, EXTENSION, EXECUTABLE_PATHS),
    ...sections.flatMap((section, index) => flaggedTerms(section, `${EXTENSION}.sections[${index}]`, SECTION_PATHS)),
  ]
}

function flaggedTerms(object: JsonObject, prefix: string, paths: ReadonlyMap<string, string>): string[] {
  return objectsOf(object, 'Attribute').flatMap((attribute) => {
    if (!(flagOf(attribute, 'to_ids') ?? true)) return []
    const relation = textOf(attribute, 'object_relation')
    return [term(`${prefix}.${paths.get(relation) ?? customName(relation)}`, textOf(attribute, 'value'))]
  })
}
