import type { KeyId } from '#base'
import type { Signer } from '#log'

/** The node key in use: whoever holds this object signs with the next one as soon as it is changed. */
export class CurrentKey implements Signer {
  #current: Signer

  constructor(first: Signer) {
    this.#current = first
  }

  get publicKey(): Uint8Array {
    return this.#current.publicKey
  }

  get keyId(): KeyId {
    return this.#current.keyId
  }

  sign(bytes: Uint8Array): Uint8Array {
    return this.#current.sign(bytes)
  }

  use(next: Signer): void {
    this.#current = next
  }
}
