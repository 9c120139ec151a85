import type { LogId, Millis } from '#base'
import type { Audience, TlpLevel } from '#log'
import type { Refusal } from './admission.ts'
import type { Submitter } from './client-submissions.ts'

/** How a publication is marked, beyond what its objects carry. */
export interface PublishOptions {
  tlp?: TlpLevel
  /** `alliance:…`, `community:…`, `member:…`, `nation:…`, `sector:…`, `kind:…` */
  to?: readonly string[]
  /** Id of the drill whose logs the objects go to: never mixed with production. */
  drill?: string
  /** Says what would happen, and does nothing. */
  dryRun?: boolean
  /** Who submits, where it is another organisation: it must not learn of logs that it may not see. */
  submitter?: Submitter
  /** Nobody asked for these objects by hand: what was taken back stays so, also where it has no versions. */
  isAutomatic?: boolean
}

/** One object version of a publication and where it stands. */
export interface PublishedObject {
  id: string
  /** Absent in a dry run, and before an embargo ends. */
  log?: LogId
  index?: number
  audience: Audience
  /** Slugs; in a dry run with the reason for each. */
  recipients: string[] | { member: string; slug: string; code: string }[]
  /** Present until the embargo ends: then the node appends it. */
  notBefore?: Millis
}

/** Answer to a publication. @see DESIGN section 9 */
export interface PublishResult {
  dryRun?: true
  published: PublishedObject[]
  refused: Refusal[]
  /** Counts of the refused by code and type, where anything was refused. */
  refusedByType?: Record<string, Record<string, number>>
}
