/**
 * Lets the owner of the root key sign from outside the node: the key and its passphrase never reach this process.
 *
 * An operation that needs the key runs twice. The first run stops at the first signature it wants and answers with the
 * bytes to sign and the instant they were made at. The owner signs them and asks again with the signature; the second run
 * signs at the same instant, so that it arrives at the very same bytes, finds the signature, and goes on. The instant
 * travels with the signer and counts for what it signs alone: whatever else the operation starts lives now.
 */
import { fromBase64, type KeyId, type Millis, type Slug, toBase64, toHex } from '#base'
import type { RootSigner } from '#federation'
import { keyIdOf, verifySignature } from '#log'
import { NodeError } from './errors.ts'

/** How old the instant of a first run may be: the time a person takes to read and to type a passphrase. */
const INSTANT_AGE_MS = 600_000

/** What the owner of the root key hands in: nothing at first, then the signatures that were asked for. */
export interface RootSignatures {
  time?: Millis
  signatures?: readonly { bytes: string; sig: string }[]
  /** The owner knows of no other vote since the backup that this node was restored from. */
  afterRestore?: boolean
}

/** Bytes that the root key has to sign before the operation can go on. */
export interface SignatureNeeded {
  sign: { bytes: string; key: KeyId }
  time: Millis
}

/** Runs operations whose root key is elsewhere. */
export class RemoteRoot {
  readonly #keyFor: (alliance: Slug | undefined) => Uint8Array
  readonly #clock: () => Millis

  /** @param keyFor - the public key that signs in an alliance; while it is changed that differs */
  constructor(keyFor: (alliance: Slug | undefined) => Uint8Array, clock: () => Millis) {
    this.#keyFor = keyFor
    this.#clock = clock
  }

  /**
   * The operation's result, or the bytes that must be signed first.
   *
   * @throws INPUT_INVALID for a signature that is not the root key's, or an instant that has passed
   */
  async run<T>(
    handed: RootSignatures,
    operation: (root: RootSigner) => Promise<T>,
    alliance?: Slug,
  ): Promise<T | SignatureNeeded> {
    const publicKey = this.#keyFor(alliance)
    const keyId = keyIdOf(publicKey)
    const time = handed.time ?? this.#clock()
    const age = this.#clock() - time
    if (age < 0 || age > INSTANT_AGE_MS)
      throw new NodeError('INPUT_INVALID', 'time: the operation took too long; start it again.')
    const known = new Map((handed.signatures ?? []).map(({ bytes, sig }) => [bytes, checked(publicKey, bytes, sig)]))
    let wanted: string | undefined
    const root: RootSigner = {
      at: time,
      publicKey,
      keyId,
      afterRestore: handed.afterRestore === true,
      sign(bytes) {
        const text = toBase64(bytes)
        const signature = known.get(text)
        if (signature) return signature
        wanted ??= text
        throw new SignatureWanted(`wanted over ${toHex(bytes.subarray(0, 8))}…`)
      },
    }
    try {
      return await operation(root)
    } catch (error) {
      if (wanted === undefined) throw error
      return { sign: { bytes: wanted, key: keyId }, time }
    }
  }
}

function checked(publicKey: Uint8Array, bytes: string, sig: string): Uint8Array {
  const signature = fromBase64(sig)
  if (verifySignature(publicKey, fromBase64(bytes), signature)) return signature
  throw new NodeError('INPUT_INVALID', 'signatures: one is not by the key that was asked for.')
}

class SignatureWanted extends Error {}

/** Whether the answer of `run` asks for a signature. */
export const isSignatureNeeded = (answer: unknown): answer is SignatureNeeded =>
  typeof answer === 'object' && answer !== null && 'sign' in answer && 'time' in answer
