export {
  answered,
  type Case,
  CASE_AUDIENCE,
  CASE_STATES,
  type CaseEdit,
  type CaseMessage,
  type CasePlan,
  OPEN_STATES,
  type Publication,
  type Source,
} from './case.ts'
export { CASE_ID_RANDOM_BYTES, caseId, Cases, CASES_PER_ORG, OPEN_CASES_PER_ORG } from './cases.ts'
export { derive, type Derived } from './derive.ts'
export { takeIn } from './intake.ts'
export { pseudonymOf } from './pseudonym.ts'
export { type SubmissionReceipt, toReceipt } from './receipt.ts'
export type { Finding } from './scrub.ts'
export { editFault } from './edit.ts'
export { erasePurgedPlans } from './purged.ts'
