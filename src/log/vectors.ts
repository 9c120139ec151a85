// Answers golden vectors of the wire format: `{"id", "op", "input"}` → `{"id", "expect"}` or `{"id", "error"}`.
import {
  canonicalJson,
  compareTimestamps,
  fromBase64,
  fromHex,
  type Hash,
  isHash,
  isJsonObject,
  type Json,
  type JsonObject,
  type LogId,
  type MemberId,
  NoroshiError,
  parseJson,
  toBase64,
  toHex,
  utf8,
} from '#base'
import { type Audience, audienceId, canonicalAudience, toAudience } from './audience.ts'
import { type Checkpoint, openCheckpoint, signCheckpoint } from './checkpoint.ts'
import { checkDelegation, type Purpose } from './delegation.ts'
import { decodeEntry, encodeEntry, ENTRY_HEADER_BYTES, logIdOf } from './entry.ts'
import { LogError } from './error.ts'
import { isCount, isLogRow, isMemberId } from './fields.ts'
import { type Frame, possession } from './frames.ts'
import { keyIdOf, memberIdOf, toPublicKey, toSigner } from './keys.ts'
import { signLinkRequest, verifyLinkRequest } from './link-request.ts'
import { openNote, parseVerifierKey } from './note.ts'
import { consistencyProof, inclusionProof, verifyConsistency, verifyInclusion } from './proofs.ts'
import { type LogRow, openSnapshot } from './snapshot.ts'
import { requireStatement, signStatement, statementHash, verifyStatement } from './statement.ts'
import { Frontier, type HashAt, leafHash, requireCount, rootOf } from './tree.ts'

/** Most leaves of a tree that a vector may ask for. */
const VECTOR_MAX_LEAVES = 4_194_304
/** Most bytes of a filled text: a little over the largest payload, so that its limit can be tested. */
const VECTOR_MAX_FILL = 8_388_608

/** Answers one request; never throws for what the request holds. */
export function answerWireVector(request: Json): JsonObject {
  const id = isJsonObject(request) && request['id'] !== undefined ? request['id'] : null
  try {
    if (!isJsonObject(request)) throw wrong('A request is a JSON object with id, op and input')
    const { op, input } = request
    const answer = typeof op === 'string' && Object.hasOwn(OPERATIONS, op) ? OPERATIONS[op] : undefined
    if (!answer) throw wrong(`There is no operation ${JSON.stringify(op)}`)
    if (!isJsonObject(input)) throw wrong('`input` must be a JSON object')
    return { id, expect: answer(input) }
  } catch (error) {
    const { code, message } = error instanceof NoroshiError ? error : wrong(String(error))
    return { id, error: { code, message } }
  }
}

