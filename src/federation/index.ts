export type { AirGapExport, AirGapImport } from './air-gap/air-gap.ts'
export type { Amendment, RowChange } from './alliance/amendment.ts'
export type { CharterStanding, SeenCharter } from './alliance/charter-sightings.ts'
export type { NewRoot } from './alliance/new-roots.ts'
export type {
  Admission,
  Alarm,
  AlarmKind,
  Alliances,
  Directory,
  DirectoryMember,
  Federation,
  FederationEvents,
  FederationOptions,
  JoinRequest,
  Limits,
  LinkRequest,
  LinkResponse,
  LinkState,
  Mirrored,
  NextRoot,
  ProposalState,
  Recalled,
  Recovered,
  RecallAck,
  Receipt,
  Revised,
  RootSigner,
  Self,
  Timers,
  Transport,
  TransportRequest,
  TransportResponse,
  VotedCharter,
} from './api.ts'
export { FederationError, type FederationErrorCode } from './error.ts'
export { openFederation } from './federation.ts'
export { type QuotaLimits, type QuotaStanding, QUOTAS } from './quota-limits.ts'
export { keyWords } from './words.ts'
export { SigningGate } from './signing-gate.ts'
