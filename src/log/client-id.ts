import { type MemberId, type Slug, uuid5 } from '#base'

const CLIENT_NAMESPACE = '0a3cf7b1-52c8-5d0e-9d0b-0c6f0f3d2a57'

/**
 * Id of a client that has no key of its own: from its provider and its slug, so that the client is one organisation in
 * every alliance of its provider, and two providers' clients never share an id.
 * @see docs/submissions.md, Clients
 */
export const clientIdOf = (provider: MemberId, slug: Slug): MemberId =>
  `identity--${uuid5(CLIENT_NAMESPACE, `${provider}\n${slug}`)}`
