import { type JsonObject, type KeyId, type MemberId, type Millis, fromBase64, toBase64 } from '#base'
import { LogError } from './error.ts'
import { keyIdOf, toPublicKey } from './keys.ts'
import { type Envelope, parseEnvelope, verifyStatement } from './statement.ts'

/** What a delegated key may be used for. */
export type Purpose = 'node' | 'seal' | 'recipient'

/** A root key's word that another key acts for the member from `from` until, not including, `until`. */
export interface Delegation extends JsonObject {
  type: 'delegation'
  member: MemberId
  /** 32 bytes in base64: Ed25519, or X25519 for a recipient. */
  key: string
  purpose: Purpose
  from: Millis
  until: Millis
}

/** A root key's word that a delegation ends before its `until`. @see docs/wire.md, Ending a delegation early */
export interface DelegationEnd extends JsonObject {
  type: 'delegation-end'
  member: MemberId
  key: string
  until: Millis
  reason: 'compromised' | 'lost' | 'replaced'
  time: Millis
}

/** What a delegation must say to count. */
export interface DelegationQuestion {
  root: Uint8Array
  member: MemberId
  key: Uint8Array
  purpose: Purpose
  at: Millis
}

/**
 * Checks that a delegation, signed by the member's root key, covers that key, purpose and instant.
 * @throws LogError DELEGATION_INVALID, STATEMENT_INVALID, SIGNATURE_INVALID, KEY_INVALID
 */
export function checkDelegation(envelope: unknown, question: DelegationQuestion): Delegation {
  const delegation = openDelegation(envelope, question.root)
  const { member, key, purpose, from, until } = delegation
  if (member !== question.member) throw refused(`is of ${member}, not of ${question.member}`)
  if (key !== toBase64(question.key)) throw refused('is for another key')
  if (purpose !== question.purpose) throw refused(`is for the purpose ${purpose}, not ${question.purpose}`)
  if (question.at < from || question.at >= until) throw refused(`covers ${from} to ${until}, not ${question.at}`)
  return delegation
}

/**
 * A delegation whose signature by the root key holds and whose key may be used as such.
 * @throws LogError STATEMENT_INVALID, SIGNATURE_INVALID, KEY_INVALID
 */
export function openDelegation(envelope: unknown, root: Uint8Array): Delegation {
  const delegation = verifyStatement<Delegation>(envelope, 'delegation', [root])
  if (delegation.purpose !== 'recipient') toPublicKey(fromBase64(delegation.key))
  return delegation
}

/** A key of a member and the instants at which it counts. */
export interface KeyWindow {
  key: Uint8Array
  keyId: KeyId
  purpose: Purpose
  from: Millis
  /** Already lowered where the delegation was ended early. */
  until: Millis
  /** Nothing that first arrives after this instant counts, whatever time it claims: set for a compromised key. */
  distrustedFrom?: Millis
}

/**
 * The keys that a member's delegations give, less what early ends take back. Envelopes of other members, or not signed
 * by the root key, are refused.
 * @throws LogError DELEGATION_INVALID, STATEMENT_INVALID, SIGNATURE_INVALID, KEY_INVALID
 */
export function keyWindows(envelopes: readonly Envelope[], member: MemberId, root: Uint8Array): KeyWindow[] {
  const windows: KeyWindow[] = []
  const ends = new Map<string, DelegationEnd>()
  for (const envelope of envelopes) {
    if (parseEnvelope(envelope).statement['type'] === 'delegation-end') {
      const end = verifyStatement<DelegationEnd>(envelope, 'delegation-end', [root])
      if (end.member !== member) throw refused(`is of ${end.member}, not of ${member}`)
      const known = ends.get(end.key)
      if (!known || end.until < known.until) ends.set(end.key, end)
    } else {
      const { member: of, key, purpose, from, until } = openDelegation(envelope, root)
      if (of !== member) throw refused(`is of ${of}, not of ${member}`)
      const raw = fromBase64(key)
      windows.push({ key: raw, keyId: keyIdOf(raw), purpose, from, until })
    }
  }
  return windows.map((window) => ended(window, ends.get(toBase64(window.key))))
}

/** Those of the statements that this root key signed, or claims to have. */
export function signedBy(envelopes: readonly Envelope[], root: Uint8Array): Envelope[] {
  const id = keyIdOf(root)
  return envelopes.filter(({ signatures }) => signatures.some(({ key }) => key === id))
}

function ended(window: KeyWindow, end: DelegationEnd | undefined): KeyWindow {
  if (!end) return window
  const until = Math.min(window.until, end.until)
  return end.reason === 'compromised' ? { ...window, until, distrustedFrom: end.until } : { ...window, until }
}

const refused = (what: string) => new LogError('DELEGATION_INVALID', `The delegation ${what}`)
