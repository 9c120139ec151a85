import { Readable } from 'node:stream'
import { createGunzip, gzip } from 'node:zlib'
import { promisify } from 'node:util'

const compress = promisify(gzip)

/** Pages below are sent as they are: those of single publications, whose length should tell nothing but their length. */
const LEAST_BYTES = 64 * 1_024
/** Fast enough for a page to cost less than the bytes that it saves on a link of 1 Gbit/s. */
const LEVEL = 3

/** Whether an `accept-encoding` header takes gzip. */
export function takesGzip(header: string | undefined): boolean {
  return (header ?? '').split(',').some((part) => {
    const [coding = '', ...parameters] = part.trim().toLowerCase().split(';')
    return coding.trim() === 'gzip' && !parameters.some((parameter) => /^\s*q=0(\.0*)?\s*$/.test(parameter))
  })
}

/**
 * A page of history by itself, compressed where that pays; undefined where it goes as it is. Nothing but one reader's own
 * page is ever compressed together.
 * @see docs/decisions/0043-compression.md
 */
export async function compressed(page: Uint8Array): Promise<Uint8Array | undefined> {
  if (page.length < LEAST_BYTES) return undefined
  const bytes = await compress(page, { level: LEVEL })
  return bytes.length < page.length ? bytes : undefined
}

/**
 * The body of an answer without its coding, as a stream that inflates no faster than it is read.
 * @throws Error at once for codings that were not asked for
 */
export function decoded(
  body: Uint8Array | AsyncIterable<Uint8Array>,
  coding: string | undefined,
): Uint8Array | AsyncIterable<Uint8Array> {
  if (coding === undefined || coding === 'identity') return body
  if (coding !== 'gzip') throw new Error(`the answer has the coding ${coding.slice(0, 40)}, which was not asked for`)
  return inflated(body instanceof Uint8Array ? [body] : body)
}

async function* inflated(body: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const source = Readable.from(body, { objectMode: false })
  const gunzip = createGunzip()
  source.on('error', (cause) => gunzip.destroy(cause))
  try {
    yield* source.pipe(gunzip) as AsyncIterable<Uint8Array>
  } finally {
    source.destroy()
    gunzip.destroy()
  }
}
