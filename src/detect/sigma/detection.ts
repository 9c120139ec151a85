import { RE2JS } from 're2js'
import type { Json, JsonObject } from '#base'
import { toNetwork } from '../atoms/address.ts'
import { DetectError } from '../error.ts'
import { isObject } from '../event.ts'
import type { Form, Match, Test } from './test.ts'
import { ANY_RUN, parseTokens, plainText, type Token, withDashes } from './value.ts'

const VALUES_MAX = 10_000
const REGEX_MAX = 4_096
const FORMS = new Set<string>(['contains', 'startswith', 'endswith'])
const COMPARISONS = new Set<string>(['lt', 'lte', 'gt', 'gte'])
const ENCODINGS = new Set<string>(['wide', 'utf16le', 'utf16be', 'utf16', 'base64', 'base64offset', 'windash'])
const REGEX_FLAGS: Record<string, number> = {
  i: RE2JS.CASE_INSENSITIVE,
  ignorecase: RE2JS.CASE_INSENSITIVE,
  m: RE2JS.MULTILINE,
  multiline: RE2JS.MULTILINE,
  s: RE2JS.DOTALL,
  dotall: RE2JS.DOTALL,
}

/**
 * Reads one named detection: a map (all keys), a list of maps (any), or a list of keywords (any).
 * @throws DetectError SIGMA_STRUCTURE, SIGMA_MODIFIER, SIGMA_VALUE, SIGMA_REGEX, SIGMA_EXPAND
 */
export function parseDetection(name: string, value: Json): Test {
  if (isObject(value)) return parseMap(name, value)
  const items = Array.isArray(value) ? value : [value]
  if (items.length === 0) throw new DetectError('SIGMA_STRUCTURE', `Detection "${name}" is empty.`)
  return any(items.map((item) => (isObject(item) ? parseMap(name, item) : parseItem(name, '', item))))
}

function parseMap(name: string, map: JsonObject): Test {
  const parts = Object.entries(map).map(([key, value]) => parseItem(name, key, value))
  if (parts.length === 0) throw new DetectError('SIGMA_STRUCTURE', `Detection "${name}" is an empty map.`)
  return all(parts)
}

/** What the modifiers of one key ask for, in their order. */
interface Modifiers {
  field: string | undefined
  where: string
  form: Form
  all: boolean
  cased: boolean
  regexFlags: number
  special: 're' | 'cidr' | 'compare' | 'exists' | 'fieldref' | undefined
  comparison: 'lt' | 'lte' | 'gt' | 'gte'
  encodings: string[]
}

function parseItem(name: string, key: string, value: Json): Test {
  const modifiers = parseModifiers(name, key)
  const values = Array.isArray(value) ? value : [value]
  if (values.length === 0 || values.length > VALUES_MAX)
    throw new DetectError(
      'SIGMA_VALUE',
      `${modifiers.where} has ${values.length} values; 1 to ${VALUES_MAX} are allowed.`,
    )
  const tests = values.map((item) => {
    if (typeof item === 'object' && item !== null)
      throw new DetectError('SIGMA_STRUCTURE', `${modifiers.where} has a nested list or map as its value.`)
    const matches = toMatches(modifiers, item)
    return any(matches.map((match): Test => ({ op: 'match', field: modifiers.field, match })))
  })
  return modifiers.all ? all(tests) : any(tests)
}

function parseModifiers(name: string, key: string): Modifiers {
  const [field = '', ...words] = key.split('|')
  const where = `Detection "${name}", "${key}"`
  const found: Modifiers = {
    field: field === '' ? undefined : field,
    where,
    form: field === '' ? 'contains' : 'equals',
    all: false,
    cased: false,
    regexFlags: 0,
    special: undefined,
    comparison: 'lt',
    encodings: [],
  }
  const setSpecial = (special: NonNullable<Modifiers['special']>) => {
    if (found.special || found.encodings.length > 0)
      throw new DetectError('SIGMA_MODIFIER', `${where}: the modifiers can't be combined.`)
    found.special = special
  }
  for (const word of words) {
    if (FORMS.has(word)) found.form = word as Form
    else if (word === 'all') found.all = true
    else if (word === 'cased') found.cased = true
    else if (word === 'expand')
      throw new DetectError(
        'SIGMA_EXPAND',
        `${where}: "expand" needs values of the operator's own; fill them in first.`,
      )
    else if (word === 're' || word === 'cidr' || word === 'exists' || word === 'fieldref') setSpecial(word)
    else if (COMPARISONS.has(word)) {
      setSpecial('compare')
      found.comparison = word as Modifiers['comparison']
    } else if (found.special === 're' && REGEX_FLAGS[word] !== undefined) found.regexFlags |= REGEX_FLAGS[word]
    else if (ENCODINGS.has(word) && !found.special) found.encodings.push(word)
    else throw new DetectError('SIGMA_MODIFIER', `${where}: the modifier "${word}" is not supported here.`)
  }
  checkCombination(found, words)
  return found
}

