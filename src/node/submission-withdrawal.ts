import type { Millis } from '#base'
import type { Case, CasePlan } from '#casework'
import { NodeError } from './errors.ts'
import type { RecallWork } from './recall-tasks.ts'

/** What a client takes back: that its name is shown, or all of it. */
export type Withdrawn = 'consent' | 'all'

/** A case whose withdrawal has begun: from now on nobody is named by it. */
export function withdrawn(one: Case, what: Withdrawn, { time, token }: { time: Millis; token: string }): Case {
  const before = one.consentBefore ?? one.consent
  return {
    ...one,
    consent: { value: 'none', time, token },
    ...(before.value === 'none' ? {} : { consentBefore: before }),
    withdrawing: what,
    updated: time,
  }
}

/** Recalls what stands of a case: its supplements, or everything; answers the plan without what is gone. */
export async function recallOfCase(work: RecallWork, plan: CasePlan, what: Withdrawn): Promise<CasePlan> {
  const publications: CasePlan['publications'] = []
  for (const publication of plan.publications) {
    const isGone = what === 'all' || publication.form === 'supplement'
    if (!isGone) {
      publications.push(publication)
      continue
    }
    for (const id of new Set(publication.objects.map((object) => String(object['id'])))) await takeBack(work, id)
    publications.push({ ...publication, objects: [] })
  }
  return { ...plan, publications }
}

async function takeBack(work: RecallWork, id: string): Promise<void> {
  try {
    await work.takeBack({ id, reason: 'source-protection' })
  } catch (error) {
    // It was taken back before, by hand or by the run that was cut off.
    if (!(error instanceof NodeError) || error.code !== 'NOT_FOUND') throw error
  }
}
