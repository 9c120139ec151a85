/**
 * Link requests, signed by HTTP message signatures. The covered components, their order, the parameters and their order
 * are fixed, so a verifier compares text and needs no general parser:
 *
 *     signature-input: noroshi=("@method" "@path" "@query" "content-digest" "noroshi-from" "noroshi-to")
 *                      ;created=1767225600;nonce="7837…";keyid="0ff6…";tag="noroshi-link-v1"       (one line)
 * @see RFC 9421, RFC 9530; docs/wire.md, Link requests
 */
import { fromBase64, isHash, type KeyId, type MemberId, type Millis, sha256, toBase64, utf8 } from '#base'
import { LogError, type LogErrorCode } from './error.ts'
import { isCount, isMemberId } from './fields.ts'
import { keyIdOf, type Signer, verifySignature } from './keys.ts'

/** How far `created` may be from the verifier's clock, in seconds, either way. */
export const LINK_CLOCK_SECONDS = 60
/** How long a verifier remembers a nonce for its key, in seconds: both clock tolerances and the second itself. */
export const LINK_NONCE_SECONDS = 121

const COMPONENTS = '("@method" "@path" "@query" "content-digest" "noroshi-from" "noroshi-to")'
const TAG = 'noroshi-link-v1'
const PARAMETERS = /^;created=(0|[1-9]\d{0,14});nonce="([0-9a-f]{32})";keyid="([0-9a-f]{64})";tag="noroshi-link-v1"$/
const METHOD = /^[A-Z]+$/
const TARGET = /^\/[\x21-\x22\x24-\x7e]*$/
const SIGNATURE = /^noroshi=:([A-Za-z0-9+/]{86}==):$/

/** The parts of a request that are signed. */
export interface LinkRequest {
  method: string
  /** Path and query exactly as sent: `/link/v1/logs?since=7`. */
  target: string
  body: Uint8Array
}

/** The headers that a signed request carries. */
export interface LinkHeaders extends Record<string, string> {
  'content-digest': string
  'noroshi-from': string
  'noroshi-to': string
  'signature-input': string
  signature: string
}

/** Who signs, for whom, when. */
export interface LinkSigning {
  from: MemberId
  to: MemberId
  /** Seconds since 1970. */
  created: number
  /** 16 random bytes in hex, never used again with this key. */
  nonce: string
  signer: Signer
}

/** The headers that sign a request. @throws LogError LINK_FORM */
export function signLinkRequest(request: LinkRequest, signing: LinkSigning): LinkHeaders {
  const { from, to, created, nonce, signer } = signing
  const parameters = `;created=${created};nonce="${nonce}";keyid="${signer.keyId}";tag="${TAG}"`
  if (!PARAMETERS.test(parameters) || !isCount(created))
    throw form('`created` must be in seconds, `nonce` 16 bytes in hex')
  if (!isMemberId(from) || !isMemberId(to)) throw form('`from` and `to` must be member ids')
  const digest = contentDigest(request.body)
  const base = signatureBase(request, digest, from, to, COMPONENTS + parameters)
  return {
    'content-digest': digest,
    'noroshi-from': from,
    'noroshi-to': to,
    'signature-input': `noroshi=${COMPONENTS}${parameters}`,
    signature: `noroshi=:${toBase64(signer.sign(base))}:`,
  }
}

/** What the verifier knows. */
export interface LinkVerifying {
  self: MemberId
  now: Millis
  /** The node key of a member by its id, when it is delegated and known now. */
  publicKey: (member: MemberId, key: KeyId) => Uint8Array | undefined
  /** Whether this key used the nonce within the last `LINK_NONCE_SECONDS`; the caller records it after success. */
  isSeen: (key: KeyId, nonce: string) => boolean
}

/** A request whose signature holds. */
export interface VerifiedLink {
  from: MemberId
  key: KeyId
  nonce: string
  /** Seconds since 1970. */
  created: number
}

/**
 * Checks a link request in this order: form, recipient, clock, key, body digest, signature, replay.
 * @throws LogError LINK_FORM, LINK_RECIPIENT, LINK_CLOCK, LINK_KEY, LINK_SIGNATURE, LINK_REPLAY
 */
