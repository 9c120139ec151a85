/**
 * The age encryption of air-gap files, whatever library does it.
 * @see https://age-encryption.org/v1
 */
import { bech32 } from '@scure/base'
import { Decrypter, Encrypter } from 'age-encryption'
import { FederationError } from '../error.ts'

const VERSION = 'age-encryption.org/v1\n'
const HEADER_END = /\n--- [A-Za-z0-9+/]{43}\n/
/** A header with some hundred recipients; this node's writer names one. */
const HEADER_BYTES = 65_536

/** Bytes in pieces. */
export type Chunks = AsyncIterable<Uint8Array>

/** Encrypts to an X25519 recipient, piece by piece. @throws FederationError AIR_GAP_NO_KEY where the key is none */
export async function encryptTo(publicKey: Uint8Array, plain: Chunks): Promise<Chunks> {
  const encrypter = new Encrypter()
  try {
    encrypter.addRecipient(bech32.encodeFromBytes('age', publicKey))
    return await encrypter.encrypt(toStream(plain))
  } catch (cause) {
    throw new FederationError('AIR_GAP_NO_KEY', 'The recipient key of the reader is no X25519 key', { cause })
  }
}

/**
 * Decrypts what is encrypted to one of the identities. Each piece is authentic when it comes out; a file that is cut or
 * changed fails at that place.
 * @throws FederationError AIR_GAP_FOREIGN, AIR_GAP_BROKEN
 */
export async function decryptWith(identities: readonly string[], file: Chunks): Promise<Chunks> {
  const decrypter = new Decrypter()
  for (const identity of identities) decrypter.addIdentity(identity)
  let plain: Chunks
  try {
    plain = await decrypter.decrypt(toStream(await withBoundedHeader(file)))
  } catch (cause) {
    if (!isForeign(cause)) throw broken(cause)
    throw new FederationError(
      'AIR_GAP_FOREIGN',
      'The file is not encrypted to a recipient key of this node: it is for another member, or for a key that this node no longer has',
      { cause },
    )
  }
  return untilBroken(plain)
}

/** The library reads a header to its end, however far away that is: here it must come soon. */
async function withBoundedHeader(file: Chunks): Promise<Chunks> {
  const chunks = file[Symbol.asyncIterator]()
  let start = Buffer.alloc(0)
  while (!HEADER_END.test(start.toString('latin1')) && start.length < HEADER_BYTES) {
    const { done, value } = await chunks.next()
    if (done) break
    start = Buffer.concat([start, value])
  }
  if (!start.toString('latin1').startsWith(VERSION) || !HEADER_END.test(start.toString('latin1')))
    throw new Error('no header of an age file')
  return joined(start, chunks)
}

async function* joined(start: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield new Uint8Array(start)
  try {
    for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value
  } finally {
    await rest.return?.()
  }
}

async function* untilBroken(plain: Chunks): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of plain) yield chunk
  } catch (cause) {
    throw broken(cause)
  }
}

function toStream(chunks: Chunks): ReadableStream<Uint8Array> {
  const pieces = chunks[Symbol.asyncIterator]()
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await pieces.next()
        if (done) controller.close()
        else controller.enqueue(value)
      },
      async cancel() {
        await pieces.return?.()
      },
    },
    { highWaterMark: 0 },
  )
}

const isForeign = (cause: unknown) => cause instanceof Error && /no identity matched/i.test(cause.message)
const broken = (cause: unknown) =>
  new FederationError(
    'AIR_GAP_BROKEN',
    'The file is no air-gap file, or it is cut, or was changed on its way: copy it again and compare the sizes. Parts that were verified before that place are kept',
    { cause },
  )
