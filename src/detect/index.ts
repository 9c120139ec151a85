export { DetectError, type DetectCode } from './error.ts'
export type { ArmedAs, ArmResult, EventRef, Hit, Rule, RuleSource } from './rule.ts'
export { type Format, type Logsource, NormalEvent, type Observable, type ObservableKind } from './event.ts'
export { DEFAULT_ALLOW, Guard, type GuardOptions } from './guard.ts'
