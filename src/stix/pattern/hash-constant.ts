import type { ComparisonTest, Literal } from './ast.ts'

/**
 * What is wrong with a constant that is compared with a hash of a known algorithm, as in
 * `file:hashes.MD5 = 'abc'`; `undefined` where nothing is, or where the path leads to no such hash.
 */
export function hashFault(
  { path, operator }: Pick<ComparisonTest, 'path' | 'operator'>,
  constant: Literal,
): string | undefined {
  const algorithm = path.at(-1)
  const dictionary = path.at(-2)
  if (typeof algorithm !== 'string' || typeof dictionary !== 'string' || !dictionary.endsWith('hashes'))
    return undefined
  if (operator !== '=' && operator !== '!=' && operator !== 'IN') return undefined
  const digits = HASH_DIGITS[algorithm.toLowerCase().replaceAll(/[-_]/g, '')]
  if (digits === undefined || isHash(constant, digits)) return undefined
  return `A ${algorithm} hash is a string of ${digits} hexadecimal digits: ${JSON.stringify(constant.value).slice(0, 80)} is not.`
}

/** Hexadecimal digits of a hash, by the name of its algorithm in small letters and without hyphens. */
const HASH_DIGITS: Readonly<Record<string, number>> = {
  md5: 32,
  md6: 64,
  ripemd160: 40,
  sha1: 40,
  sha224: 56,
  sha256: 64,
  sha384: 96,
  sha512: 128,
  sha3224: 56,
  sha3256: 64,
  sha3384: 96,
  sha3512: 128,
  whirlpool: 128,
}

function isHash(constant: Literal, digits: number): boolean {
  if (constant.type === 'hex') return constant.value.length * 2 === digits
  return constant.type === 'string' && constant.value.length === digits && /^[0-9a-fA-F]*$/.test(constant.value)
}
