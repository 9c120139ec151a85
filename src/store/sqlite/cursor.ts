import { createCipheriv, createDecipheriv } from 'node:crypto'
import { StoreError } from '../errors.ts'
import type { ObjectQuery } from '../store.ts'

type Order = NonNullable<ObjectQuery['order']>

const MARK = 0x6e6f726f
const BLOCK_BYTES = 16

/**
 * Page cursors: the sequence number of the last row, enciphered as one AES block. Sequence numbers run over all logs;
 * shown openly their gaps would tell a reader how much there is that it may not see.
 */
export class Cursors {
  readonly #key: Uint8Array

  constructor(key: Uint8Array) {
    this.#key = key
  }

  toCursor(order: Order, sequence: number): string {
    const block = Buffer.alloc(BLOCK_BYTES)
    block.writeUInt32BE(MARK, 0)
    block.writeUInt32BE(order === 'newest' ? 1 : 0, 4)
    block.writeBigUInt64BE(BigInt(sequence), 8)
    const cipher = createCipheriv('aes-128-ecb', this.#key, null).setAutoPadding(false)
    return Buffer.concat([cipher.update(block), cipher.final()]).toString('base64url')
  }

  /** @throws StoreError STORE_BAD_CURSOR */
  fromCursor(order: Order, cursor: string): number {
    const bytes = Buffer.from(cursor, 'base64url')
    if (bytes.length === BLOCK_BYTES && bytes.toString('base64url') === cursor) {
      const decipher = createDecipheriv('aes-128-ecb', this.#key, null).setAutoPadding(false)
      const block = Buffer.concat([decipher.update(bytes), decipher.final()])
      if (block.readUInt32BE(0) === MARK && block.readUInt32BE(4) === (order === 'newest' ? 1 : 0))
        return Number(block.readBigUInt64BE(8))
    }
    throw new StoreError(
      'STORE_BAD_CURSOR',
      'The cursor is not one that this store gave for this order. Begin without one',
    )
  }
}
