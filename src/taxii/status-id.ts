import { type Millis, toHex } from '#base'

/** Bytes of chance in an id. */
export const STATUS_ID_RANDOM_BYTES = 10

/** A UUID of version 7: ids sort by time, so that the oldest can be found and forgotten. @see RFC 9562 section 5.7 */
export function statusId(now: Millis, random: Uint8Array): string {
  const bytes = new Uint8Array(16)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(now) << 16n)
  bytes.set(random.subarray(0, STATUS_ID_RANDOM_BYTES), 6)
  bytes[6] = 0x70 | ((bytes[6] ?? 0) & 0x0f)
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f)
  return toHex(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}
