/**
 * A case: what a client hands to its provider in confidence, and what becomes of it.
 *
 * `received` → `in-review` ⇄ `asked-back` → `publishing` → `accepted`, or → `declined`; each of them → `withdrawn` by its client.
 * `publishing` lasts as long as the
 * derived objects go to their logs; after a crash it is taken up again with the same bytes.
 * @see DOMAIN section 6
 */
import type { JsonObject, MemberId, Millis } from '#base'
import type { Audience, TlpLevel } from '#log'
import type { Consent } from '#policy'
import type { Finding } from './scrub.ts'

/** Where a case stands. */
export const CASE_STATES = [
  'received',
  'in-review',
  'asked-back',
  'publishing',
  'accepted',
  'declined',
  'withdrawn',
] as const

/** Where a case stands. */
export type CaseState = (typeof CASE_STATES)[number]

/** States in which the reviewer still works on the case. */
export const OPEN_STATES: readonly CaseState[] = ['received', 'in-review', 'asked-back']

/** A submission travels and is kept under AMBER+STRICT, and only as far as its client reports to its provider. */
export const CASE_AUDIENCE: Audience = { v: 1, tlp: 'amber+strict' }

/** What somebody wrote into a case; a note stays on the side of the reviewers. */
export interface CaseMessage {
  from: 'reviewer' | 'submitter'
  kind: 'question' | 'answer' | 'note'
  text: string
  time: Millis
}

/** One change that a reviewer makes to what would be published. `path` is a selector; '' is the whole object. */
export interface CaseEdit {
  object: string
  path: string
  /** `keep` overrules the scrubbing of one place; never where the source itself would show. */
  op: 'remove' | 'replace' | 'keep'
  value?: JsonObject[string]
}

/** An object of a submission that was not taken, and why. */
export interface RefusedObject {
  id: string
  code: string
  message: string
}

/** Who is protected. */
export interface Source {
  id: MemberId
  slug: string
  name: string
  nation: string | null
}

/** A case without its objects. */
export interface Case {
  id: string
  /** Who submitted, as the charter named it then. */
  org: MemberId
  source: Source
  state: CaseState
  received: Millis
  updated: Millis
  /** As recorded: what the client agreed to, when, with which token. */
  consent: { value: Consent; time: Millis; token: string }
  /** What it had agreed to, where it took that back. */
  consentBefore?: { value: Consent; time: Millis; token: string }
  /** Present while what it took back is being recalled. */
  withdrawing?: 'consent' | 'all'
  /** Words and names that must never show, beside those that the charter knows. */
  protect: string[]
  objects: number
  refused: RefusedObject[]
  messages: CaseMessage[]
  edits: CaseEdit[]
  /** Hash of what was submitted, by which a repetition is known. */
  digest: string
  /** Why it was declined, as the client reads it. */
  reason?: string
}

/** One publication of a case: into one alliance, for one audience. */
export interface Publication {
  alliance: string
  form: 'base' | 'supplement'
  tlp: TlpLevel
  to: string[]
  objects: JsonObject[]
  /** Where it stands, once it does. */
  places: { id: string; log: string; index: number }[]
  /** Organisations that it goes to. */
  recipients: string[]
}

/** What an accepted case becomes; fixed before the first byte of it goes anywhere. */
export interface CasePlan {
  time: Millis
  publications: Publication[]
  /** What was protected, as counts by kind. */
  protected: Partial<Record<Finding['kind'], number>>
}

/** What a case becomes when its submitter answers: a question that waits is answered. */
export const answered = (state: CaseState): CaseState => (state === 'asked-back' ? 'in-review' : state)
