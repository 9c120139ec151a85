// The stream reader, the cutter of submissions, the validator, and the forms of addresses and names.
import { BlockList, isIPv4, isIPv6 } from 'node:net'
import { isJsonObject, type Json, JsonError, type JsonObject, NoroshiError, parseJson } from '#base'
import { BundleReader, contains, parseNetwork, StixError, type StreamItem, validateObject } from '#stix'
import { NodeError } from '../../../src/node/errors.ts'
import { envelopeOf, objectsOf } from '../../../src/node/raw-objects.ts'
import { SAMPLES } from '../../../src/stix/sample-objects.ts'
import { isLanguageTag } from '../../../src/stix/engine/language-tag.ts'
import { isDomainName, isEmailAddress, isIpv4, isIpv6, isMac } from '../../../src/stix/types/address-forms.ts'
import { isCpe } from '../../../src/stix/types/cpe.ts'
import type { Random } from '../random.ts'
import { attempt, chunksOf, jsonOf, must, mustEqual, randomOf, type Target, textOf } from '../target.ts'

const samples: JsonObject[] = Object.values(SAMPLES)
const ID = 'bundle--0c7b5b88-8ff7-4a4d-aa9d-000000000001'
const bundle = (objects: Json[]): JsonObject => ({ type: 'bundle', id: ID, objects })
const [first = {}, second = {}] = samples
const SMALL = { maxObjectBytes: 300, maxDepth: 8 }
const STREAM_SEEDS = [
  bundle([first, second]),
  { objects: [{ type: 'a', id: 'a--1' }, { x: [[]] }], type: 'bundle' },
  [first, second],
  `${JSON.stringify(first)}\n${JSON.stringify(second)}\n`,
  `${JSON.stringify(bundle([{ type: 'a' }]))}{"type":"b"}\n[{"type":"c"},{"type":"d"}] 12 "x\\"" nul\n`,
  '{"type":"report","objects":[1,{"objects":[]}]}',
  '{"\\u006fbjects":[{"a":"]}"}],"type":"bundle","x":{"y":"{["}}',
  '\ufeff{"type":"a"}',
]

export const bundleReader: Target = {
  name: 'bundle-reader',
  weight: 0.7,
  shape: 'json',
  words: [
    '"objects"',
    '"type"',
    '"bundle"',
    'objects',
    'type',
    'bundle',
    ':',
    ',',
    '[',
    ']',
    '{',
    '}',
    '"',
    '\\',
    '\n',
  ],
  seeds: STREAM_SEEDS,
  run: (input) => {
    const random = randomOf(input)
    const limits = random.once(3) ? SMALL : {}
    const whole = streamed([input], limits)
    mustEqual(streamed(chunksOf(input, random), limits), whole, 'the result does not depend on the chunks')
    must(whole.length <= input.length + 1, 'no more comes out than goes in', whole.length)
    for (const item of whole)
      if (item.kind === 'object') mustEqual(parseBytes(item.bytes), item.value, 'bytes and value')
    if (limits !== SMALL) againstWhole(input, whole)
    return whole
      .map((item) => (item.kind === 'fault' ? item.error.code : item.kind))
      .slice(0, 6)
      .join(' ')
  },
}

/** Everything a reader answers, errors as code and message. */
function streamed(chunks: readonly Uint8Array[], limits: object): StreamItem[] {
  const reader = new BundleReader(limits)
  const items = chunks.flatMap((chunk) => {
    const found = reader.push(chunk)
    // The caller may use the memory again.
    if (chunks.length > 1) chunk.fill(0x20)
    return found
  })
  items.push(...reader.end())
  for (const item of items)
    if (item.kind === 'fault') must(item.error instanceof NoroshiError, 'a fault has a code', item.error)
  return items.map((item) => {
    if (item.kind === 'fault')
      return { ...item, error: { code: item.error.code, message: item.error.message } as NoroshiError }
    // Of one kind, whatever kind of bytes the chunk was.
    return item.kind === 'object' ? { ...item, bytes: Uint8Array.from(item.bytes) } : item
  })
}

const parseBytes = (bytes: Uint8Array): Json => parseJson(bytes, { maxBytes: bytes.length + 1, maxDepth: 100 })

