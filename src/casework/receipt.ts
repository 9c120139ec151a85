import type { Millis } from '#base'
import type { Consent } from '#policy'
import type { CasePlan } from './case.ts'
import { SMALL_COUNT } from './scrub.ts'

/** What a submitter is told of what its submission became; nothing in it leads to a shared object. */
export interface SubmissionReceipt {
  accepted: Millis
  /** Organisations that it was shared with. */
  sharedWith: string
  /** Of these, how many proved that they have it. */
  acknowledged: string
  /** How many said that they saw it at work. */
  sighted: string
  /** How far the source shows. */
  source: string
  /** What was cut out or made coarse, by kind. */
  protected: CasePlan['protected']
}

const SHOWN_TO: Readonly<Record<Consent, string>> = {
  none: 'hidden from everybody',
  'own-gov': 'shown to national CSIRTs and agencies of your nation',
  gov: 'shown to national CSIRTs and agencies',
  everyone: 'shown to everybody who has it',
}

/** Steps of coarse numbers, the highest first. */
const STEPS = [300, 100, 30, 10, SMALL_COUNT]

/** A count that tells nothing of single organisations: `fewer than 3`, else the number. */
export const toldCount = (count: number): string => (count < SMALL_COUNT ? `fewer than ${SMALL_COUNT}` : String(count))

/** A count in steps, so that its growth by one does not show: `10 or more`. */
export function coarseCount(count: number): string {
  const step = STEPS.find((least) => count >= least)
  return step === undefined ? `fewer than ${SMALL_COUNT}` : `${step} or more`
}

/** The receipt of an accepted case. */
export function toReceipt(
  plan: CasePlan,
  consent: Consent,
  counts: { recipients: number; acknowledged: number; sighted: number },
): SubmissionReceipt {
  return {
    accepted: plan.time,
    sharedWith: toldCount(counts.recipients),
    acknowledged: coarseCount(counts.acknowledged),
    sighted: coarseCount(counts.sighted),
    source: SHOWN_TO[consent],
    protected: plan.protected,
  }
}
