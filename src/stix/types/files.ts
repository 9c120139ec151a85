import type { DataType, Property, Rule, StructDefinition } from '../engine/data-type.ts'
import {
  BOOLEAN,
  COUNT,
  dictionaryOf,
  either,
  enumeration,
  FLOAT,
  form,
  HASHES,
  HEX,
  INTEGER,
  listOf,
  optional,
  reference,
  references,
  required,
  STRING,
  struct,
  TIMESTAMP,
  vocabulary,
} from '../engine/data-type.ts'
import type { RuleCheck } from '../engine/data-type.ts'
import type { ObjectDefinition } from '../engine/object.ts'
import { isCharacterSet } from './character-sets.ts'
import { URL_FORM } from './structures.ts'

/** Top-level types are few and stable; of subtypes the specification lets others stand than the registered ones. */
const MIME_TYPE =
  /^(?:application|audio|example|font|haptics|image|message|model|multipart|text|video)\/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}$/i
const CHARACTER_SET: DataType = form(
  'a preferred MIME name, or else a name, of the IANA character set registry',
  '3.9.1',
  isCharacterSet,
)

const adviseMimeType: RuleCheck = (object, sink, section) => {
  const mimeType = object['mime_type']
  if (sink.strict && typeof mimeType === 'string' && !MIME_TYPE.test(mimeType))
    sink.advise('INVALID_VALUE', 'should be an IANA media type', section, 'mime_type')
}

const each = (type: Property, names: string) => Object.fromEntries(names.split(/\s+/).map((name) => [name, type]))
const anyOf = (properties: object): Rule => ({ rule: 'at-least-one', of: Object.keys(properties) })

const ntfs = {
  sid: optional(STRING),
  alternate_data_streams: optional(
    listOf(
      struct({
        name: 'alternate-data-stream-type',
        section: '6.7.3',
        properties: { name: required(STRING), hashes: optional(HASHES), size: optional(COUNT) },
      }),
    ),
  ),
}

const pdf = {
  version: optional(STRING),
  is_optimized: optional(BOOLEAN),
  document_info_dict: optional(dictionaryOf(STRING)),
  pdfid0: optional(STRING),
  pdfid1: optional(STRING),
}

const raster = {
  image_height: optional(INTEGER),
  image_width: optional(INTEGER),
  bits_per_pixel: optional(INTEGER),
  exif_tags: optional(dictionaryOf(either('an integer or a string', INTEGER, STRING))),
}

const optionalHeader = {
  ...each(
    optional(HEX),
    `magic_hex win32_version_value_hex checksum_hex subsystem_hex dll_characteristics_hex loader_flags_hex`,
  ),
  ...each(
    optional(INTEGER),
    `major_linker_version minor_linker_version address_of_entry_point base_of_code base_of_data image_base
     section_alignment file_alignment major_os_version minor_os_version major_image_version minor_image_version
     major_subsystem_version minor_subsystem_version number_of_rva_and_sizes`,
  ),
  ...each(
    optional(COUNT),
    `size_of_code size_of_initialized_data size_of_uninitialized_data size_of_image size_of_headers
     size_of_stack_reserve size_of_stack_commit size_of_heap_reserve size_of_heap_commit`,
  ),
  hashes: optional(HASHES),
}

const pebinary = {
  imphash: optional(STRING),
  machine_hex: optional(HEX),
  number_of_sections: optional(COUNT),
  time_date_stamp: optional({ kind: 'timestamp', precision: 'seconds' } as const),
  pointer_to_symbol_table_hex: optional(HEX),
  number_of_symbols: optional(COUNT),
  size_of_optional_header: optional(COUNT),
  characteristics_hex: optional(HEX),
  file_header_hashes: optional(HASHES),
  optional_header: optional(
    struct({
      name: 'windows-pe-optional-header-type',
      section: '6.7.6',
      properties: optionalHeader,
      rules: [anyOf(optionalHeader)],
    }),
  ),
  sections: optional(
    listOf(
      struct({
        name: 'windows-pe-section-type',
        section: '6.7.6',
        properties: {
          name: required(STRING),
          size: optional(COUNT),
          entropy: optional(FLOAT),
          hashes: optional(HASHES),
        },
      }),
    ),
  ),
}

const FILE_EXTENSIONS: Readonly<Record<string, StructDefinition>> = {
  'archive-ext': {
    name: 'archive-ext',
    section: '6.7.2',
    properties: { contains_refs: required(references(['file', 'directory'])), comment: optional(STRING) },
  },
  'ntfs-ext': { name: 'ntfs-ext', section: '6.7.3', properties: ntfs, rules: [anyOf(ntfs)] },
  'pdf-ext': { name: 'pdf-ext', section: '6.7.4', properties: pdf, rules: [anyOf(pdf)] },
  'raster-image-ext': { name: 'raster-image-ext', section: '6.7.5', properties: raster, rules: [anyOf(raster)] },
  'windows-pebinary-ext': {
    name: 'windows-pebinary-ext',
    section: '6.7.6',
    properties: { pe_type: required(vocabulary('windows-pebinary-type-ov')), ...pebinary },
    rules: [anyOf(pebinary)],
  },
}

const times = { ctime: optional(TIMESTAMP), mtime: optional(TIMESTAMP), atime: optional(TIMESTAMP) }

/** Files, directories and their contents. @see STIX 6 */
export const FILE_TYPES: readonly ObjectDefinition[] = [
  {
    type: 'artifact',
    kind: 'sco',
    section: '6.1',
    properties: {
      mime_type: optional(STRING),
      payload_bin: optional({ kind: 'binary' }),
      url: optional(URL_FORM),
      hashes: optional(HASHES),
      encryption_algorithm: optional(enumeration('encryption-algorithm-enum')),
      decryption_key: optional(STRING),
    },
    rules: [
      { rule: 'at-least-one', of: ['payload_bin', 'url'] },
      { rule: 'not-both', of: ['payload_bin', 'url'] },
      { rule: 'requires', property: 'url', needs: ['hashes'] },
      { rule: 'requires', property: 'decryption_key', needs: ['encryption_algorithm'] },
      { rule: 'code', check: adviseMimeType },
    ],
  },
  {
    type: 'directory',
    kind: 'sco',
    section: '6.3',
    properties: {
      path: required(STRING),
      path_enc: optional(CHARACTER_SET),
      ...times,
      contains_refs: optional(references(['file', 'directory'])),
    },
  },
  {
    type: 'file',
    kind: 'sco',
    section: '6.7',
    properties: {
      hashes: optional(HASHES),
      size: optional(COUNT),
      name: optional(STRING),
      name_enc: optional(CHARACTER_SET),
      magic_number_hex: optional(HEX),
      mime_type: optional(STRING),
      ...times,
      parent_directory_ref: optional(reference(['directory'])),
      contains_refs: optional(references('sco')),
      content_ref: optional(reference(['artifact'])),
    },
    rules: [
      { rule: 'at-least-one', of: ['hashes', 'name'] },
      { rule: 'requires', property: 'name_enc', needs: ['name'] },
      { rule: 'code', check: adviseMimeType },
    ],
    extensions: FILE_EXTENSIONS,
  },
]
