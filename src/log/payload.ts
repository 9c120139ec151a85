// What the payload of each kind of entry may hold. Every payload is a JSON object; all but objects (kind 1) are exactly
// their canonical JSON, so that nothing can hide between two spellings of one value.
import {
  canonicalJson,
  equalBytes,
  type Hash,
  isHash,
  isJsonObject,
  type JsonObject,
  type LogId,
  type MemberId,
  parseJson,
  utf8,
} from '#base'
import { type Audience, canonicalAudience, toAudience } from './audience.ts'
import { LogError } from './error.ts'
import { hasExactly, isCount, isLogRow, isMemberId } from './fields.ts'
import { RECALL_REASONS, type RecallReason } from './recall-reasons.ts'
import { parseEnvelope } from './statement.ts'

/** Payload of entry 0. */
export interface Genesis {
  author: MemberId
  audience: Audience
  /** 16 random bytes in hex. */
  incarnation: string
  /** Last checkpoint of the incarnation before this one. */
  previous: { log: LogId; size: number; root: Hash } | null
}

/** Payload of a recall. */
export interface Recall {
  index: number
  leaf: Hash
  reason: RecallReason
}

/** Payload of an expiry. */
export interface Expiry {
  index: number
  leaf: Hash
}

/** Payload of the last entry of a log. */
export interface Close {
  reason: 'ended' | 'moved'
  next: LogId | null
}

const INCARNATION = /^[0-9a-f]{32}$/

/** Bytes of a genesis payload. @throws LogError AUDIENCE_INVALID, ENTRY_INVALID */
export function genesisPayload(genesis: Genesis): Uint8Array {
  const { author, incarnation, previous } = genesis
  const audience = toAudience(genesis.audience) as unknown as JsonObject
  const payload = utf8(canonicalJson({ author, audience, incarnation, previous: previous && { ...previous } }))
  readGenesis(payload)
  return payload
}

/** Bytes of the payload of a recall, an expiry or a closing entry. */
export function plainPayload(payload: Recall | Expiry | Close): Uint8Array {
  return utf8(canonicalJson({ ...payload }))
}

/** @throws LogError ENTRY_INVALID, AUDIENCE_INVALID */
export function readGenesis(payload: Uint8Array): Genesis {
  const value = canonicalObject(payload)
  if (!hasExactly(value, ['author', 'audience', 'incarnation', 'previous']))
    throw invalid('A genesis has exactly author, audience, incarnation and previous')
  const { author, audience, incarnation, previous } = value
  if (!isMemberId(author)) throw invalid('The author of a genesis must be a member id')
  if (typeof incarnation !== 'string' || !INCARNATION.test(incarnation))
    throw invalid('An incarnation is 16 bytes in lower-case hex')
  if (previous !== null && !isLogRow(previous)) throw invalid('`previous` must be null or {log, size, root}')
  const whole = toAudience(audience)
  if (canonicalAudience(whole) !== canonicalJson(audience ?? null))
    throw invalid('The audience of a genesis must be canonical: lists sorted, each value once')
  return { author, audience: whole, incarnation, previous } as Genesis
}

/** @throws LogError ENTRY_INVALID */
export function readRecall(payload: Uint8Array): Recall {
  const value = canonicalObject(payload)
  if (!hasExactly(value, ['index', 'leaf', 'reason']) || !isTarget(value) || !isReason(value['reason']))
    throw invalid(`A recall is {index, leaf, reason}, with a reason of ${RECALL_REASONS.join(', ')}`)
  return value as unknown as Recall
}

/** @throws LogError ENTRY_INVALID */
export function readExpiry(payload: Uint8Array): Expiry {
  const value = canonicalObject(payload)
  if (!hasExactly(value, ['index', 'leaf']) || !isTarget(value)) throw invalid('An expiry is {index, leaf}')
  return value as unknown as Expiry
}

/** @throws LogError ENTRY_INVALID */
export function readClose(payload: Uint8Array): Close {
  const value = canonicalObject(payload)
  const { reason, next } = value
  if (
    !hasExactly(value, ['reason', 'next']) ||
    (reason !== 'ended' && reason !== 'moved') ||
    !(next === null || isHash(next))
  )
    throw invalid('A closing entry is {reason: "ended" or "moved", next: log id or null}')
  return { reason, next }
}

const CHECKS: readonly ((payload: Uint8Array) => unknown)[] = [
  readGenesis,
  readObject,
  readRecall,
  readExpiry,
  readClose,
  readStatement,
]

/** Checks the payload of an entry of that kind. @throws LogError ENTRY_INVALID, AUDIENCE_INVALID, STATEMENT_INVALID */
export function checkPayload(kind: number, payload: Uint8Array): void {
  CHECKS[kind]?.(payload)
}

function readObject(payload: Uint8Array): JsonObject {
  const value = parsed(payload)
  if (!isJsonObject(value)) throw invalid('The payload must be a JSON object')
  return value
}

function readStatement(payload: Uint8Array): void {
  const { statement, signatures } = parseEnvelope(canonicalObject(payload))
  if (signatures.length === 0 && statement['type'] !== 'charter') throw invalid('The statement carries no signature')
}

function canonicalObject(payload: Uint8Array): JsonObject {
  const value = readObject(payload)
  if (!equalBytes(utf8(canonicalJson(value)), payload))
    throw invalid('The payload must be its canonical JSON (RFC 8785)')
  return value
}

function parsed(payload: Uint8Array): unknown {
  try {
    return parseJson(payload)
  } catch (cause) {
    throw new LogError('ENTRY_INVALID', `The payload is refused: ${(cause as Error).message}`, { cause })
  }
}

const isTarget = (value: JsonObject) => isCount(value['index']) && isHash(value['leaf'])
const isReason = (value: unknown) => RECALL_REASONS.some((reason) => reason === value)
const invalid = (message: string) => new LogError('ENTRY_INVALID', message)
