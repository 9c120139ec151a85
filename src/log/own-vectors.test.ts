import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import {
  canonicalJson,
  fromBase64,
  type Hash,
  isJsonObject,
  type Json,
  type JsonObject,
  type MemberId,
  sha256Hex,
  toBase64,
  toHex,
} from '#base'
import {
  answerWireVector,
  type CharterStatement,
  checkCharter,
  decodeAirGap,
  decodeFrames,
  encodeAirGap,
  encodeFrame,
  type Envelope,
  keyWindows,
  leafHash,
  membersAtFork,
  peekCheckpoint,
  rootOf,
  statementHash,
} from '#log'
import { ownVectors } from './own-vectors.ts'

const lines = readFileSync(new URL('../../tests/fixtures/wire-own.jsonl', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')
const vectors = lines.map((line) => JSON.parse(line) as JsonObject)

test('the golden vectors on disk are what the code computes today', () => {
  assert.deepEqual(vectors, JSON.parse(JSON.stringify(ownVectors())))
})

/** How a reader of docs/wire.md gets from `input` to `expect`; operations not listed are those of the batch command. */
const READERS: Record<string, (input: JsonObject) => unknown> = {
  'delegation.windows': (input) =>
    keyWindows(
      input['envelopes'] as unknown as Envelope[],
      input['member'] as MemberId,
      fromBase64(text(input, 'root_b64')),
    ).map(({ key, purpose, from, until, distrustedFrom }) => ({
      purpose,
      from,
      until,
      distrustedFrom,
      key_b64: toBase64(key),
    })),
  'charter.check': (input) =>
    checkCharter(
      (input['previous'] as unknown as CharterStatement | null) ?? undefined,
      input['charter'],
      input['votes'] as Json[],
    ),
  'charter.fork': (input) =>
    membersAtFork(input['parent'] as unknown as CharterStatement, input['sides'] as unknown as CharterStatement[]).map(
      ({ id }) => id,
    ),
  'frames.decode': (input) => {
    const body = fromBase64(text(input, 'body_b64'))
    const frames = decodeFrames(body)
    assert.deepEqual(Buffer.concat(frames.map(encodeFrame)), Buffer.from(body))
    return frames.map((frame) =>
      'bytes' in frame ? { entry_b64: toBase64(frame.bytes) } : { leaf: toHex(frame.leaf) },
    )
  },
  'air-gap.decode': (input) => {
    const bytes = fromBase64(text(input, 'file_b64'))
    const file = decodeAirGap(bytes)
    assert.deepEqual(encodeAirGap(file), bytes)
    return {
      sha256: sha256Hex(bytes),
      snapshot: canonicalJson(file.snapshot as unknown as Json),
      charters: file.charters.map(({ charter }) => statementHash(charter)),
      parts: file.parts.map(({ log, from, to, checkpoint, frames }) => {
        const root = toHex(
          rootOf(frames.map((frame) => ('bytes' in frame ? leafHash(frame.bytes) : frame.leaf))),
        ) as Hash
        assert.equal(peekCheckpoint(checkpoint).root, root)
        return { log, from, to, root }
      }),
      statements: file.statements.map(({ statement }) => statementHash(statement)),
    }
  },
}

for (const vector of vectors)
  test(`golden vector ${text(vector, 'id')}: ${text(vector, 'op')}, ${text(vector, 'description')}`, () => {
    const { input } = vector
    const reader = READERS[text(vector, 'op')]
    assert.ok(isJsonObject(input))
    const answer = reader ? { expect: reader(input) } : answerWireVector(vector)
    assert.deepEqual(JSON.parse(JSON.stringify(answer)).expect, vector['expect'])
  })

function text(object: JsonObject, name: string): string {
  const value = object[name]
  assert.ok(typeof value === 'string', `${name} is no text`)
  return value
}
