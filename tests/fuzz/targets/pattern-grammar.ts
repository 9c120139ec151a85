// Patterns from the grammar of STIX section 9, and observations that they may match.
import type { JsonObject } from '#base'
import { ODD_TIMES } from '../mutate/odd-values.ts'
import type { Random } from '../random.ts'

const PATHS: Readonly<Record<string, readonly string[]>> = {
  file: [
    'name',
    'size',
    'hashes.MD5',
    "hashes.'SHA-256'",
    'parent_directory_ref.path',
    'x_list[*]',
    'x_list[0]',
    'ctime',
    'name_hex',
  ],
  'ipv4-addr': ['value', 'resolves_to_refs[*].value', "'value'"],
  'network-traffic': [
    'dst_port',
    'dst_ref.value',
    'protocols[*]',
    'is_active',
    "extensions.'http-request-ext'.request_method",
  ],
  process: ['pid', 'command_line', 'x_nested.a[*].b', 'payload_bin'],
}
const TYPES = Object.keys(PATHS)
const TEXTS = [
  'a',
  'b',
  'A',
  'ab',
  '',
  '%',
  'a%',
  '_b',
  '192.0.2.1',
  '192.0.2.0/24',
  '::1',
  'é',
  'e\u0301',
  'x\\y',
  "it's",
  '😀',
]
const REGEXES = ['a', '^a.b$', '(a|b)*c', '[', '(?i)A', 'a{2,3}', '\\\\d+', '(?=a)', '\\\\pL', '.{1000}', '^$']

const SOUND_REGEXES = ['a', '^a', '(a|b)*', 'a{1,2}', '.']

const quoted = (text: string) => `'${text.replaceAll(/['\\]/g, String.raw`\$&`)}'`

/** Whether anything that the grammar allows may stand there, or only what can be compared and matched. */
type Style = 'any' | 'sound'

function constant(random: Random, style: Style): string {
  if (style === 'sound') return random.pick(['0', '1', '2', '10', '1.5', 'true', "'a'", "'ab'", "'192.0.2.1'"])
  switch (random.below(9)) {
    case 0:
      return random.pick(['0', '1', '-1', '2', '10', '443', '+5', '9007199254740993', '123456789012345678901234567890'])
    case 1:
      return random.pick(['1.5', '.5', '-0.0', '1.0', '0.1', '2.50'])
    case 2:
      return random.pick(['true', 'false'])
    case 3:
      return `t'${random.pick(ODD_TIMES)}'`
    case 4:
      return `h'${random.word('0123456789abcdefAB', 0, 6)}'`
    case 5:
      return `b'${Buffer.from(random.word('abc', 0, 5)).toString('base64')}'`
    default:
      return quoted(random.pick(TEXTS))
  }
}

/** Between `[` and `]`. */
function comparison(random: Random, depth: number, types: readonly string[], style: Style): string {
  if (depth > 0 && random.once(2)) {
    const word = random.pick([' AND ', ' OR '])
    const parts = Array.from({ length: random.between(2, 3) }, () => {
      const inner = comparison(random, depth - 1, types, style)
      return random.once(2) ? `(${inner})` : inner
    })
    return parts.join(word)
  }
  const type = random.pick(types)
  const path = `${type}:${random.pick(PATHS[type] ?? ['value'])}`
  if (random.once(style === 'sound' ? 3 : 8)) return `EXISTS ${path}`
  const not = random.once(4) ? 'NOT ' : ''
  switch (random.below(8)) {
    case 0:
      return `${path} ${not}IN (${Array.from({ length: random.below(4) }, () => constant(random, style)).join(', ')})`
    case 1:
      return `${path} ${not}LIKE ${quoted(random.pick(TEXTS))}`
    case 2:
      return `${path} ${not}MATCHES '${random.pick(style === 'sound' ? SOUND_REGEXES : REGEXES)}'`
    case 3:
      return `${path} ${not}${random.pick(['ISSUBSET', 'ISSUPERSET'])} ${quoted(random.pick(TEXTS))}`
    default:
      return `${path} ${not}${random.pick(['=', '=', '!=', '<', '<=', '>', '>=', '==', '<>'])} ${constant(random, style)}`
  }
}

function observation(random: Random, depth: number, style: Style): string {
  let text: string
  if (depth > 0 && random.once(2)) {
    const word = random.pick([' AND ', ' OR ', ' FOLLOWEDBY '])
    text = `(${Array.from({ length: random.between(2, 3) }, () => observation(random, depth - 1, style)).join(word)})`
  } else {
    const types = random.once(3) ? TYPES : [random.pick(TYPES)]
    text = `[${comparison(random, 2, types, style)}]`
  }
  if (random.once(5))
    text += ` WITHIN ${random.pick(style === 'sound' ? ['1', '2', '4'] : ['1', '5', '0.5', '300', '0'])} SECONDS`
  if (random.once(5))
    text += ` REPEATS ${random.pick(style === 'sound' ? ['1', '2', '3'] : ['1', '2', '3', '0'])} TIMES`
  if (random.once(style === 'sound' ? 4 : 8))
    text += ` START t'${style === 'sound' ? at(random.below(4)) : random.pick(ODD_TIMES)}' STOP t'${at(4 + random.below(3))}'`
  return text
}

