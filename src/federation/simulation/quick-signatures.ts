import crypto, { type KeyObject } from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'

/** Signatures kept in mind; a simulated alliance verifies each within seconds of its making. */
const KEPT = 20_000

/**
 * Makes simulations fast: a signature that was made or verified in this process is not computed again, where key, bytes and
 * signature are exactly the same. Whatever differs in one bit goes the whole way.
 */
export function rememberSignatures(most = KEPT): Disposable {
  const { sign, verify } = crypto
  const known = new Map<string, { key: string; bytes: Buffer }>()
  const names = new WeakMap<KeyObject, string>()
  const nameOf = (key: KeyObject): string => {
    const name = names.get(key) ?? String(key.export({ format: 'jwk' }).x)
    names.set(key, name)
    return name
  }
  const keep = (key: KeyObject, bytes: NodeJS.ArrayBufferView, signature: NodeJS.ArrayBufferView) => {
    if (known.size >= most) known.clear()
    known.set(textOf(signature), { key: nameOf(key), bytes: Buffer.from(viewOf(bytes)) })
  }
  const quickSign = (algorithm: null, bytes: NodeJS.ArrayBufferView, key: KeyObject) => {
    const signature = sign(algorithm, bytes, key)
    keep(key, bytes, signature)
    return signature
  }
  const quickVerify = (
    algorithm: null,
    bytes: NodeJS.ArrayBufferView,
    key: KeyObject,
    signature: NodeJS.ArrayBufferView,
  ) => {
    const made = known.get(textOf(signature))
    if (made && made.key === nameOf(key) && made.bytes.equals(viewOf(bytes))) return true
    const holds = verify(algorithm, bytes, key, signature)
    if (holds) keep(key, bytes, signature)
    return holds
  }
  Object.assign(crypto, { sign: quickSign, verify: quickVerify })
  syncBuiltinESMExports()
  return {
    [Symbol.dispose]() {
      Object.assign(crypto, { sign, verify })
      syncBuiltinESMExports()
    },
  }
}

const viewOf = ({ buffer, byteOffset, byteLength }: NodeJS.ArrayBufferView) =>
  Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength)
const textOf = (view: NodeJS.ArrayBufferView) => viewOf(view).toString('latin1')
