/**
 * Statements: signed JSON. `{"statement": {"type": "vote", …}, "signatures": [{"key": <key id>, "sig": <base64>}]}`.
 * What is signed is `noroshi/vote/v1\n` and the canonical JSON of the statement, which every verifier recomputes; so the
 * text around may be formatted freely. Members that a reader does not know are ignored but signed.
 * @see docs/wire.md, Statements
 */
import {
  canonicalJson,
  concat,
  fromBase64,
  type Hash,
  isHash,
  type Json,
  type JsonObject,
  isJsonObject,
  type KeyId,
  parseJson,
  sha256Hex,
  toBase64,
  utf8,
} from '#base'
import { LogError } from './error.ts'
import { hasExactly, isBase64 } from './fields.ts'
import { domain, keyIdOf, type Signer, verifySignature } from './keys.ts'
import { isStatementType, statementFault } from './statement-fields.ts'

/** A statement and who signed it, ascending by key id, each key once. */
export interface Envelope<T extends JsonObject = JsonObject> {
  statement: T
  signatures: { key: KeyId; sig: string }[]
}

const TYPE = /^[a-z0-9]+(?:-[a-z0-9]+)*$/

/**
 * Signs a statement of that type by each signer.
 * @throws LogError STATEMENT_INVALID
 */
export function signStatement<T extends object>(
  type: string,
  fields: T,
  signers: readonly Signer[],
): Envelope<JsonObject & T & { type: string }> {
  const statement = { type, ...fields } as unknown as JsonObject & T & { type: string }
  requireStatement(statement, type)
  const bytes = signedBytes(statement)
  const signatures = signers.map((signer) => ({ key: signer.keyId, sig: toBase64(signer.sign(bytes)) }))
  signatures.sort((a, b) => (a.key < b.key ? -1 : 1))
  requireSignatures(signatures)
  return { statement, signatures }
}

/**
 * Reads an envelope, from text, bytes or a JSON value, and checks its form and its statement's members; not yet its
 * signatures.
 * @throws LogError STATEMENT_INVALID
 */
export function parseEnvelope(input: unknown): Envelope {
  const value = typeof input === 'string' || input instanceof Uint8Array ? parsed(input) : input
  if (!hasExactly(value, ['statement', 'signatures']))
    throw invalid('An envelope is a JSON object with exactly `statement` and `signatures`')
  const { statement, signatures } = value
  if (!isJsonObject(statement)) throw invalid('`statement` must be a JSON object')
  const { type } = statement
  if (typeof type !== 'string' || !TYPE.test(type)) throw invalid('`statement.type` must be a lower-case name')
  if (isStatementType(type)) requireStatement(statement, type)
  requireSignatures(signatures)
  return { statement, signatures }
}

function requireSignatures(signatures: unknown): asserts signatures is Envelope['signatures'] {
  if (!Array.isArray(signatures)) throw invalid('`signatures` must be an array')
  let last = ''
  for (const signature of signatures) {
    if (!hasExactly(signature, ['key', 'sig']) || !isHash(signature['key']) || !isBase64(signature['sig'], 64))
      throw invalid('A signature is exactly {key: key id, sig: 64 bytes in base64}')
    if (signature['key'] <= last) throw invalid('Signatures must ascend by key, one for each key')
    last = signature['key']
  }
}

/**
 * The statement of an envelope that is of the type and signed by at least one of the keys. A bad signature under one of
 * the keys refuses it; signatures of other keys are ignored.
 * @throws LogError STATEMENT_INVALID, SIGNATURE_INVALID, KEY_INVALID
 */
export function verifyStatement<T extends JsonObject = JsonObject>(
  envelope: unknown,
  type: string,
  publicKeys: readonly Uint8Array[],
): T {
  const { statement, signatures } = parseEnvelope(envelope)
  // Of a type that is known the envelope was read with its members.
  if (statement['type'] !== type || !isStatementType(type)) requireStatement(statement, type)
  const bytes = signedBytes(statement)
  const keys = new Map(publicKeys.map((raw) => [keyIdOf(raw), raw]))
  let signed = false
  for (const { key, sig } of signatures) {
    const raw = keys.get(key)
    if (!raw) continue
    if (!verifySignature(raw, bytes, fromBase64(sig)))
      throw new LogError('SIGNATURE_INVALID', `The ${type} statement has a bad signature under key ${key}`)
    signed = true
  }
  if (!signed)
    throw new LogError(
      'SIGNATURE_INVALID',
      `The ${type} statement is not signed by the expected key ${[...keys.keys()].join(', ')}`,
    )
  return statement as T
}

/** Hex SHA-256 of what is signed: names a statement, and is a charter's hash. @throws LogError STATEMENT_INVALID */
export function statementHash(statement: object): Hash {
  const value = statement as JsonObject
  const { type } = value
  if (typeof type !== 'string' || !TYPE.test(type)) throw invalid('`type` must be a lower-case name')
  return sha256Hex(signedBytes(value))
}

/**
 * Checks the members of a statement of a known type.
 * @throws LogError STATEMENT_INVALID
 */
export function requireStatement(statement: Json, type: string): asserts statement is JsonObject {
  const fault = statementFault(statement, type)
  if (fault !== undefined) throw invalid(fault)
}

function signedBytes(statement: JsonObject): Uint8Array {
  return concat(domain(statement['type'] as string), utf8(canonicalJson(statement)))
}

function parsed(input: string | Uint8Array): unknown {
  try {
    return parseJson(input)
  } catch (cause) {
    throw new LogError('STATEMENT_INVALID', `The envelope is refused: ${(cause as Error).message}`, { cause })
  }
}

const invalid = (message: string) => new LogError('STATEMENT_INVALID', message)
