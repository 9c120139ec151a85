import { utf8 } from '#base'
import { signLinkRequest } from '#log'
import type { LinkRequest } from '../api.ts'
import type { RealNode } from './real-node.ts'

let nonces = 0

/** A request that one node signs for another, to be handed to the other's `handle`. */
export function signed(
  from: Pick<RealNode, 'member'>,
  to: Pick<RealNode, 'member'>,
  target: string,
  more: { method?: string; body?: string } = {},
): LinkRequest {
  const { method = 'GET', body: text = '' } = more
  const body = utf8(text)
  const { member, nodeKey: signer } = from.member.self
  const created = Math.floor(Date.now() / 1_000)
  const nonce = String(++nonces).padStart(32, '0')
  const headers = signLinkRequest(
    { method, target, body },
    { from: member, to: to.member.self.member, created, nonce, signer },
  )
  return { method, target, headers, body }
}
