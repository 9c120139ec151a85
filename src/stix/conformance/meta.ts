import { TLP_2_EXTENSION } from '../marking.ts'
import { bundled, changed, type ConformanceRule, extended, idOf, must, should, unchecked, without } from './rule.ts'

const EXTENSION = idOf('extension-definition')
const tool = (change: Parameters<typeof changed>[1]) => changed('tool', change)
const marked = (...selectors: string[]) => tool({ granular_markings: [{ lang: 'de', selectors }] })
const own = (kind: string) => ({
  type: 'x-own',
  id: idOf('x-own'),
  extensions: { [EXTENSION]: { extension_type: kind } },
})
const tlp = (level: string, change: Parameters<typeof changed>[1] = {}) =>
  changed('marking-definition', {
    id: 'marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed',
    created: '2017-01-20T00:00:00.000Z',
    definition_type: 'tlp',
    name: 'TLP:RED',
    definition: { tlp: level },
    ...change,
  })
const translated = (contents: Parameters<typeof changed>[1]) =>
  bundled(tool({ aliases: ['a', 'b'] }), {
    ...without('language-content', 'object_modified'),
    object_ref: idOf('tool'),
    contents: { de: contents },
  })

/** Meta objects, bundles and what is custom: sections 7, 8 and 11. */
export const META_RULES: readonly ConformanceRule[] = [
  must(
    '7.1.1',
    'keys of contents are RFC 5646 codes',
    'INVALID_LANGUAGE',
    changed('language-content', { contents: { español: { name: 'x' } } }),
  ),
  must(
    '7.1.1',
    'each language has a dictionary of properties',
    'WRONG_TYPE',
    changed('language-content', { contents: { de: 'x' } }),
  ),
  must(
    '7.1.1',
    'a translation has the type of what it translates (in a bundle)',
    'WRONG_TYPE',
    translated({ name: ['x'] }),
    translated({ aliases: 'x' }),
  ),
  must(
    '7.1.1',
    'a translated list has the length of the original (in a bundle)',
    'INVALID_VALUE',
    translated({ aliases: ['A'] }),
  ),
  unchecked('7.1.1', 'MUST', 'object_modified is that of a version', 'the version may be elsewhere'),
  must(
    '7.2.1',
    'definition_type and definition are given where extensions are not',
    'MISSING_PROPERTY',
    without('marking-definition', 'definition'),
    without('marking-definition', 'definition_type'),
  ),
  should(
    '7.2.1>2.14',
    'definition_type is statement or tlp',
    'NOT_IN_VOCABULARY',
    changed('marking-definition', { definition_type: 'own' }),
  ),
  must(
    '7.2.1.3',
    'a statement is a string',
    'INVALID_MARKING',
    changed('marking-definition', { definition: { statement: 1 } }),
    changed('marking-definition', { definition: { text: 'x' } }),
  ),
  must(
    '7.2.1.4',
    'TLP markings are the four of the specification: level, id, time, name',
    'INVALID_MARKING',
    tlp('pink'),
    tlp('red', { id: idOf('marking-definition') }),
    tlp('red', { created: '2018-01-20T00:00:00.000Z' }),
    tlp('red', { name: 'TLP:GREEN' }),
  ),
  must(
    '7.2.3',
    'a granular marking has lang or marking_ref',
    'MISSING_PROPERTY',
    tool({ granular_markings: [{ selectors: ['name'] }] }),
  ),
  must(
    '7.2.3',
    'not both of them',
    'PROPERTY_COMBINATION',
    tool({ granular_markings: [{ lang: 'de', marking_ref: idOf('marking-definition'), selectors: ['name'] }] }),
  ),
  must('7.2.3', 'selectors is required', 'MISSING_PROPERTY', tool({ granular_markings: [{ lang: 'de' }] })),
  must(
    '7.2.3>3.2',
    'lang is an RFC 5646 code',
    'INVALID_LANGUAGE',
    tool({ granular_markings: [{ lang: 'x', selectors: ['name'] }] }),
  ),
  must(
    '7.2.3.1',
    'selectors are names and [indexes] with dots between',
    'INVALID_SELECTOR',
    marked('name.'),
    marked('labels.0'),
    marked('labels[0]'),
  ),
  must(
    '7.2.3.1',
    'selectors select what is there',
    'INVALID_SELECTOR',
    marked('nothing'),
    marked('labels.[9]'),
    marked('[0]'),
  ),
  must(
    '7.3',
    'an extension does not redefine types of the specification',
    'INVALID_EXTENSION',
    extended('tool', EXTENSION, { extension_type: 'new-sdo' }),
    extended('file', EXTENSION, { extension_type: 'new-sco' }),
    extended('relationship', EXTENSION, { extension_type: 'new-sro' }),
  ),
  must(
    '7.3',
    'extension_properties has no common property',
    'INVALID_EXTENSION',
    changed('extension-definition', { extension_properties: ['confidence'] }),
  ),
  must(
    '7.3',
    'a new domain or relationship object has the common properties of its kind',
    'MISSING_PROPERTY',
    own('new-sdo'),
    own('new-sro'),
  ),
  should(
    '7.3',
    'an object of TLP 2.0 is the one of its level',
    'INVALID_MARKING',
    extended('marking-definition', TLP_2_EXTENSION, { extension_type: 'property-extension', tlp_2_0: 'red' }),
  ),
  must(
    '7.3',
    'the TLP 2.0 extension has a level of TLP 2.0',
    'INVALID_MARKING',
    extended('marking-definition', TLP_2_EXTENSION, { extension_type: 'property-extension', tlp_2_0: 'white' }),
  ),
  must(
    '7.3',
    'required: created_by_ref, name, schema, version, extension_types',
    'MISSING_PROPERTY',
    ...['created_by_ref', 'name', 'schema', 'version', 'extension_types'].map((name) =>
      without('extension-definition', name),
    ),
  ),
  should('7.3', 'description is given', 'RECOMMENDED', without('extension-definition', 'description')),
  must(
    '7.3>2.4',
    'extension_types are of their enumeration',
    'NOT_IN_ENUMERATION',
    changed('extension-definition', { extension_types: ['own', 'toplevel-property-extension'] }),
  ),
  must(
    '7.3',
    'extension_properties stands with toplevel-property-extension only',
    'PROPERTY_COMBINATION',
    changed('extension-definition', { extension_types: ['new-sdo'] }),
  ),
  should(
    '7.3',
    'toplevel-property-extension has extension_properties',
    'RECOMMENDED',
    without('extension-definition', 'extension_properties'),
  ),
  must(
    '7.3',
    'extension_properties are property names',
    'INVALID_VALUE',
    changed('extension-definition', { extension_properties: ['No'] }),
  ),
  must(
    '7.3.1',
    'an extension is used as its definition says (in a bundle)',
    'INVALID_EXTENSION',
    bundled(
      changed('extension-definition', { id: EXTENSION }),
      extended('mutex', EXTENSION, { extension_type: 'new-sco' }),
    ),
  ),
  must(
    '7.3.2>3.1',
    'names of properties in extensions are property names',
    'INVALID_NAME',
    extended('tool', EXTENSION, { extension_type: 'property-extension', Rank: 1 }),
  ),
  unchecked(
    '7.3.2',
    'SHOULD',
    'extensions are used where the specification has nothing',
    'whether it has is a matter of meaning',
  ),
  must('8.1', 'id is required on a bundle', 'MISSING_PROPERTY', { type: 'bundle' }),
  must('8.1>2.12', 'objects has at least one object', 'EMPTY_LIST', bundled()),
  must('8.1', 'objects has STIX objects only', 'WRONG_TYPE', bundled(1)),
  must('8.1', 'a bundle holds no bundle', 'INVALID_VALUE', bundled(bundled())),
  must(
    '8.2>3.3',
    'nothing refers to a bundle',
    'INVALID_REFERENCE',
    changed('report', { object_refs: [idOf('bundle')] }),
  ),
  should('11.1', 'custom properties are in an extension', 'CUSTOM_PROPERTY', tool({ x_own: 1 }), tool({ own: 1 })),
  must('11.1>3.1', 'names of custom properties are property names', 'INVALID_NAME', tool({ 'x-own': 1 })),
  should('11.2', 'custom types are defined by an extension', 'CUSTOM_TYPE', { type: 'x-own', id: idOf('x-own') }),
  should('11.2', 'names of custom types start with x-', 'NAMING', { type: 'own', id: idOf('own') }),
  must('11.2>2.9', 'ids of custom objects are identifiers of their type', 'INVALID_ID', {
    type: 'x-own',
    id: idOf('x-other'),
  }),
  unchecked(
    '11.2',
    'MUST',
    'a custom object has a property of its own',
    'objects whose properties are all optional may have none',
  ),
  should(
    '11.3',
    'custom extensions are defined by an extension-definition',
    'CUSTOM_PROPERTY',
    extended('file', 'x-own-ext', { own: 1 }),
  ),
  should(
    '11.3',
    'custom extensions stand on observables only',
    'INVALID_EXTENSION',
    extended('tool', 'x-own-ext', { own: 1 }),
  ),
  must(
    '11.3.1',
    'names of custom extensions are of a-z, 0-9 and -, 3 to 250, ending in -ext',
    'INVALID_NAME',
    extended('file', 'x-own', { own: 1 }),
    extended('file', 'X-Own-ext', { own: 1 }),
    extended('file', 'x_own_ext', { own: 1 }),
  ),
  should('11.3.1', 'names of custom extensions start with x-', 'NAMING', extended('file', 'own-ext', { own: 1 })),
  must('11.3.1', 'a custom extension has a property', 'EMPTY_OBJECT', extended('file', 'x-own-ext', {})),
  must(
    '11.3.1>3.1',
    'names of its properties are property names',
    'INVALID_NAME',
    extended('file', 'x-own-ext', { Own: 1 }),
  ),
]