/** A bundle that strict JSON reads as a whole gives its objects, all of them and in order. */
function againstWhole(input: Uint8Array, items: readonly StreamItem[]): void {
  const whole = attempt(() => parseJson(input), JsonError)
  if (!whole.ok || !isJsonObject(whole.value)) return
  const { type, objects } = whole.value
  if (type !== 'bundle' || !Array.isArray(objects)) return
  mustEqual(
    items.flatMap((item) => (item.kind === 'object' ? [item.value] : [])),
    objects,
    'the objects of a bundle come out, all and in order',
  )
}

export const rawObjects: Target = {
  name: 'raw-objects',
  weight: 0.7,
  shape: 'json',
  words: [
    'objects',
    'bundle',
    'tlp',
    'to',
    'drill',
    'dryRun',
    'type',
    '{"objects":[',
    '"bundle":{"objects":[',
    ']}',
    '\n',
  ],
  seeds: [
    ...STREAM_SEEDS,
    { objects: [first], tlp: 'amber', to: ['alliance:a'] },
    { bundle: bundle([first]), dryRun: true },
  ],
  run: (input) => {
    const cut = attempt(() => atOnce(objectsOf(input)), JsonError, NodeError, StixError)
    const envelope = attempt(() => atOnce(envelopeOf(input)), NodeError)
    for (const item of (envelope.ok ? envelope.value : undefined) ?? [])
      if ('bytes' in item)
        mustEqual(JSON.parse(textOf(item.bytes)), item.value, 'an object of an envelope keeps its text')
    if (!cut.ok) return `${cut.word} ${envelope.word}`
    for (const { bytes, value } of cut.value.objects) {
      must(Buffer.from(input).includes(Buffer.from(bytes)), 'an object is a piece of the submission')
      mustEqual(JSON.parse(textOf(bytes)), value, 'an object keeps its own text')
    }
    againstReader(
      input,
      cut.value.objects.map(({ value }) => value),
    )
    return `read ${Math.min(4, cut.value.objects.length)} ${envelope.word}`
  },
}

function atOnce<T>(steps: Generator<undefined, T, undefined>): T {
  for (;;) {
    const { done, value } = steps.next()
    if (done) return value
  }
}

/** A bundle is cut as the stream reader cuts it. */
function againstReader(input: Uint8Array, values: readonly Json[]): void {
  const whole = attempt(() => parseJson(input), JsonError)
  if (!whole.ok || !isJsonObject(whole.value)) return
  const { type, objects } = whole.value
  if (type !== 'bundle' || !Array.isArray(objects)) return
  const isEmptyBundle = (value: Json) => isJsonObject(value) && value['type'] === 'bundle'
  const items = streamed([input], {}).flatMap((item) =>
    item.kind === 'object' && !isEmptyBundle(item.value) ? [item.value] : [],
  )
  mustEqual(values, items, 'both readers of bundles find the same objects')
}

const TYPES = Object.keys(SAMPLES)
const VALIDATE_WORDS = [
  ...TYPES,
  ...new Set(samples.flatMap((sample) => Object.keys(sample))),
  'marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb',
  'extension-definition--d83fce45-ef58-4c6c-a3f4-1fbc32e98c6e',
  'property-extension',
  'toplevel-property-extension',
  'new-sdo',
  'MD5',
  'SHA-256',
  'objects',
  'x_custom',
  'a b',
]

export const validate: Target = {
  name: 'validate',
  shape: 'json',
  words: VALIDATE_WORDS,
  seeds: [...samples, bundle(samples.slice(0, 4)), bundle(samples.slice(20, 24))],
  run: (input) => {
    const value = jsonOf(input) as Json | undefined
    if (value === undefined) return 'no JSON'
    const before = JSON.stringify(value)
    const report = validateObject(value)
    const strict = validateObject(value, { strict: true })
    mustEqual(strict.errors, report.errors, 'strict adds warnings and changes no error')
    mustEqual(report.warnings.length, 0, 'without strict there are no warnings')
    mustEqual(report.valid, report.errors.length === 0, 'valid means no error')
    mustEqual(JSON.stringify(value), before, 'validation changes nothing')
    mustEqual(validateObject(value), report, 'the same object gets the same report')
    for (const { code, path, message, section } of [...strict.errors, ...strict.warnings])
      must(
        code !== undefined && typeof path === 'string' && message !== '' && section !== '',
        'a finding is complete',
        code,
      )
    if (isJsonObject(value))
      sameInAnyOrder(
        value,
        report.errors.map(({ code, path }) => `${code} ${path}`),
      )
    return `${report.type === undefined || !TYPES.includes(report.type) ? '?' : report.type} ${report.errors[0]?.code ?? 'valid'}`
  },
}