/** The text of a pattern; few have a fault. */
export const patternText = (random: Random, style: Style = 'any'): string => {
  const text = observation(random, random.pick([0, 0, 1, 2]), style)
  return random.once(10) ? text.replaceAll(' ', () => random.pick(['\n', '\t ', ' /* c */ ', ' //c\n'])) : text
}

/** Words that mean something in patterns. */
export const PATTERN_WORDS: readonly string[] = [
  ...'AND OR NOT FOLLOWEDBY LIKE MATCHES ISSUPERSET ISSUBSET EXISTS LAST IN START STOP SECONDS TRUE true false'.split(
    ' ',
  ),
  ..."WITHIN REPEATS TIMES = != <> < <= > >= == : . , ( ) [ ] [*] [0] /* */ // t' h' b' ' \\ \\' file:name = 'a'".split(
    ' ',
  ),
  "[file:name = 'a']",
  ' AND ',
  ' OR ',
]

/** Whole patterns to begin with. */
export const PATTERN_SEEDS: readonly string[] = [
  "[file:hashes.'SHA-256' = 'fe90a7e910cb3a4739bed9180e807e93fa70c90f25a8915476f5e4bfbac681db']",
  "([ipv4-addr:value ISSUBSET '198.51.100.0/24'] FOLLOWEDBY [network-traffic:dst_ref.value = '203.0.113.1']) WITHIN 300 SECONDS",
  "[process:command_line MATCHES '^.*portproxy.*$' AND NOT_A:b IN ('a','b')] REPEATS 5 TIMES",
  "[file:name LIKE '%.exe' OR (file:size > 10 AND file:ctime < t'2026-01-01T00:00:00Z')] START t'2026-01-01T00:00:00Z' STOP t'2026-01-02T00:00:00Z'",
  "[EXISTS file:x_list[*].y /* comment */ AND file:name_hex = h'0aFF' AND process:payload_bin != b'AAEC'] // end",
]

const at = (second: number) => new Date(Date.UTC(2026, 0, 1) + second * 1_000).toISOString()
const VALUES = [
  ...TEXTS,
  'a',
  'a',
  'ab',
  1,
  1,
  0,
  1,
  2,
  10,
  1.5,
  -1,
  true,
  false,
  null,
  '0aff',
  'AAEC',
  '2026-01-01T00:00:00Z',
  'nonsense',
]

function sco(random: Random, number: number): JsonObject {
  const type = random.pick(TYPES)
  const value = () => random.pick(VALUES)
  const object: JsonObject = { type, id: `${type}--${number}` }
  for (const name of [
    'name',
    'size',
    'value',
    'dst_port',
    'pid',
    'command_line',
    'ctime',
    'name_hex',
    'payload_bin',
    'is_active',
  ])
    if (random.once(2)) object[name] = value()
  if (random.once(3)) object['hashes'] = { MD5: value(), 'SHA-256': value() }
  if (random.once(3)) object['x_list'] = [value(), value()]
  if (random.once(4)) object['x_nested'] = { a: [{ b: value() }, { b: value() }, 1] }
  if (random.once(3)) object['protocols'] = ['tcp', value()]
  for (const name of ['parent_directory_ref', 'dst_ref'])
    if (random.once(4)) object[name] = `ipv4-addr--${random.below(6)}`
  if (random.once(4)) object['resolves_to_refs'] = [`file--${random.below(6)}`, `ipv4-addr--${random.below(6)}`]
  return object
}

/** A bundle of some observations, so close in time that the qualifiers decide. */
export function observedBundle(random: Random): JsonObject {
  const scos = Array.from({ length: random.between(1, 6) }, (_, number) => sco(random, number))
  const observations = Array.from({ length: random.between(1, 4) }, (_, number): JsonObject => {
    const first = random.below(6)
    return {
      type: 'observed-data',
      id: `observed-data--${number}`,
      first_observed: at(first),
      last_observed: at(first + random.pick([0, 0, 0, 2])),
      number_observed: random.pick([1, 1, 2]),
      object_refs: scos.filter(() => random.once(2)).map(({ id }) => id ?? null),
    }
  })
  return { type: 'bundle', id: 'bundle--1', objects: [...observations, ...scos] }
}
