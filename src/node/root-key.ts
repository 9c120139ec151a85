import { createCipheriv, createDecipheriv, createHash, randomBytes, scrypt } from 'node:crypto'
import { promisify } from 'node:util'
import { equalBytes } from '#base'
import { toSigner } from '#log'
import { NodeError } from './errors.ts'

/** A root seed sealed with a passphrase: scrypt, then AES-256-GCM; all binary members in base64. */
export interface SealedRootKey {
  v: 1
  kdf: 'scrypt'
  n: number
  r: number
  p: number
  salt: string
  cipher: 'aes-256-gcm'
  nonce: string
  sealed: string
  /** The public key, so that it is known without the passphrase. */
  publicKey: string
}

/** scrypt cost: about 0.1 s and 64 MiB per guess. */
const SCRYPT = { n: 65_536, r: 8, p: 1 } as const
const SCRYPT_MEMORY_BYTES = 134_217_728
const TAG_BYTES = 16
const SEED_BYTES = 32

const derive = promisify<string, Buffer, number, { N: number; r: number; p: number; maxmem: number }, Buffer>(scrypt)

/** Seals a 32-byte root seed. */
export async function sealRootKey(seed: Uint8Array, publicKey: Uint8Array, passphrase: string): Promise<SealedRootKey> {
  const salt = randomBytes(16)
  const nonce = randomBytes(12)
  const key = await derive(passphrase.normalize('NFC'), salt, 32, {
    N: SCRYPT.n,
    r: SCRYPT.r,
    p: SCRYPT.p,
    maxmem: SCRYPT_MEMORY_BYTES,
  })
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  cipher.setAAD(publicKey)
  const sealed = Buffer.concat([cipher.update(seed), cipher.final(), cipher.getAuthTag()])
  return {
    v: 1,
    kdf: 'scrypt',
    ...SCRYPT,
    salt: salt.toString('base64'),
    cipher: 'aes-256-gcm',
    nonce: nonce.toString('base64'),
    sealed: sealed.toString('base64'),
    publicKey: Buffer.from(publicKey).toString('base64'),
  }
}

/**
 * Opens a sealed root seed.
 *
 * @throws PASSPHRASE_WRONG, KEY_UNREADABLE
 */
export async function openRootKey(
  file: SealedRootKey,
  passphrase: string,
  name = 'keys/root.json',
): Promise<Uint8Array> {
  const sealed = Buffer.from(String(file.sealed), 'base64')
  const bounded = file.v === 1 && file.kdf === 'scrypt' && file.n <= 1_048_576 && file.r <= 16 && file.p <= 4
  if (!bounded || sealed.length !== SEED_BYTES + TAG_BYTES)
    throw new NodeError('KEY_UNREADABLE', `${name} is not a sealed key of a known form.`)
  const key = await derive(passphrase.normalize('NFC'), Buffer.from(file.salt, 'base64'), 32, {
    N: file.n,
    r: file.r,
    p: file.p,
    maxmem: 256 * file.n * file.r,
  })
  const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(file.nonce, 'base64'))
  decipher.setAAD(Buffer.from(file.publicKey, 'base64'))
  decipher.setAuthTag(sealed.subarray(SEED_BYTES))
  try {
    return new Uint8Array(Buffer.concat([decipher.update(sealed.subarray(0, SEED_BYTES)), decipher.final()]))
  } catch {
    throw new NodeError('PASSPHRASE_WRONG', `The passphrase does not open ${name}.`)
  }
}

/** Passphrase of every demo root key: printed in the manual, so no protection at all. */
export const DEMO_PASSPHRASE = 'noroshi demo'

/** Seed of a rehearsal's key: anybody can compute it, which is why a node outside a rehearsal refuses it. */
export function demoSeed(slug: string, purpose: 'root' | 'node'): Uint8Array {
  return new Uint8Array(
    createHash('sha256').update(`noroshi demo key, known to everybody\n${purpose}\n${slug}`).digest(),
  )
}

/** Whether one of the public keys is a demo key of this slug. */
export const isDemoKey = (slug: string, nodeKey: Uint8Array, rootKey: Uint8Array): boolean =>
  equalBytes(toSigner(demoSeed(slug, 'node')).publicKey, nodeKey) ||
  equalBytes(toSigner(demoSeed(slug, 'root')).publicKey, rootKey)