export function verifyLinkRequest(
  request: LinkRequest & { headers: Readonly<Record<string, string | readonly string[] | undefined>> },
  verifying: LinkVerifying,
): VerifiedLink {
  const header = headerReader(request.headers)
  const [from, to, digest] = [header('noroshi-from'), header('noroshi-to'), header('content-digest')]
  const [input, signature] = [header('signature-input'), header('signature')]
  if (!isMemberId(from) || !isMemberId(to)) throw form('`noroshi-from` and `noroshi-to` must be member ids')
  if (!input.startsWith(`noroshi=${COMPONENTS}`)) throw form('`signature-input` does not cover what it must, in order')
  const parameters = input.slice('noroshi='.length + COMPONENTS.length)
  const [, created, nonce, key] = PARAMETERS.exec(parameters) ?? []
  if (created === undefined || nonce === undefined || !isHash(key))
    throw form('`signature-input` lacks a parameter, or they are not in order')
  const [, encoded] = SIGNATURE.exec(signature) ?? []
  if (encoded === undefined) throw form('`signature` has not the form `noroshi=:<base64>:`')
  if (to !== verifying.self) throw refused('LINK_RECIPIENT', `is for ${to}, not for this member`)
  if (Math.abs(Math.floor(verifying.now / 1000) - Number(created)) > LINK_CLOCK_SECONDS)
    throw refused('LINK_CLOCK', `was created at ${created} s, more than ${LINK_CLOCK_SECONDS} s from this node's clock`)
  const publicKey = verifying.publicKey(from, key)
  if (!publicKey || keyIdOf(publicKey) !== key)
    throw refused('LINK_KEY', `is signed with a key that is not ${from}'s node key now`)
  if (digest !== contentDigest(request.body))
    throw refused('LINK_SIGNATURE', 'has a body that its digest does not name')
  const base = signatureBase(request, digest, from, to, COMPONENTS + parameters)
  if (!verifySignature(publicKey, base, signatureBytes(encoded)))
    throw refused('LINK_SIGNATURE', 'has a signature that does not hold; is a proxy rewriting path or query?')
  if (verifying.isSeen(key, nonce)) throw refused('LINK_REPLAY', 'repeats a nonce')
  return { from, key, nonce, created: Number(created) }
}

/** Value of `content-digest` for a body, the empty one included. @see RFC 9530 */
export function contentDigest(body: Uint8Array): string {
  return `sha-256=:${toBase64(sha256(body))}:`
}

function signatureBase(request: LinkRequest, digest: string, from: string, to: string, parameters: string): Uint8Array {
  if (!METHOD.test(request.method)) throw form('the method must be in capitals')
  if (!TARGET.test(request.target)) throw form('the target must be a path and query in visible ASCII')
  const query = request.target.indexOf('?')
  const path = query < 0 ? request.target : request.target.slice(0, query)
  return utf8(
    [
      `"@method": ${request.method}`,
      `"@path": ${path}`,
      `"@query": ${query < 0 ? '?' : request.target.slice(query)}`,
      `"content-digest": ${digest}`,
      `"noroshi-from": ${from}`,
      `"noroshi-to": ${to}`,
      `"@signature-params": ${parameters}`,
    ].join('\n'),
  )
}

function headerReader(headers: Readonly<Record<string, string | readonly string[] | undefined>>) {
  const values = new Map<string, string>()
  for (const [name, value] of Object.entries(headers)) {
    const lower = name.toLowerCase()
    if (typeof value === 'string' && !values.has(lower)) values.set(lower, value)
    else if (value !== undefined) values.set(lower, '')
  }
  return (name: string): string => {
    const value = values.get(name)
    if (!value) throw form(`the header ${name} is missing or stands twice`)
    return value
  }
}

function signatureBytes(encoded: string): Uint8Array {
  try {
    return fromBase64(encoded, 64)
  } catch (cause) {
    throw new LogError('LINK_FORM', 'The request has a signature that is not canonical base64', { cause })
  }
}

const form = (what: string) => new LogError('LINK_FORM', `The request is not signed as a link request: ${what}`)
const refused = (code: LogErrorCode, what: string) => new LogError(code, `The request ${what}`)