const OPERATIONS: Record<string, (input: JsonObject) => Json> = {
  audience: ({ audience }) => {
    const checked: Audience = toAudience(audience)
    return { canonical: canonicalAudience(checked), id: audienceId(checked) }
  },
  'json.parse': (input) => canonicalJson(parseJson(filled(input, 'payload_b64'))),
  'timestamp.compare': (input) => compareTimestamps(text(input, 'a'), text(input, 'b')),
  'member.id': (input) => {
    const root = toPublicKey(base64(input, 'root_b64')).raw
    return { key_id: keyIdOf(root), member: memberIdOf(root) }
  },
  'entry.encode': (input) => {
    const payload = filled(input, 'payload_b64')
    const entry = encodeEntry({
      kind: number(input, 'kind'),
      salt: hex(input, 'salt'),
      time: number(input, 'time'),
      payload,
    })
    const base = { length: entry.length, leaf: toHex(leafHash(entry)) }
    return input['fill'] === undefined
      ? { ...base, entry_b64: toBase64(entry) }
      : { ...base, header: toHex(entry.subarray(0, ENTRY_HEADER_BYTES)) }
  },
  'entry.decode': (input) => {
    const { kind, salt, time, payload } = decodeEntry(base64(input, 'entry_b64'))
    return { kind, salt: toHex(salt), time, payload_b64: toBase64(payload) }
  },
  'log.id': (input) => logIdOf(base64(input, 'genesis_b64')),
  'tree.root': (input) => {
    if (input['data'] === undefined) return toHex(countingTree(number(input, 'size')).root)
    return toHex(rootOf(texts(input, 'data').map((data) => leafHash(fromHex(data)))))
  },
  'tree.inclusion': (input) => {
    const size = number(input, 'size')
    return inclusionProof(countingTree(size).hashAt, number(input, 'index'), size).map(toHex)
  },
  'tree.consistency': (input) => {
    const second = number(input, 'second')
    return consistencyProof(countingTree(second).hashAt, number(input, 'first'), second).map(toHex)
  },
  'tree.verify-inclusion': (input) =>
    holds(
      verifyInclusion(
        hash(input, 'leaf'),
        number(input, 'index'),
        number(input, 'size'),
        proof(input),
        hash(input, 'root'),
      ),
    ),
  'tree.verify-consistency': (input) =>
    holds(
      verifyConsistency(
        number(input, 'first'),
        number(input, 'second'),
        hash(input, 'root1'),
        hash(input, 'root2'),
        proof(input),
      ),
    ),
  'note.open': (input) => openNote(text(input, 'note'), parseVerifierKey(text(input, 'vkey'))),
  'checkpoint.open': (input) => {
    const { charters, ...rest } = openCheckpoint(text(input, 'note'), parseVerifierKey(text(input, 'vkey')))
    return { ...rest, charters: charters.map((line) => [...line]) }
  },
  'checkpoint.sign': (input) =>
    signCheckpoint(checkpointOf(input['checkpoint']), text(input, 'name'), toSigner(hex(input, 'seed'))),
  'statement.sign': (input) => {
    const { fields } = input
    if (!isJsonObject(fields)) throw wrong('`fields` must be a JSON object')
    return signStatement(text(input, 'type'), fields, [toSigner(hex(input, 'seed'))]) as unknown as Json
  },
  'statement.verify': (input) =>
    canonicalJson(verifyStatement(envelope(input), text(input, 'type'), [base64(input, 'key_b64')])),
  'statement.hash': (input) => {
    const { statement = null } = input
    requireStatement(statement, text(input, 'type'))
    return statementHash(statement)
  },
  'delegation.check': (input) => {
    checkDelegation(envelope(input), {
      root: base64(input, 'root_b64'),
      member: text(input, 'member') as MemberId,
      key: base64(input, 'key_b64'),
      purpose: text(input, 'purpose') as Purpose,
      at: count(input, 'at'),
    })
    return 'ok'
  },
  'snapshot.check': (input) => {
    const { last_sequence: sequence, previous } = input
    const logs = previous === null || previous === undefined ? undefined : rows(previous)
    const last = typeof sequence === 'number' ? { last: { sequence, ...(logs && { logs }) } } : {}
    const { logs: complete } = openSnapshot(envelope(input), {
      author: text(input, 'author') as MemberId,
      reader: text(input, 'reader') as MemberId,
      publicKeys: [base64(input, 'key_b64')],
      now: count(input, 'now'),
      ...last,
    })
    return complete.map((row) => ({ ...row }))
  },
  possession: (input) => possession(member(input, 'member'), hashText(input, 'log'), framesOf(input)),
  'link.sign': (input) =>
    signLinkRequest(
      { method: text(input, 'method'), target: text(input, 'target'), body: base64(input, 'body_b64') },
      {
        from: text(input, 'from') as MemberId,
        to: text(input, 'to') as MemberId,
        created: number(input, 'created'),
        nonce: text(input, 'nonce'),
        signer: toSigner(hex(input, 'seed')),
      },
    ),
  'link.verify': (input) => {
    const { request, keys, seen } = input
    if (!isJsonObject(request) || !isJsonObject(keys) || !Array.isArray(seen))
      throw wrong('`request` and `keys` must be objects, `seen` an array')
    const headers = request['headers']
    if (!isJsonObject(headers)) throw wrong('`request.headers` must be an object')
    const asked = {
      method: text(request, 'method'),
      target: text(request, 'target'),
      body: base64(request, 'body_b64'),
    }
    return verifyLinkRequest(
      { ...asked, headers: headers as Record<string, string> },
      {
        self: text(input, 'self') as MemberId,
        now: number(input, 'now') * 1000,
        publicKey: (from, key) => {
          const known = keys[from]
          return isJsonObject(known) && Object.hasOwn(known, key) ? base64(known, key) : undefined
        },
        isSeen: (key, nonce) => seen.some((item) => namesNonce(item, key, nonce)),
      },
    ).from
  },
}

