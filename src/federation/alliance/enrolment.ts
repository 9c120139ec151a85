/**
 * What a provider hands to its client that runs a node of its own, once the charter lists the client's keys: whose client
 * it is, in which alliance, and where to reach the provider. Nothing in it is secret; it has to come from the provider.
 */
import { canonicalJson, fromBase64, fromUtf8, isJsonObject, type Json, parseJson, type Slug } from '#base'
import { type CharterMember, hasExactly, isSlug, memberIdOf } from '#log'
import { FederationError } from '../error.ts'
import { requireRow } from './joins.ts'

/** An enrolment; the text is the base64url of its JSON. */
export interface Enrolment {
  alliance: Slug
  provider: CharterMember
  address: string
}

const TEXT_MAX_CHARS = 262_144

/** The text that the provider hands over. */
export function enrolmentText({ alliance, provider, address }: Enrolment): string {
  // Its other clients are none of this one's business before it may read the charter.
  const row = { ...provider }
  delete row.clients
  return Buffer.from(canonicalJson({ alliance, provider: row, address } as unknown as Json)).toString('base64url')
}

/** @throws FederationError INVITATION_INVALID */
export function parseEnrolment(text: string): Enrolment {
  try {
    const trimmed = text.trim()
    if (trimmed.length > TEXT_MAX_CHARS) throw new Error('it is too long')
    const value = parseJson(fromUtf8(Buffer.from(trimmed, 'base64url')))
    if (!hasExactly(value, ['alliance', 'provider', 'address']))
      throw new Error('its members are not those of an enrolment')
    const { alliance, provider, address } = value
    if (!isSlug(alliance) || !isJsonObject(provider)) throw new Error('alliance or provider is wrong')
    if (typeof address !== 'string' || !/^https?:\/\/[^\s/]/.test(address))
      throw new Error('its address is no http(s) URL')
    const row = provider as unknown as CharterMember
    requireRow(row)
    if (memberIdOf(fromBase64(row.firstRoot ?? row.root, 32)) !== row.id)
      throw new Error('the provider is not the owner of its key')
    return { alliance, provider: row, address }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new FederationError(
      'INVITATION_INVALID',
      `This is no whole enrolment (${why}); copy it again from the provider`,
      {
        cause,
      },
    )
  }
}
