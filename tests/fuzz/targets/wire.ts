// What other nodes send: entries, frames, notes, statements, link requests, snapshots, streams; air-gap files through the vectors.
import { type Hash, type Json, JsonError, NoroshiError, parseJson, sha256Hex, utf8 } from '#base'
import {
  answerWireVector,
  audienceId,
  canonicalAudience,
  checkCharter,
  decodeEntry,
  decodeFrames,
  encodeEntry,
  encodeFrame,
  type Frame,
  FrameDecoder,
  genesisPayload,
  LogError,
  memberIdOf,
  openCheckpoint,
  openSnapshot,
  parseEnvelope,
  parseGenesis,
  parseVerifierKey,
  peekCheckpoint,
  peekEntry,
  signCheckpoint,
  signLinkRequest,
  signSnapshot,
  signStatement,
  statementHash,
  toAudience,
  toCharter,
  toSigner,
  verifyLinkRequest,
  verifyStatement,
} from '#log'
import { parseEvents, StreamTooLong } from '../../../src/federation/event-stream.ts'
import { ownVectors } from '../../../src/log/own-vectors.ts'
import { attempt, chunksOf, jsonOf, must, mustEqual, randomOf, type Target, textOf } from '../target.ts'

const TIME = 1_767_225_600_000
const signer = toSigner(new Uint8Array(32).fill(9))
const self = memberIdOf(signer.publicKey)
const other = memberIdOf(toSigner(new Uint8Array(32).fill(8)).publicKey)
const hash = (text: string) => sha256Hex(utf8(text)) as Hash
const vectors = ownVectors()

const salt = new Uint8Array(32).fill(3)
const audience = toAudience({ v: 1, tlp: 'amber', alliances: ['pacific'], nations: ['JP', 'US'] })
const entry = (kind: number, payload: string | Uint8Array) =>
  encodeEntry({ kind, salt, time: TIME, payload: typeof payload === 'string' ? utf8(payload) : payload })
const GENESIS = { author: self, audience, incarnation: '0a'.repeat(16), previous: null }
const ENTRIES = [entry(0, genesisPayload(GENESIS)), entry(1, '{"type":"indicator","id":"indicator--1"}')]

export const logEntry: Target = {
  name: 'log-entry',
  weight: 3,
  shape: 'bytes',
  words: ['{"', '":', 'audience', 'author', '}', '\u0000\u0000\u0000\u0002{}', 'index', 'reason'],
  seeds: [...ENTRIES, ...[2, 3, 4, 5].map((kind) => Buffer.concat([Buffer.from(ENTRIES[1] ?? []).fill(kind, 1, 2)]))],
  run: (input) => {
    const read = attempt(() => decodeEntry(input), LogError)
    const peeked = attempt(() => peekEntry(input), LogError)
    const genesis = attempt(() => parseGenesis(input), LogError)
    if (!read.ok) return `${read.word} ${peeked.ok} ${genesis.word}`
    mustEqual(
      Buffer.from(encodeEntry(read.value)).equals(input),
      true,
      'an entry is encoded to the bytes it was read from',
    )
    must(peeked.ok && peeked.value.time === read.value.time, 'a peek sees what reading sees')
    if (read.value.kind === 0) must(genesis.ok, 'a genesis entry opens a log')
    return `read ${read.value.kind}`
  },
}

const FRAMES: Frame[] = [...ENTRIES.map((bytes) => ({ bytes })), { leaf: salt }]
const framesBytes = Buffer.concat(FRAMES.map(encodeFrame))

export const frames: Target = {
  name: 'frames',
  weight: 2,
  shape: 'bytes',
  seeds: [
    framesBytes,
    Buffer.from([0, 0, 0, 0]),
    Buffer.from([255, 255, 255, 255, ...salt]),
    Buffer.from([0, 16, 0, 47]),
  ],
  words: ['\u0000\u0000\u0000\u0000', '\u0000\u0000\u0000\u0001a'],
  run: (input) => {
    const whole = attempt(() => decodeFrames(input).map(encodeFrame), LogError)
    const pieces = attempt(() => {
      const decoder = new FrameDecoder()
      const found = chunksOf(input, randomOf(input)).flatMap((chunk) => decoder.push(chunk))
      decoder.end()
      return found.map(encodeFrame)
    }, LogError)
    mustEqual(pieces.word, whole.word, 'frames do not depend on the chunks')
    if (!whole.ok || !pieces.ok) return whole.word
    mustEqual(pieces.value, whole.value, 'frames do not depend on the chunks')
    mustEqual(Buffer.concat(whole.value).equals(input), true, 'frames are encoded to the bytes they were read from')
    return `read ${Math.min(5, whole.value.length)}`
  },
}

