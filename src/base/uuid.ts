import { createHash } from 'node:crypto'
import { utf8 } from './bytes.ts'

/**
 * UUID version 5: name-based, SHA-1, lower case.
 * `uuid5('6ba7b810-9dad-11d1-80b4-00c04fd430c8', 'www.example.com')` is `'2ed6657d-e927-568b-95e1-2665a8aea6a2'`.
 * @see RFC 9562 section 5.5
 */
export function uuid5(namespace: string, name: string): string {
  const digest = createHash('sha1')
    .update(Buffer.from(namespace.replaceAll('-', ''), 'hex'))
    .update(utf8(name))
    .digest()
  digest[6] = ((digest[6] ?? 0) & 0x0f) | 0x50
  digest[8] = ((digest[8] ?? 0) & 0x3f) | 0x80
  const hex = digest.toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`
}
