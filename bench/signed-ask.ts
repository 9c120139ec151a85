// Requests under /link/v1 as a peer's node makes them, from outside of any node: what one of them costs.
import { randomBytes } from 'node:crypto'
import { type MemberId, toHex } from '#base'
import { signLinkRequest, type Signer } from '#log'

/** Who asks, and whom. */
export interface Asking {
  from: MemberId
  signer: Signer
  to: MemberId
  address: string
}

/**
 * The body of the answer to a signed GET.
 * @throws Error naming status and target where it was refused
 */
export async function askSigned({ from, signer, to, address }: Asking, target: string): Promise<Buffer> {
  const nonce = toHex(new Uint8Array(randomBytes(16)))
  const created = Math.floor(Date.now() / 1_000)
  const request = { method: 'GET', target, body: new Uint8Array() }
  const headers = signLinkRequest(request, { from, to, created, nonce, signer })
  const answer = await fetch(address + target, { headers })
  if (!answer.ok) throw new Error(`${target}: ${answer.status}`)
  return Buffer.from(await answer.arrayBuffer())
}