const checkpoint = signCheckpoint(
  { log: hash('log'), size: 8, root: hash('root'), time: TIME, charters: [['pacific', hash('charter')]] },
  self,
  signer,
)
const vkey = `${self}+00000000+AQ==`

export const note: Target = {
  name: 'note',
  weight: 1.5,
  shape: 'text',
  words: ['\n', '\n\n', '— ', self, 'noroshi/v1/', 'time ', 'charter ', '+', '=', ' ', '—'],
  seeds: [checkpoint, checkpoint + (checkpoint.split('\n\n')[1] ?? ''), vkey, `text\n\n— ${self} AAAAAAA=\n`],
  run: (input) => {
    const text = textOf(input)
    const peeked = attempt(() => peekCheckpoint(text), LogError)
    const opened = attempt(() => openCheckpoint(text, { name: self, publicKey: signer.publicKey }), LogError)
    attempt(() => parseVerifierKey(text), LogError)
    if (opened.ok) {
      mustEqual(
        text.slice(0, text.lastIndexOf('\n\n')),
        checkpoint.slice(0, checkpoint.lastIndexOf('\n\n')),
        'only what was signed opens',
      )
      mustEqual(peeked.ok && peeked.value, opened.value, 'a peek sees what opening sees')
    }
    return `${peeked.word} ${opened.word}`
  },
}

const vote = { member: self, alliance: 'pacific', charter: hash('charter'), time: TIME }
const statements = [
  signStatement('vote', vote, [signer]),
  signSnapshot(
    {
      author: self,
      reader: other,
      previousSequence: 0,
      time: TIME,
      charters: {},
      logs: [{ log: hash('l'), size: 2, root: hash('r') }],
    },
    signer,
  ),
]
const signedTexts = new Set(statements.map((one) => statementHash(one.statement)))
const charters = vectors.flatMap(({ input }) => {
  const { charter, votes } = input as { charter?: object; votes?: object }
  return charter === undefined ? [] : [{ charter, votes: votes ?? [] }]
})

export const statement: Target = {
  name: 'statement',
  weight: 0.5,
  shape: 'json',
  words: [
    'statement',
    'signatures',
    'key',
    'sig',
    'type',
    'snapshot',
    'charter',
    'vote',
    'delegation',
    'member',
    'time',
    'logs',
    'since',
    'removed',
    'all',
    'root',
    'size',
  ],
  seeds: [...statements, ...charters, { v: 1, tlp: 'amber', alliances: ['pacific'], epochs: ['pacific:3'] }],
  run: (input) => {
    const envelope = attempt(() => parseEnvelope(input), LogError)
    // As it comes in: through strict JSON.
    const strict = attempt(() => parseJson(input), JsonError)
    if (!strict.ok) return envelope.word
    const { value } = strict
    const known = attempt(() => toAudience(value), LogError)
    if (known.ok) {
      const again = toAudience(JSON.parse(canonicalAudience(known.value)))
      mustEqual(canonicalAudience(again), canonicalAudience(known.value), 'an audience has one canonical form')
      mustEqual(audienceId(again), audienceId(known.value), 'and one id')
    }
    const type = envelope.ok ? String(envelope.value.statement['type']) : 'x'
    const verified = attempt(() => verifyStatement(value, type, [signer.publicKey]), LogError)
    if (verified.ok)
      must(signedTexts.has(statementHash(verified.value)), 'only what was signed is verified', verified.value)
    const context = { author: self, reader: other, publicKeys: [signer.publicKey], now: TIME }
    const snapshot = attempt(() => openSnapshot(value, context), LogError)
    const { charter, votes } = (value ?? {}) as { charter?: unknown; votes?: unknown }
    const read = attempt(() => toCharter(charter ?? value), LogError)
    if (read.ok) attempt(() => checkCharter(undefined, read.value, Array.isArray(votes) ? votes : []), LogError)
    return [envelope, known, verified, snapshot, read].map(({ word }) => word.slice(0, 14)).join(' ')
  },
}

