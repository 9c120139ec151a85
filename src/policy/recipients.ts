import { type Millis } from '#base'
import type { Audience } from '#log'
import { admits } from './admits.ts'
import { explain, type ReasonCode } from './reason.ts'
import type { Organisation, Register } from './register.ts'

/** An organisation that an audience admits, and why. */
export interface Recipient {
  readonly member: string
  readonly slug: string
  readonly code: ReasonCode
}

/** The answer for one organisation, as `publish --dry-run` shows it. */
export interface RecipientAnswer extends Recipient {
  readonly send: boolean
  readonly reason: string
}

/** Where a log goes from its author. */
export interface Destination {
  readonly audience: Audience
  readonly author: string
  readonly register: Register
  readonly now: Millis
}

/** Who receives a log from its author and who does not, each with its reason, in the order of the register. */
export function describeRecipients(destination: Destination): RecipientAnswer[] {
  const { audience, author, register, now } = destination
  const answers: RecipientAnswer[] = []
  for (const org of register.organisations()) {
    if (org.id === author) continue
    const channel = isHosted(org, register) ? 'client' : 'node'
    const { send, code } = admits({ audience, author, server: author, reader: org.id, channel, register, now })
    answers.push({ member: org.id, slug: org.slug, send, code, reason: explain(code) })
  }
  return answers
}

/** The organisations that receive a log from its author. */
export function recipientsOf(destination: Destination): Recipient[] {
  return describeRecipients(destination)
    .filter(({ send }) => send)
    .map(({ member, slug, code }) => ({ member, slug, code }))
}

/** A client without a node of its own reads at its provider's. */
export const isHosted = (org: Organisation, register: Register) =>
  org.clientOf.length > 0 &&
  org.hasNode !== true &&
  !register.alliances().some((slug) => register.alliance(slug)?.has(org.id))
