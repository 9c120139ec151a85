import {
  canonicalJson,
  fromBase64,
  fromUtf8,
  type Hash,
  type Json,
  type MemberId,
  type Millis,
  parseJson,
  sha256Hex,
  type Slug,
  toBase64,
  utf8,
} from '#base'
import { hasExactly, isCount, isMemberId, isSlug, memberIdOf } from '#log'
import { FederationError } from '../error.ts'

/** What an invitation tells its recipient; the text is the base64url of its JSON. */
export interface Invitation {
  alliance: Slug
  inviter: MemberId
  /** First root key of the inviter, in base64: its member id follows from it. */
  root: string
  address: string
  /** One-time, 32 random bytes in base64. */
  secret: string
  expires: Millis
}

const TEXT_MAX_CHARS = 4_096

/** The text that the inviter hands over. */
export function invitationText(invitation: Invitation): string {
  return Buffer.from(canonicalJson({ ...invitation } as unknown as Json)).toString('base64url')
}

/** @throws FederationError INVITATION_INVALID */
export function parseInvitation(text: string): Invitation {
  try {
    const trimmed = text.trim()
    if (trimmed.length > TEXT_MAX_CHARS) throw new Error('it is too long')
    const value = parseJson(fromUtf8(Buffer.from(trimmed, 'base64url')))
    if (!hasExactly(value, ['alliance', 'inviter', 'root', 'address', 'secret', 'expires']))
      throw new Error('its members are not those of an invitation')
    const { alliance, inviter, root, address, secret, expires } = value
    if (typeof root !== 'string' || typeof secret !== 'string') throw new Error('its key or secret is no text')
    if (!isSlug(alliance) || !isMemberId(inviter) || !isCount(expires))
      throw new Error('alliance, inviter or expiry is wrong')
    if (typeof address !== 'string' || !/^https?:\/\/[^\s/]/.test(address))
      throw new Error('its address is no http(s) URL')
    if (memberIdOf(fromBase64(root, 32)) !== inviter) throw new Error('the inviter is not the owner of its key')
    return { alliance, inviter, root, address, secret: toBase64(fromBase64(secret, 32)), expires }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new FederationError(
      'INVITATION_INVALID',
      `This is no whole invitation (${why}); copy it again from the inviter`,
      { cause },
    )
  }
}

/** Under which an invitation is kept: the secret itself is not. */
export function secretHash(secret: string): Hash {
  return sha256Hex(utf8('noroshi/invitation/v1\n'), utf8(secret))
}