export const wireVector: Target = {
  name: 'wire-vector',
  shape: 'json',
  words: [...new Set(vectors.map(({ op }) => op)), 'op', 'input', 'bytes_hex', 'root_b64', 'checkpoint', 'frames'],
  seeds: vectors.map(({ id, op, input }) => ({ id, op, input })),
  run: (input) => {
    const request = jsonOf(input) as Json | undefined
    if (request === undefined) return 'no JSON'
    const answer = attempt(() => answerWireVector(request), NoroshiError)
    if (answer.ok) mustEqual(answerWireVector(request), answer.value, 'one request has one answer')
    return answer.ok ? Object.keys(answer.value).join(' ').slice(0, 60) : answer.word
  },
}

/** A header's value; what is no text, as JSON. */
const written = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))

const request = { method: 'POST', target: '/link/v1/logs?since=7', body: utf8('{}') }
const signing = { from: self, to: other, created: TIME / 1_000, nonce: '78'.repeat(16), signer }
const signedRequest = {
  method: request.method,
  target: request.target,
  body: '{}',
  headers: signLinkRequest(request, signing),
}

export const linkRequest: Target = {
  name: 'link-request',
  weight: 2,
  shape: 'json',
  words: [
    'signature',
    'signature-input',
    'Signature',
    'content-digest',
    'noroshi=',
    ':',
    ';created=',
    '"@method"',
    self,
    other,
  ],
  seeds: [signedRequest, { ...signedRequest, headers: { ...signedRequest.headers, Signature: 'noroshi=:AA==:' } }],
  run: (input) => {
    const value = jsonOf(input) as Partial<typeof signedRequest> | null | undefined
    const { method, target, body, headers } = value ?? {}
    if (typeof method !== 'string' || typeof target !== 'string' || typeof body !== 'string') return 'no request'
    if (typeof headers !== 'object' || headers === null) return 'no headers'
    // As a server hands them on: texts, or lists of texts.
    const given = Object.entries(headers).map(([name, text]) => [
      name,
      Array.isArray(text) ? (text as unknown[]).map(written) : written(text),
    ])
    const verified = attempt(
      () =>
        verifyLinkRequest(
          { method, target, body: utf8(body), headers: Object.fromEntries(given) as Record<string, string> },
          { self: other, now: TIME, publicKey: () => signer.publicKey, isSeen: () => false },
        ),
      LogError,
    )
    if (verified.ok) {
      const { method: m, target: t, body: b } = signedRequest
      mustEqual([method, target, body], [m, t, b], 'only what was signed is verified')
    }
    return verified.word
  },
}

const EVENT_MAX_BYTES = 500
export const eventStream: Target = {
  name: 'event-stream',
  shape: 'text',
  maxBytes: 4_000,
  words: ['event: ', 'id: ', 'data: ', '\n', '\n\n', ': alive', '\r\n', 'event:', '{"a":1}'],
  seeds: [
    'event: logs\nid: 7\ndata: {"a":1}\n\n: alive\n\nevent: x\ndata: y\n\n',
    'data: 1\ndata: 2\n\n',
    `data: ${'x'.repeat(600)}\n\n`,
  ],
  run: async (input) => {
    const pieces = chunksOf(input, randomOf(input))
    const [whole, cut] = [await eventsOf([input]), await eventsOf(pieces)]
    // A long event is refused as soon as it is too long, which a larger chunk may not show.
    if (whole.isTooLong || cut.isTooLong) {
      must(input.length > EVENT_MAX_BYTES, 'a short stream is never too long')
      return 'too long'
    }
    mustEqual(cut.events, whole.events, 'events do not depend on the chunks')
    return `read ${Math.min(5, whole.events.length)} ${whole.events[0]?.event.slice(0, 5) ?? ''}`
  },
}

async function eventsOf(chunks: readonly Uint8Array[]) {
  const events: { event: string; id?: string; data: string }[] = []
  const stream = async function* () {
    yield* chunks
  }
  try {
    for await (const event of parseEvents(stream(), EVENT_MAX_BYTES)) events.push(event)
    return { events, isTooLong: false }
  } catch (error) {
    if (!(error instanceof StreamTooLong)) throw error
    return { events, isTooLong: true }
  }
}
