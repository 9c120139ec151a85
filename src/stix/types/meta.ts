import { timestampKey } from '#base'
import { isObject, shown } from '../engine/check.ts'
import type { RuleCheck } from '../engine/data-type.ts'
import {
  ANY,
  enumeration,
  form,
  listOf,
  optional,
  recommended,
  reference,
  required,
  STRING,
  TIMESTAMP,
  vocabulary,
} from '../engine/data-type.ts'
import { isPropertyName, isTimestamp } from '../engine/forms.ts'
import type { ObjectDefinition } from '../engine/object.ts'
import { TLP_1_MARKINGS, TLP_2_EXTENSION, TLP_2_MARKINGS, TLP_LEVELS } from '../marking.ts'
import { COMMON_NAMES } from './common.ts'

const PROPERTY_NAME = form('a property name: 3 to 250 of a-z, 0-9 and _', '7.3', isPropertyName)

const checkDefinition: RuleCheck = (object, sink, section) => {
  const { definition_type: type, definition } = object
  if (object['extensions'] === undefined) {
    const reason = 'is required where there are no extensions'
    if (type === undefined) sink.fail('MISSING_PROPERTY', reason, section, 'definition_type')
    if (definition === undefined) sink.fail('MISSING_PROPERTY', reason, section, 'definition')
  }
  if (!isObject(definition)) {
    if (definition !== undefined) sink.fail('WRONG_TYPE', 'must be an object (marking)', section, 'definition')
  } else if (type === 'statement') {
    if (typeof definition['statement'] !== 'string')
      sink.fail('INVALID_MARKING', 'must be a string', '7.2.1.3', 'definition.statement')
  } else if (type === 'tlp') checkTlp(object, definition['tlp'] ?? null, sink, '7.2.1.4')
}

/** Only the four marking-definitions of the specification may be TLP markings. */
function checkTlp(
  object: Parameters<RuleCheck>[0],
  tlp: unknown,
  sink: Parameters<RuleCheck>[1],
  section: string,
): void {
  const standard = TLP_1_MARKINGS.find(
    (marking) => isObject(marking['definition']) && marking['definition']['tlp'] === tlp,
  )
  if (standard === undefined)
    return sink.fail('INVALID_MARKING', 'must be white, green, amber or red', section, 'definition.tlp')
  const { id, created, name } = object
  if (name !== undefined && name !== standard['name'])
    sink.fail('INVALID_MARKING', `TLP ${String(tlp)} has the name ${shown(standard['name'] ?? null)}`, section, 'name')
  if (sink.strict && name === undefined)
    sink.advise('RECOMMENDED', `should be given on a TLP marking: ${shown(standard['name'] ?? null)}`, section, 'name')
  if (id !== standard['id'])
    sink.fail(
      'INVALID_MARKING',
      `TLP ${String(tlp)} has the identifier ${shown(standard['id'] ?? null)}`,
      section,
      'id',
    )
  const expected = standard['created']
  if (
    typeof created === 'string' &&
    typeof expected === 'string' &&
    isTimestamp(created) &&
    timestampKey(created) !== timestampKey(expected)
  )
    sink.fail('INVALID_MARKING', `the predefined TLP marking was created ${expected}`, section, 'created')
}

/** The extension that carries TLP 2.0 has a level; each level has one marking-definition of its own. */
const checkTlp2: RuleCheck = (object, sink) => {
  const { id, extensions } = object
  const extension = isObject(extensions) ? extensions[TLP_2_EXTENSION] : undefined
  if (!isObject(extension)) return
  const level = TLP_LEVELS.findIndex((label) => label === extension['tlp_2_0'])
  if (level < 0)
    sink.fail(
      'INVALID_MARKING',
      `must be one of ${TLP_LEVELS.join(', ')}`,
      '7.3',
      `extensions.${TLP_2_EXTENSION}.tlp_2_0`,
    )
  else if (sink.strict && id !== TLP_2_MARKINGS[level]?.['id'])
    sink.advise(
      'INVALID_MARKING',
      `should be ${shown(TLP_2_MARKINGS[level]?.['id'] ?? null)} for this level`,
      '7.3',
      'id',
    )
}

/** A marking must not be marked with itself. */
const checkCircular: RuleCheck = (object, sink) => {
  const id = object['id']
  const refs = object['object_marking_refs']
  const granular = object['granular_markings']
  if (Array.isArray(refs) && id !== undefined && refs.includes(id))
    sink.fail('INVALID_MARKING', 'must not contain the marking itself', '3.2', 'object_marking_refs')
  if (!Array.isArray(granular)) return
  for (const [index, marking] of granular.entries())
    if (isObject(marking) && marking['marking_ref'] !== undefined && marking['marking_ref'] === id)
      sink.fail('INVALID_MARKING', 'must not be the marking itself', '3.2', `granular_markings.[${index}].marking_ref`)
}

const checkExtensionProperties: RuleCheck = (object, sink, section) => {
  const types = object['extension_types']
  if (!Array.isArray(types)) return
  const toplevel = types.includes('toplevel-property-extension')
  const properties = object['extension_properties']
  if (properties !== undefined && !toplevel)
    sink.fail(
      'PROPERTY_COMBINATION',
      `must only be given where extension_types has toplevel-property-extension, but it is ${shown(types)}`,
      section,
      'extension_properties',
    )
  if (Array.isArray(properties))
    for (const [index, name] of properties.entries())
      if (typeof name === 'string' && COMMON_NAMES.has(name))
        sink.fail(
          'INVALID_EXTENSION',
          `${name} is a common property, which an extension must not redefine`,
          '7.3',
          `extension_properties.[${index}]`,
        )
  if (sink.strict && toplevel && properties === undefined)
    sink.advise('RECOMMENDED', 'should name the properties added at the top level', section, 'extension_properties')
}

/** Objects about objects. @see STIX 7 */
export const META_TYPES: readonly ObjectDefinition[] = [
  {
    type: 'language-content',
    kind: 'language-content',
    section: '7.1',
    properties: {
      object_ref: required(reference('any')),
      object_modified: optional(TIMESTAMP),
      contents: required({ kind: 'translations' }),
    },
  },
  {
    type: 'marking-definition',
    kind: 'marking-definition',
    section: '7.2.1',
    properties: {
      name: optional(STRING),
      definition_type: optional(vocabulary('marking-definition-type-ov')),
      definition: optional(ANY),
    },
    rules: [
      { rule: 'code', check: checkDefinition },
      { rule: 'code', check: checkTlp2 },
      { rule: 'code', check: checkCircular },
    ],
  },
  {
    type: 'extension-definition',
    kind: 'extension-definition',
    section: '7.3',
    properties: {
      name: required(STRING),
      description: recommended(STRING),
      schema: required(STRING),
      version: required(STRING),
      extension_types: required(listOf(enumeration('extension-type-enum'))),
      extension_properties: optional(listOf(PROPERTY_NAME)),
    },
    rules: [{ rule: 'code', check: checkExtensionProperties }],
  },
]
