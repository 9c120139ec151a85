// Markings and decisions, and the files that people write: scenarios and configuration.
import { readFileSync } from 'node:fs'
import { isJsonObject, type Json, JsonError, type JsonObject, parseJson } from '#base'
import { LogError } from '#log'
import { answerDecideVector, combine, NOROSHI_EXTENSION, PolicyError, toMarking } from '#policy'
import { TLP_1_MARKINGS, TLP_2_MARKINGS } from '#stix'
import { DrillError } from '../../../src/drill/error.ts'
import { durationMs, parseScenario } from '../../../src/drill/scenario.ts'
import { parseConfig } from '../../../src/node/config.ts'
import { NodeError } from '../../../src/node/errors.ts'
import { caveat, indicator, tlp } from '../../../src/policy/small-world.ts'
import { attempt, jsonOf, must, mustEqual, type Target, textOf } from '../target.ts'

const definitions = [...TLP_1_MARKINGS, ...TLP_2_MARKINGS]
const own = [
  caveat('a', {
    releasable_to: { nations: ['JP', 'US'], orgs: ['jp'], alliances: ['a'], sectors: ['energy'], kinds: ['agency'] },
    community: 'a',
  }),
  caveat('b', {
    distribution: ['us'],
    participants: ['us'],
    coauthors: ['ph'],
    embargo_until: '2026-07-01T00:00:00Z',
    consent: 'gov',
  }),
]
const MARKING_WORDS = [
  'releasable_to',
  'nations',
  'orgs',
  'alliances',
  'sectors',
  'kinds',
  'community',
  'distribution',
  'participants',
  'coauthors',
  'embargo_until',
  'consent',
  'none',
  'everyone',
  'tlp',
  'tlp_2_0',
  'definition',
  'definition_type',
  'statement',
  'extensions',
  NOROSHI_EXTENSION,
  'property-extension',
  'extension_type',
]

export const marking: Target = {
  name: 'marking',
  weight: 3,
  shape: 'json',
  words: MARKING_WORDS,
  seeds: [...definitions, ...own, { ...own[0], definition_type: 'statement', definition: { statement: 'x' } }],
  run: (input) => {
    const value = jsonOf(input) as Json | undefined
    if (!isJsonObject(value)) return 'no object'
    const before = JSON.stringify(value)
    const read = toMarking(value)
    mustEqual(JSON.stringify(value), before, 'reading changes nothing')
    mustEqual(toMarking(JSON.parse(before) as JsonObject), read, 'one definition has one meaning')
    if (!read) return 'closed'
    // What is not known to the reader must close the object, wherever it stands.
    const extensions = isJsonObject(value['extensions']) ? value['extensions'] : {}
    mustEqual(
      toMarking({ ...value, extensions: { ...extensions, 'extension-definition--x': {} } }),
      undefined,
      'an unknown extension closes',
    )
    const mine = extensions[NOROSHI_EXTENSION]
    if (isJsonObject(mine)) {
      const more = { ...extensions, [NOROSHI_EXTENSION]: { ...mine, x_unknown: true } }
      mustEqual(toMarking({ ...value, extensions: more }), undefined, 'an unknown caveat closes')
    }
    must(combine !== undefined, 'markings combine')
    return `${read.level ?? '-'} ${Object.keys(read.caveats).sort().join(' ')} ${read.consent ?? ''}`
  },
}

const ORGS = {
  jp: { nation: 'JP', kind: 'national-csirt', sector: 'government' },
  us: { nation: 'US', kind: 'agency', sector: 'government' },
  ph: { nation: 'PH', kind: 'national-csirt', sector: 'government', maxTlp: 'amber', tlpVersion: 1 },
  bank: { nation: 'JP', kind: 'company', sector: 'finance', clientOf: ['jp'], caveats: false },
  public: { nation: null, kind: 'public', sector: null },
}
const ALLIANCES = { trilateral: ['jp', 'us', 'ph'], pair: ['jp', 'us'] }
const question = (level: 'clear' | 'green' | 'amber' | 'red', to: string, more: object = {}) => ({
  id: 1,
  kind: 'send',
  now: '2026-06-01T00:00:00.000Z',
  orgs: ORGS,
  alliances: ALLIANCES,
  markings: [...definitions, ...own],
  from: 'jp',
  to,
  source: 'jp',
  object: indicator('one', [tlp(level)], { granular_markings: [{ marking_ref: tlp('red'), selectors: ['name'] }] }),
  context: {
    channel: 'node',
    grants: [{ object: 'indicator--1', by: 'jp', to: ['us'], version: 'x', expires: '2027-01-01T00:00:00Z' }],
    identifying: ['name'],
    victimFields: ['x'],
    submission: true,
  },
  ...more,
})
const received = {
  id: 2,
  kind: 'receive',
  prev: indicator('one', [tlp('amber')]),
  next: indicator('one', [tlp('green')]),
  signer: 'identity--1',
  markings: definitions,
}