/** Errors beyond which the list is cut, so that order decides which are in it. */
const FEW_ERRORS = 20
function sameInAnyOrder(value: JsonObject, errors: string[]): void {
  if (errors.length > FEW_ERRORS) return
  const turned = Object.fromEntries(Object.entries(value).toReversed())
  const found = validateObject(turned).errors.map(({ code, path }) => `${code} ${path}`)
  mustEqual(found.sort(), errors.sort(), 'the order of properties changes no error')
}

export const forms: Target = {
  name: 'address-forms',
  weight: 3,
  shape: 'text',
  maxBytes: 4_000,
  words: [
    '.',
    ':',
    '::',
    '/',
    '0',
    '255',
    '256',
    '32',
    '128',
    '129',
    'ffff',
    '%eth0',
    'x-',
    '-',
    '*',
    '\\:',
    'cpe:2.3:a',
    '@',
  ],
  seeds: [
    '192.0.2.1',
    '192.0.2.256',
    '192.0.2.0/33',
    '1.2.3.4.5',
    '192.0.2.0/24',
    '2001:db8::1',
    '::ffff:192.0.2.1',
    '1:2:3:4:5:6:7:8/64',
    '::',
    'fe80::1%eth0',
    'de-DE-u-co-phonebk-x-private',
    'zh-cmn-Hans-CN',
    'i-klingon',
    'cpe:2.3:a:microsoft:word:2000:*:*:*:*:*:*:*',
    'cpe:2.3:o:vendor:prod\\:x:-:*:*:*:*:*:*:*',
    'user@example.com',
    '"quoted name"@[192.0.2.1]',
    'xn--bcher-kva.example',
    '_dmarc.example.com.',
    'd2:fb:49:24:37:18',
  ],
  make: (random) => {
    const group = () => (random.once(6) ? random.word('0123456789.', 1, 15) : random.word('0123456789abcdefF', 0, 5))
    const parts = Array.from({ length: random.between(1, 10) }, group)
    return parts.join(random.pick([':', '::', '.', ':', ':'])) + (random.once(3) ? `/${random.below(140)}` : '')
  },
  run: (input) => {
    const text = textOf(input)
    const [address = '', prefix] = text.split('/')
    const isPlain = prefix === undefined
    const version = isIPv4(address) ? 4 : isIPv6(address) && !address.includes('%') ? 6 : 0
    if (isPlain) {
      mustEqual(parseNetwork(text) !== undefined, version !== 0, 'an address is one for Node too')
      if (version === 4) must(isIpv4(text), 'an IPv4 address has its form', text)
      if (version === 6) must(isIpv6(text), 'an IPv6 address has its form', text)
      if (isIpv6(text)) mustEqual(version, 6, 'what has the form of an IPv6 address is one')
    }
    const network = parseNetwork(text)
    if (network && version !== 0) againstBlockList(address, network.prefix, version, randomOf(input))
    return [isLanguageTag, isCpe, isMac, isDomainName, isEmailAddress, isIpv4, isIpv6]
      .map((is) => Number(is(text)))
      .concat(version)
      .join('')
  },
}

function againstBlockList(address: string, prefix: number, version: 4 | 6, random: Random): void {
  const list = new BlockList()
  const family = version === 4 ? 'ipv4' : 'ipv6'
  list.addSubnet(address, prefix, family)
  const near =
    version === 4
      ? address.replace(/\d+$/, String(random.below(256)))
      : address.replace(/[^:]*$/, () => random.word('0123456789abcdef', 1, 4))
  const [outer, inner] = [parseNetwork(`${address}/${prefix}`), parseNetwork(near)]
  if (!outer || !inner) return
  // The list takes mapped addresses of both families for one; the pattern language does not.
  if (/^[0:]*:ffff:/i.test(near)) return
  mustEqual(contains(outer, inner), list.check(near, family), `${near} is in ${address}/${prefix}, or is not`)
}
