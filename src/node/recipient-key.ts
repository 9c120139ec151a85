import { createPrivateKey, createPublicKey, randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { bech32 } from '@scure/base'
import { fromBase64, toBase64 } from '#base'
import { NodeError } from './errors.ts'

/** Where a node keeps the secrets of its recipient keys, newest first, as the tool `age` reads them. */
export const RECIPIENT_FILE = 'keys/recipient.key'
const IDENTITY = /^AGE-SECRET-KEY-1[0-9A-Z]{58}$/
const IDENTITY_PREFIX = 'age-secret-key-'
/** DER of a PKCS #8 private key of X25519, before its 32 bytes. @see RFC 8410 */
const PKCS8_X25519 = Buffer.from('302e020100300506032b656e04220420', 'hex')

/** A key to which files for a member are encrypted. */
export interface RecipientKey {
  /** The secret, as age writes it. */
  identity: string
  /** 32 bytes. */
  publicKey: Uint8Array
}

/** A new X25519 key. */
export function newRecipientKey(): RecipientKey {
  const secret = randomBytes(32)
  const key = createPrivateKey({ key: Buffer.concat([PKCS8_X25519, secret]), format: 'der', type: 'pkcs8' })
  const { x = '' } = createPublicKey(key).export({ format: 'jwk' })
  const publicKey = fromBase64(toBase64(new Uint8Array(Buffer.from(x, 'base64url'))), 32)
  return { identity: bech32.encodeFromBytes(IDENTITY_PREFIX, new Uint8Array(secret)).toUpperCase(), publicKey }
}

/** The line of a recipient key in its file, after those that were made before are no longer the newest. */
export const toRecipientFile = (identity: string, before: readonly string[] = []): string =>
  `${[identity, ...before].join('\n')}\n`

/** The secrets of a node's recipient keys, newest first; none where it never made one. @throws KEY_UNREADABLE */
export async function readIdentities(dir: string): Promise<string[]> {
  let text: string
  try {
    text = await readFile(join(dir, RECIPIENT_FILE), 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw new NodeError('KEY_UNREADABLE', `${join(dir, RECIPIENT_FILE)} cannot be read.`, { details: { dir }, cause })
  }
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  if (!lines.every((line) => IDENTITY.test(line)))
    throw new NodeError('KEY_UNREADABLE', `${join(dir, RECIPIENT_FILE)} holds something else than age identities.`)
  return lines
}
