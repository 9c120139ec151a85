import { deserialize, serialize } from 'node:v8'
import { sha256 } from '#base'
import type { Change } from '#store'

const LENGTH_BYTES = 4
const DIGEST_BYTES = 32

/**
 * Lists of changes as they lie in the simulated write-ahead file: length, digest, body. The rule of recovery is that of
 * every such file: what follows the first list that is not whole never was.
 */
export function encodeLists(lists: readonly (readonly Change[])[]): Uint8Array {
  const parts = lists.flatMap((changes) => {
    const body = serialize(changes)
    const length = Buffer.alloc(LENGTH_BYTES)
    length.writeUInt32BE(body.length)
    return [length, sha256(body), body]
  })
  return Buffer.concat(parts)
}

/** The whole lists at the beginning of the file. */
export function readLists(file: Uint8Array): Change[][] {
  const bytes = Buffer.from(file)
  const lists: Change[][] = []
  for (let at = 0; at + LENGTH_BYTES + DIGEST_BYTES <= bytes.length;) {
    const start = at + LENGTH_BYTES + DIGEST_BYTES
    const end = start + bytes.readUInt32BE(at)
    const body = bytes.subarray(start, end)
    if (end > bytes.length || !bytes.subarray(at + LENGTH_BYTES, start).equals(sha256(body))) break
    lists.push(deserialize(body) as Change[])
    at = end
  }
  return lists
}
