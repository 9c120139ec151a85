/**
 * Changing the node key, in steps that a crash may end anywhere: the command line, which alone opens the root key, writes
 * the next key and its delegation into the data directory; the node, told so or started anew, makes them its own.
 */
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { fromBase64, type MemberId, type Millis, toBase64 } from '#base'
import { type Envelope, keyIdOf, keyWindows, type Purpose, signedBy, type Signer, signStatement, toSigner } from '#log'
import {
  delegate,
  KEY_FILES,
  readConfig,
  readDelegations,
  readSeed,
  writeDelegations,
  writeDurably,
} from './data-directory.ts'
import { NodeError } from './errors.ts'

/** Where the next key waits to be used. */
const NEXT_SEED = 'keys/node.next.seed'

/** A key that waits, and what the root key says of it. */
export interface NextKey {
  key: Signer
  delegation: Envelope
}

/**
 * Prepares the next node key, by the root keys that sign for the member. With `compromisedSince` the one in use ends at
 * that instant, for good; else keys that were replaced before end now, and the one in use stays valid beside the next. A
 * key that is on this disk no more is lost: it ends now too.
 *
 * @throws KEY_UNREADABLE, INPUT_INVALID
 */
export async function prepareKeyChange(
  dir: string,
  roots: readonly Signer[],
  options: { now: Millis; compromisedSince?: Millis },
): Promise<NextKey> {
  const { now, compromisedSince } = options
  const { member } = await readConfig(dir)
  if (compromisedSince !== undefined && compromisedSince > now)
    throw new NodeError('INPUT_INVALID', 'since: a key is compromised since an instant that has passed.')
  const known = await readDelegations(dir)
  const inUse = existsSync(join(dir, KEY_FILES.node)) ? toSigner(await readSeed(dir, KEY_FILES.node)) : undefined
  if (inUse === undefined && compromisedSince !== undefined)
    throw new NodeError(
      'KEY_UNREADABLE',
      `${join(dir, KEY_FILES.node)} is gone; noroshi alliance rekey ends it as lost.`,
    )
  const waiting = existsSync(join(dir, NEXT_SEED)) ? await readSeed(dir, NEXT_SEED) : undefined
  const seed = waiting ?? new Uint8Array(randomBytes(32))
  const key = toSigner(seed)
  const fresh = roots.flatMap((root) => {
    const mine = signedBy(known, root.publicKey)
    const delegation = delegationOf(mine, key) ?? delegate(root, member, key, 'node', now)
    if (inUse && compromisedSince !== undefined)
      return [delegation, endOf(root, member, inUse.publicKey, compromisedSince, 'compromised', now)]
    const stays = new Set([key.keyId, inUse?.keyId])
    const reason = inUse ? 'replaced' : 'lost'
    return [delegation, ...endAll(mine, { root, member, purpose: 'node', reason, now, stays })]
  })
  if (waiting === undefined) await writeDurably(dir, NEXT_SEED, `${Buffer.from(seed).toString('hex')}\n`)
  await writeDelegations(dir, [...known.filter((one) => !fresh.includes(one)), ...fresh])
  return { key, delegation: fresh[0]! }
}

/** Ends of the keys of one purpose that still count under a root key, but for those that stay. */
export function endAll(
  mine: readonly Envelope[],
  what: { root: Signer; member: MemberId; purpose: Purpose; reason: string; now: Millis; stays: ReadonlySet<unknown> },
): Envelope[] {
  const { root, member, purpose, reason, now, stays } = what
  return keyWindows(mine, member, root.publicKey)
    .filter((window) => window.purpose === purpose && window.until > now && !stays.has(window.keyId))
    .map(({ key }) => endOf(root, member, key, now, reason, now))
}

const endOf = (
  root: Signer,
  member: MemberId,
  key: Uint8Array,
  until: Millis,
  reason: string,
  time: Millis,
): Envelope => signStatement('delegation-end', { member, key: toBase64(key), until, reason, time }, [root])

/** The key that waits in a data directory, if it is delegated. */
export async function nextKeyOf(dir: string): Promise<NextKey | undefined> {
  if (!existsSync(join(dir, NEXT_SEED))) return undefined
  const key = toSigner(await readSeed(dir, NEXT_SEED))
  const delegation = delegationOf(await readDelegations(dir), key)
  return delegation && { key, delegation }
}

/** Finishes a change that was prepared while the node was stopped, or cut off; undefined where none waits. */
export async function finishKeyChange(dir: string): Promise<NextKey | undefined> {
  const next = await nextKeyOf(dir)
  if (next) await adoptNextKey(dir)
  return next
}

/** Makes the key that waits the node's own; the one before is gone from this disk. */
export async function adoptNextKey(dir: string): Promise<void> {
  await rename(join(dir, NEXT_SEED), join(dir, KEY_FILES.node))
}

/** Whether a key of this data directory was ended as compromised: then each log has to be vouched for under the next. */
export const isAfterCompromise = (delegations: readonly Envelope[]): boolean =>
  delegations.some(({ statement }) => statement['type'] === 'delegation-end' && statement['reason'] === 'compromised')

function delegationOf(delegations: readonly Envelope[], key: Signer): Envelope | undefined {
  return delegations.find(({ statement }) => {
    const { type, purpose, key: delegated } = statement
    return (
      type === 'delegation' &&
      purpose === 'node' &&
      typeof delegated === 'string' &&
      keyIdOf(fromBase64(delegated)) === key.keyId
    )
  })
}
