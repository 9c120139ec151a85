/**
 * What `node:crypto` does not check of Ed25519: that a public key is the canonical encoding of a point of large order,
 * and that S is reduced. The curve is −x² + y² = 1 + d·x²·y² over 2^255 − 19; an encoding is y, little-endian, with the
 * lowest bit of x in the highest bit.
 * @see RFC 8032 section 5.1
 */
const P = 2n ** 255n - 19n
const L = 2n ** 252n + 27742317777372353535851937790883648493n
const D = 37095705934669439343138083508754565189542113879843219016388785533085940283555n

/** Values of y at the eight points whose order divides 8; the sign of x does not matter. */
const SMALL_ORDER_Y = new Set([
  0n,
  1n,
  P - 1n,
  littleEndian(Buffer.from('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a', 'hex')),
  littleEndian(Buffer.from('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05', 'hex')),
])

/** Whether 32 bytes canonically encode a point that may be a public key. */
export function isCurvePoint(encoded: Uint8Array): boolean {
  const value = littleEndian(encoded)
  const y = value & (2n ** 255n - 1n)
  if (y >= P || SMALL_ORDER_Y.has(y)) return false
  const ySquared = (y * y) % P
  const numerator = (ySquared - 1n + P) % P
  const denominator = (D * ySquared + 1n) % P
  return isSquare((numerator * denominator) % P)
}

/** Whether 32 little-endian bytes are below the order of the base point. */
export function isReducedScalar(bytes: Uint8Array): boolean {
  return bytes.length === 32 && ((bytes[31] ?? 255) < 0x10 || littleEndian(bytes) < L)
}

/** Euler's criterion; numerator·denominator is a square exactly when numerator/denominator is. */
function isSquare(value: bigint): boolean {
  let result = 1n
  let base = value
  for (let exponent = (P - 1n) / 2n; exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) result = (result * base) % P
    base = (base * base) % P
  }
  return result === 1n
}

function littleEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`)
}
