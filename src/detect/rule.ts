import type { LogId, MemberId, Millis } from '#base'
import type { DetectCode } from './error.ts'

/** Where a rule came from: an entry of a log. */
export interface RuleSource {
  log: LogId
  index: number
}

/** What is armed: one STIX pattern or one Sigma rule, with its validity (from inclusive, until exclusive). */
export interface Rule {
  id: string
  member?: MemberId
  source?: RuleSource
  kind: 'stix' | 'sigma'
  /** The STIX pattern, or the YAML of the Sigma rule. */
  pattern: string
  validFrom: Millis
  validUntil?: Millis
}

/** How a rule is held: in the index of atoms, by the pattern evaluator, or as a Sigma rule. */
export type ArmedAs = 'atoms' | 'pattern' | 'sigma'

/** Answer to `arm`: active from now on, or refused with a reason. */
export type ArmResult =
  | { armed: true; as: ArmedAs; atoms: number; replaced: boolean }
  | { armed: false; code: DetectCode; message: string }

/** Which event: its line (from 1) and, where there is one, its file. */
export interface EventRef {
  file?: string
  line: number
}

/** One end of a match over several events. */
export interface HitEnd {
  time: Millis
  event: EventRef
}

/** What a pattern over several events matched: how many, the first and the last of them by time. */
export interface HitSpan {
  events: number
  first: HitEnd
  last: HitEnd
}

/** One rule or indicator that matched one event; of a pattern over several events: the one that made it complete. */
export interface Hit {
  id: string
  kind: 'stix' | 'sigma'
  member?: MemberId
  source?: RuleSource
  /** The observed value for an indicator, or its pattern (cut short); the title of a Sigma rule otherwise. */
  value: string
  /** Time of the event; a Sigma hit on an event that carries none has none. */
  time: Millis | undefined
  event: EventRef
  /** Of a pattern over several events. */
  span?: HitSpan
}