/** The tree whose leaf `i` is the decimal text of `i`. */
function countingTree(size: number): { root: Uint8Array; hashAt: HashAt } {
  requireCount(size, 'size')
  if (size > VECTOR_MAX_LEAVES) throw wrong(`A vector's tree has at most ${VECTOR_MAX_LEAVES} leaves`)
  const levels: Uint8Array[][] = []
  const frontier = new Frontier()
  for (let i = 0; i < size; i++)
    frontier.append(leafHash(utf8(String(i))), (level, index, node) => ((levels[level] ??= [])[index] = node))
  return {
    root: frontier.root(),
    hashAt: (level, index) => {
      const node = levels[level]?.[index]
      if (!node) throw new LogError('TREE_RANGE', `There is no subtree ${level}/${index} in a tree of size ${size}`)
      return node
    },
  }
}

/** Whether an item of `seen` is this key's nonce: the nonce alone, or the pair in an array, an object or a text. */
function namesNonce(item: Json, key: string, nonce: string): boolean {
  if (typeof item === 'string') return item.endsWith(nonce) && (item === nonce || item.startsWith(key))
  const parts = isJsonObject(item) ? Object.values(item) : item
  return Array.isArray(parts) && parts.includes(key) && parts.includes(nonce)
}

function framesOf(input: JsonObject): Frame[] {
  const { entries_b64: entries, leaves } = input
  const from = count(input, 'from')
  if (!Array.isArray(entries) || !isJsonObject(leaves))
    throw wrong('`entries_b64` must be an array, `leaves` an object')
  return entries.map((entry, i) => {
    const leaf = leaves[String(from + i)]
    if (typeof entry === 'string') return { bytes: fromBase64(entry) }
    if (entry === null && typeof leaf === 'string') return { leaf: fromHex(leaf, 32) }
    throw wrong(`Entry ${from + i} must be given as bytes, or null and its leaf hash`)
  })
}

function checkpointOf(value: Json | undefined): Checkpoint {
  const { charters } = isJsonObject(value) ? value : {}
  if (
    !isJsonObject(value) ||
    !Array.isArray(charters) ||
    !charters.every((line) => Array.isArray(line) && line.length === 2)
  )
    throw wrong('`checkpoint` must be an object with `charters` as pairs')
  return value as unknown as Checkpoint
}

function rows(value: Json): LogRow[] {
  if (!Array.isArray(value) || !value.every(isLogRow)) throw wrong('`previous` must be null or rows {log, size, root}')
  return value as unknown as LogRow[]
}

function filled(input: JsonObject, name: string): Uint8Array {
  const { fill } = input
  if (fill === undefined) return base64(input, name)
  if (!isJsonObject(fill)) throw wrong('`fill` must be an object')
  const unit = text(fill, 'unit')
  const times = count(fill, 'count')
  if (times * unit.length > VECTOR_MAX_FILL) throw wrong(`\`fill\` makes more than ${VECTOR_MAX_FILL} characters`)
  return utf8(text(fill, 'prefix') + unit.repeat(times) + text(fill, 'suffix'))
}

const holds = (verified: boolean): 'ok' => {
  if (!verified) throw new LogError('PROOF_INVALID', 'The proof does not hold')
  return 'ok'
}

function text(input: JsonObject, name: string): string {
  const value = input[name]
  if (typeof value !== 'string') throw wrong(`\`${name}\` must be text`)
  return value
}

function number(input: JsonObject, name: string): number {
  const value = input[name]
  if (typeof value !== 'number') throw wrong(`\`${name}\` must be a number`)
  return value
}

function count(input: JsonObject, name: string): number {
  const value = number(input, name)
  if (!isCount(value)) throw wrong(`\`${name}\` must be an integer from 0 to 2^53 − 1`)
  return value
}

function texts(input: JsonObject, name: string): string[] {
  const value = input[name]
  if (!Array.isArray(value) || !value.every((item) => typeof item === 'string'))
    throw wrong(`\`${name}\` must be texts`)
  return value
}

function member(input: JsonObject, name: string): MemberId {
  const value = text(input, name)
  if (!isMemberId(value)) throw wrong(`\`${name}\` must be a member id`)
  return value
}

function hashText(input: JsonObject, name: string): LogId {
  const value = text(input, name)
  if (!isHash(value)) throw wrong(`\`${name}\` must be a hash`)
  return value
}

const envelope = (input: JsonObject) => input['envelope_text'] ?? input['envelope']
const base64 = (input: JsonObject, name: string) => fromBase64(text(input, name))
const hex = (input: JsonObject, name: string) => fromHex(text(input, name))
const hash = (input: JsonObject, name: string) => fromHex(text(input, name), 32)
const proof = (input: JsonObject) => texts(input, 'proof').map((step) => fromHex(step as Hash, 32))
const wrong = (message: string) => new LogError('VECTOR_INVALID', message)
