import { sha256, utf8 } from '#base'

/** Bytes of a digest: enough to find any damage, which is all it is for. */
const DIGEST_BYTES = 16

/** Check of a record or journal row over everything that it holds. */
export function rowDigest(...parts: readonly (string | number)[]): Uint8Array {
  return sha256(utf8(JSON.stringify(parts))).slice(0, DIGEST_BYTES)
}