export const decision: Target = {
  name: 'decision',
  shape: 'json',
  words: [
    ...MARKING_WORDS,
    ...Object.keys(ORGS),
    'orgs',
    'markings',
    'context',
    'channel',
    'open',
    'client',
    'via',
    'carrier',
    'from',
    'to',
    'source',
    'object',
    'object_marking_refs',
    'granular_markings',
    'selectors',
    'marking_ref',
    'lang',
    'standing',
    'suspended',
    'maxTlp',
    tlp('red'),
    'prev',
    'next',
    'signer',
    'revoked',
    'modified',
  ],
  seeds: [
    question('clear', 'public'),
    question('green', 'bank'),
    question('amber', 'us', { markings: [...definitions, ...own] }),
    question('amber', 'bank', { context: { channel: 'client', via: 'client' } }),
    question('red', 'us', { from: 'us', source: 'jp', context: { channel: 'node', carrier: true } }),
    question('amber', 'us', { object: indicator('two', [tlp('amber'), ...own.map(({ id }) => id)]) }),
    received,
    { ...received, prev: null },
  ],
  run: (input) => {
    // As it comes in: through strict JSON.
    const strict = attempt(() => parseJson(input), JsonError)
    if (!strict.ok) return strict.word
    const request = strict.value
    const answer = attempt(() => answerDecideVector(request), PolicyError, LogError)
    if (!answer.ok) return answer.word
    mustEqual(answerDecideVector(request), answer.value, 'one request has one answer')
    const { send, code, redact, verdict } = answer.value
    if (verdict !== undefined) return String(verdict)
    must(Array.isArray(redact) && typeof code === 'string', 'a decision has its reason', answer.value)
    if (send === true) closed(request as JsonObject)
    return `${String(send)} ${String(code).split(':')[0]}`
  },
}

/** What goes out goes out no longer once the object also carries a marking that nobody can resolve, or none at all. */
function closed(request: JsonObject): void {
  const object = request['object'] as JsonObject
  const refs = Array.isArray(object['object_marking_refs']) ? object['object_marking_refs'] : []
  for (const marked of [[...refs, 'marking-definition--not-defined'], []]) {
    const answer = answerDecideVector({ ...request, object: { ...object, object_marking_refs: marked } })
    mustEqual(answer['send'], false, 'an unknown marking or none at all closes an object')
  }
}

const SCENARIO = readFileSync(new URL('../../../scenarios/router-botnet/scenario.yaml', import.meta.url), 'utf8')

export const scenario: Target = {
  name: 'scenario',
  weight: 0.1,
  shape: 'text',
  maxBytes: 24_000,
  words: [
    'members:',
    'waves:',
    'signals:',
    'faults:',
    'cut:',
    '5s',
    '100ms',
    '&a',
    '*a',
    '<<: *a',
    '- ',
    ': ',
    '{',
    '}',
    '[',
    ']',
    '|',
    '>',
    '!!js/function',
    '---',
    '\n  ',
    'true',
    '~',
    '"',
  ],
  seeds: [SCENARIO, 'a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n', 'a: &a {b: *a}'],
  run: (input) => {
    const text = textOf(input)
    const read = attempt(() => parseScenario(text), DrillError)
    if (!read.ok) return `${read.word} ${read.error.message.slice(0, 60)}`
    for (const wave of read.value.waves) must(Number.isFinite(durationMs(wave.at)), 'a wave has its time')
    return 'read'
  },
}

const CONFIG = {
  v: 1,
  member: 'identity--b5d57dc4-1111-5111-8111-000000000001',
  slug: 'jp-nco',
  name: 'Office',
  nation: 'JP',
  kind: 'national-csirt',
  sectors: ['energy'],
  rootKey: `${'A'.repeat(43)}=`,
  listen: { host: '127.0.0.1', port: 7330 },
}

export const config: Target = {
  name: 'node-config',
  shape: 'json',
  words: [
    'listen',
    'host',
    'port',
    'tls',
    'certFile',
    'limits',
    'bodyBytes',
    'publicUrl',
    'http://',
    'demo',
    'behindProxy',
  ],
  seeds: [
    CONFIG,
    { ...CONFIG, tls: { certFile: 'c', keyFile: 'k' }, limits: { bodyBytes: 5 }, publicUrl: 'https://x.example' },
  ],
  run: (input) => {
    const value = jsonOf(input)
    const read = attempt(() => parseConfig(value, 'noroshi.json'), NodeError)
    if (read.ok) mustEqual(read.value, value, 'a configuration is taken as it is written')
    return read.ok ? 'read' : `${read.word} ${read.error.message.slice(0, 40)}`
  },
}
