import { createCipheriv, createDecipheriv } from 'node:crypto'
import { NodeError } from './errors.ts'

/** Cursors are padded to a multiple of this, so that their length tells nothing. */
const PAD_BYTES = 96
const NONCE_BYTES = 12
const TAG_BYTES = 16

/**
 * Seals the store's cursors: they hold row numbers, from whose gaps a reader could count what it may not see.
 *
 * A cursor works only with the token it was given to.
 */
export class CursorSeal {
  readonly #key: Uint8Array
  readonly #random: (bytes: number) => Uint8Array

  constructor(random: (bytes: number) => Uint8Array) {
    this.#key = random(32)
    this.#random = random
  }

  seal(cursor: string, tokenId: string): string {
    const nonce = this.#random(NONCE_BYTES)
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce).setAAD(Buffer.from(tokenId))
    const text = Buffer.from(cursor)
    const padded = Buffer.alloc(Math.ceil((text.length + 2) / PAD_BYTES) * PAD_BYTES)
    padded.writeUInt16BE(text.length)
    text.copy(padded, 2)
    return Buffer.concat([nonce, cipher.update(padded), cipher.final(), cipher.getAuthTag()]).toString('base64url')
  }

  /** @throws CURSOR_INVALID */
  open(sealed: string, tokenId: string): string {
    try {
      const bytes = Buffer.from(sealed, 'base64url')
      const tagAt = bytes.length - TAG_BYTES
      const nonce = bytes.subarray(0, NONCE_BYTES)
      // Else a cursor cut short would be checked by fewer bits.
      const decipher = createDecipheriv('aes-256-gcm', this.#key, nonce, { authTagLength: TAG_BYTES })
      decipher.setAAD(Buffer.from(tokenId)).setAuthTag(bytes.subarray(tagAt))
      const padded = Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, tagAt)), decipher.final()])
      return padded.subarray(2, 2 + padded.readUInt16BE()).toString()
    } catch {
      throw new NodeError('CURSOR_INVALID', 'cursor: not one that this node gave to this token since it started.')
    }
  }
}
