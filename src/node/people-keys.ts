/** Keys that people hold: the seal key, and the recipient key to which files for the member are encrypted. */
import { randomBytes } from 'node:crypto'
import type { Millis } from '#base'
import { type Envelope, keyIdOf, type Purpose, signedBy, type Signer, toSigner } from '#log'
import {
  delegate,
  KEY_FILES,
  readConfig,
  readDelegations,
  readRootFile,
  writeDelegations,
  writeDurably,
  writeRootFile,
} from './data-directory.ts'
import { endAll } from './key-change.ts'
import { newRecipientKey, readIdentities, toRecipientFile } from './recipient-key.ts'
import { sealRootKey } from './root-key.ts'

/**
 * Makes a new recipient key, by the root keys that sign for the member; nobody encrypts to those before any more, and
 * files that come to them are still read.
 *
 * @throws KEY_UNREADABLE
 */
export async function changeRecipientKey(dir: string, roots: readonly Signer[], now: Millis): Promise<Envelope[]> {
  const key = newRecipientKey()
  await writeDurably(dir, KEY_FILES.recipient, toRecipientFile(key.identity, await readIdentities(dir)))
  return replaceKey(dir, roots, { publicKey: key.publicKey, purpose: 'recipient', now })
}

/**
 * Makes a new seal key under the passphrase; what the one before has sealed stays sealed, and it seals nothing more.
 *
 * @throws KEY_UNREADABLE
 */
export async function changeSealKey(
  dir: string,
  roots: readonly Signer[],
  options: { passphrase: string; now: Millis },
): Promise<Envelope[]> {
  const seed = new Uint8Array(randomBytes(32))
  const { publicKey } = toSigner(seed)
  const sealed = await sealRootKey(seed, publicKey, options.passphrase)
  const done = await replaceKey(dir, roots, { publicKey, purpose: 'seal', now: options.now })
  await writeRootFile(dir, KEY_FILES.previousSeal, await readRootFile(dir, KEY_FILES.seal))
  await writeRootFile(dir, KEY_FILES.seal, sealed)
  return done
}

async function replaceKey(
  dir: string,
  roots: readonly Signer[],
  next: { publicKey: Uint8Array; purpose: Purpose; now: Millis },
): Promise<Envelope[]> {
  const { publicKey, purpose, now } = next
  const { member } = await readConfig(dir)
  const known = await readDelegations(dir)
  const stays = new Set([keyIdOf(publicKey)])
  const fresh = roots.flatMap((root) => {
    const mine = signedBy(known, root.publicKey)
    const ends = endAll(mine, { root, member, purpose, reason: 'replaced', now, stays })
    return [delegate(root, member, { publicKey }, purpose, now), ...ends]
  })
  await writeDelegations(dir, [...known, ...fresh])
  return fresh
}