function checkCombination(found: Modifiers, words: readonly string[]): void {
  const refuse = (what: string) => {
    throw new DetectError('SIGMA_MODIFIER', `${found.where}: ${what}`)
  }
  const forms = words.filter((word) => FORMS.has(word)).length
  if (forms > 1) refuse('more than one of contains, startswith and endswith.')
  const { special, field } = found
  if (special && special !== 'fieldref' && (forms > 0 || found.cased)) refuse(`"${special}" stands without a form.`)
  if (!field && special && special !== 're') refuse(`"${special}" needs a field.`)
  if (!field && forms > 0 && found.form !== 'contains') refuse('keywords have no beginning or end.')
  const base64 = found.encodings.findIndex((word) => word.startsWith('base64'))
  if (base64 >= 0 && base64 !== found.encodings.length - 1) refuse('base64 comes after all other encodings.')
  if (found.encodings.at(-1) === 'base64offset' && found.form !== 'contains') refuse('base64offset needs "contains".')
}

function toMatches(modifiers: Modifiers, value: string | number | boolean | null): Match[] {
  const { special, where, cased } = modifiers
  if (special === 'exists') return [{ kind: 'exists', wanted: toBoolean(where, value) }]
  if (value === null) {
    if (special || modifiers.encodings.length > 0 || modifiers.form !== 'equals')
      throw new DetectError('SIGMA_VALUE', `${where}: null can't be combined with modifiers or keywords.`)
    return [{ kind: 'null' }]
  }
  const text = String(value)
  switch (special) {
    case 're':
      return [toRegex(where, text, modifiers.regexFlags)]
    case 'cidr': {
      const network = toNetwork(text)
      if (!network) throw new DetectError('SIGMA_VALUE', `${where}: "${text}" is not an address range.`)
      return [{ kind: 'network', network }]
    }
    case 'compare': {
      const number = text.trim() === '' ? NaN : Number(text)
      if (Number.isNaN(number)) throw new DetectError('SIGMA_VALUE', `${where}: "${text}" is not a number.`)
      return [{ kind: 'compare', operator: modifiers.comparison, number }]
    }
    case 'fieldref':
      return [{ kind: 'field', other: text, form: modifiers.form, cased }]
    case undefined:
      return encode(modifiers, parseTokens(text)).map((tokens) => ({
        kind: 'text',
        cased,
        tokens: inForm(cased ? tokens : tokens.map(toLower), modifiers.form),
      }))
  }
}

const toLower = (token: Token): Token => (typeof token === 'string' ? token.toLowerCase() : token)

function inForm(tokens: readonly Token[], form: Form): Token[] {
  const open = form === 'contains' || form === 'endswith'
  const shut = form === 'contains' || form === 'startswith'
  const list = [...tokens]
  if (open && list[0] !== ANY_RUN) list.unshift(ANY_RUN)
  if (shut && (list.at(-1) !== ANY_RUN || list.length === 0)) list.push(ANY_RUN)
  return list
}

function encode({ encodings, where }: Modifiers, tokens: Token[]): Token[][] {
  let forms: Token[][] = [tokens]
  for (const encoding of encodings) {
    if (encoding === 'windash') forms = forms.map(withDashes)
    else
      forms = forms.flatMap((form) => {
        const plain = plainText(form)
        if (plain === undefined)
          throw new DetectError('SIGMA_VALUE', `${where}: "${encoding}" takes a value without wildcards.`)
        return encodeText(encoding, plain).map((text) => [text])
      })
  }
  return forms
}

/** Encoded forms of a text. Bytes are kept as characters 0–255 between encodings. */
function encodeText(encoding: string, plain: string): string[] {
  const bytes = (text: string) => Buffer.from(text, hasWide(text) ? 'latin1' : 'utf8')
  switch (encoding) {
    case 'wide':
    case 'utf16le':
      return [Buffer.from(plain, 'utf16le').toString('latin1')]
    case 'utf16be':
      return [Buffer.from(plain, 'utf16le').swap16().toString('latin1')]
    case 'utf16':
      return [`\u00ff\u00fe${Buffer.from(plain, 'utf16le').toString('latin1')}`]
    case 'base64':
      return [bytes(plain).toString('base64')]
    default:
      return [0, 1, 2].map((offset) => atOffset(bytes(plain), offset))
  }
}

/** Text that `wide` and its relatives made: it holds NUL. */
const hasWide = (text: string): boolean => text.includes('\0')

/** The characters of base64 that depend on `bytes` alone when `offset` unknown bytes come before them. */
function atOffset(bytes: Buffer, offset: number): string {
  const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64')
  const start = [0, 2, 3][offset]!
  const rest = (bytes.length + offset) % 3
  return text.slice(start, text.length - [0, 3, 2][rest]!)
}

function toRegex(where: string, source: string, flags: number): Match {
  if (source.length > REGEX_MAX)
    throw new DetectError(
      'SIGMA_REGEX',
      `${where}: an expression of ${source.length} characters; the limit is ${REGEX_MAX}.`,
    )
  try {
    const compiled = RE2JS.compile(source, flags)
    return { kind: 'regex', source, test: (text) => compiled.test(text) }
  } catch (cause) {
    throw new DetectError(
      'SIGMA_REGEX',
      `${where}: /${source}/ does not compile without backtracking: ${String(cause)}`,
      { cause },
    )
  }
}

function toBoolean(where: string, value: Json): boolean {
  if (value === true || value === 'true' || value === 'yes') return true
  if (value === false || value === 'false' || value === 'no') return false
  throw new DetectError('SIGMA_VALUE', `${where}: "exists" takes true or false.`)
}

const any = (parts: readonly Test[]): Test => (parts.length === 1 ? parts[0]! : { op: 'or', parts })
const all = (parts: readonly Test[]): Test => (parts.length === 1 ? parts[0]! : { op: 'and', parts })
