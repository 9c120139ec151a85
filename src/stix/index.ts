export { validateObject, answerValidateVector } from './validate.ts'
export type { ValidateOptions, ValidateAnswer } from './validate.ts'
export type { Finding, FindingCode, Report } from './report.ts'
export { StixError } from './error.ts'
export type { StixErrorCode } from './error.ts'
export { objectColumns } from './columns.ts'
export type { StixColumns } from './columns.ts'
export { BundleContext } from './bundle-context.ts'
export { BundleReader } from './bundle-reader.ts'
export type { ReaderLimits, StreamItem } from './bundle-reader.ts'
export { scoId, SCO_NAMESPACE } from './sco-id.ts'
export {
  allVersions,
  compareVersions,
  conflictingVersions,
  latestVersions,
  revokedVersions,
  toStatedVersion,
  toVersion,
} from './version.ts'
export type { ObjectVersion, StatedVersion } from './version.ts'
export {
  PREDEFINED_MARKINGS,
  TLP_1_MARKINGS,
  TLP_2_EXTENSION,
  TLP_2_MARKINGS,
  TLP_LEVELS,
  TLP_LEVEL_BY_ID,
} from './marking.ts'
export type { TlpLabel } from './marking.ts'
export { parsePattern } from './pattern/parser.ts'
export { checkPattern } from './pattern/check.ts'
export type { PatternFinding } from './pattern/check.ts'
export { atomsOf } from './pattern/atoms.ts'
export type { Atom } from './pattern/atoms.ts'
export { PatternError } from './pattern/error.ts'
export type { PatternErrorCode } from './pattern/error.ts'
export type { ComparisonNode, ObservationNode, Pattern } from './pattern/ast.ts'
export { answerPatternCheckVector, answerPatternMatchVector } from './pattern/vector.ts'
export type { PatternCheckAnswer, PatternMatchAnswer } from './pattern/vector.ts'
export { compilePattern, matchObservations, matchPattern } from './pattern/match.ts'
export type { CompiledPattern } from './pattern/match.ts'
export { bindKept, testsMet, toStream } from './pattern/stream.ts'
export type { Kept, StreamPattern, TestSet } from './pattern/stream.ts'
export { observationsOf, toObservation } from './pattern/observed.ts'
export type { Observation } from './pattern/observed.ts'
export { contains, parseNetwork } from './pattern/address.ts'
export type { Network } from './pattern/address.ts'
