import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { type KeyId, type MemberId, sha256Hex, toHex, utf8, uuid5 } from '#base'
import { LogError } from './error.ts'
import { isCurvePoint, isReducedScalar } from './ed25519.ts'

const MEMBER_NAMESPACE = 'eb2ee76b-d523-54f7-b744-69ddabbdc82e'
const SEED_DER = Buffer.from('302e020100300506032b657004220420', 'hex')
const PUBLIC_DER = Buffer.from('302a300506032b6570032100', 'hex')
/** Public keys kept ready for verification: more than the keys of a large alliance, a few hundred bytes each. */
const READY_KEYS = 1_024

/** Signs with one Ed25519 key; the private key stays inside. */
export interface Signer {
  /** 32 raw bytes. */
  readonly publicKey: Uint8Array
  readonly keyId: KeyId
  sign(bytes: Uint8Array): Uint8Array
}

/** A checked Ed25519 public key. */
export interface PublicKey {
  /** 32 raw bytes. */
  readonly raw: Uint8Array
  readonly keyId: KeyId
  readonly key: KeyObject
}

/**
 * The signer of an Ed25519 seed of 32 bytes.
 * @throws LogError KEY_INVALID
 */
export function toSigner(seed: Uint8Array): Signer {
  if (seed.length !== 32) throw new LogError('KEY_INVALID', `A seed has 32 bytes, not ${seed.length}`)
  const key = createPrivateKey({ key: Buffer.concat([SEED_DER, seed]), format: 'der', type: 'pkcs8' })
  const der = createPublicKey(key).export({ format: 'der', type: 'spki' })
  const publicKey = new Uint8Array(der.subarray(PUBLIC_DER.length))
  return {
    publicKey,
    keyId: keyIdOf(publicKey),
    sign: (bytes) => new Uint8Array(sign(null, bytes, key)),
  }
}

/** Hex SHA-256 of a public key's 32 bytes. */
export function keyIdOf(raw: Uint8Array): KeyId {
  return sha256Hex(raw)
}

/** The id of a member from its first root key; it stays when the root key rotates. */
export function memberIdOf(rootPublicKey: Uint8Array): MemberId {
  return `identity--${uuid5(MEMBER_NAMESPACE, keyIdOf(rootPublicKey))}`
}

const ready = new Map<string, PublicKey>()

/**
 * Checks the 32 bytes of an Ed25519 public key.
 * @throws LogError KEY_INVALID for another length, an encoding that is not canonical or no point, or a small order
 */
export function toPublicKey(raw: Uint8Array): PublicKey {
  const name = toHex(raw)
  const known = ready.get(name)
  if (known) return known
  if (raw.length !== 32) throw new LogError('KEY_INVALID', `A public key has 32 bytes, not ${raw.length}`)
  if (!isCurvePoint(raw))
    throw new LogError(
      'KEY_INVALID',
      `${name} is no Ed25519 public key: not canonical, not on the curve or of small order`,
    )
  const key = createPublicKey({ key: Buffer.concat([PUBLIC_DER, raw]), format: 'der', type: 'spki' })
  const checked = { raw: new Uint8Array(raw), keyId: keyIdOf(raw), key }
  if (ready.size >= READY_KEYS) ready.clear()
  ready.set(name, checked)
  return checked
}

/**
 * Whether an Ed25519 signature holds; false for other lengths and for S ≥ L.
 * @throws LogError KEY_INVALID
 */
export function verifySignature(publicKey: PublicKey | Uint8Array, bytes: Uint8Array, signature: Uint8Array): boolean {
  const { key } = publicKey instanceof Uint8Array ? toPublicKey(publicKey) : publicKey
  if (signature.length !== 64 || !isReducedScalar(signature.subarray(32))) return false
  return verify(null, bytes, key, signature)
}

/** Bytes of `noroshi/<name>/v1\n`, which keeps signatures and hashes of different things apart. */
export function domain(name: string): Uint8Array {
  return utf8(`noroshi/${name}/v1\n`)
}
