export type { AirGapExport, AirGapImport } from './air-gap/air-gap.ts'
export type { Amendment, RowChange } from './alliance/amendment.ts'
export type { CharterStanding, SeenCharter } from './alliance/charter-sightings.ts'
export type { NewRoot } from './alliance/new-roots.ts'
export type {
  Alarm,
  AlarmKind,
  Federation,
  FederationEvents,
  FederationOptions,
  Limits,
  LinkRequest,
  LinkResponse,
  LinkState,
  Mirrored,
  Recalled,
  Recovered,
  RecallAck,
  Receipt,
  Revised,
  Self,
  Timers,
  Transport,
  TransportRequest,
  TransportResponse,
} from './api.ts'
export type {
  Admission,
  Alliances,
  Directory,
  DirectoryMember,
  JoinRequest,
  NextRoot,
  ProposalState,
  RootSigner,
  VotedCharter,
} from './alliance-api.ts'
export { FederationError, type FederationErrorCode } from './error.ts'
export { openFederation } from './federation.ts'
export { LIMITS as LINK_LIMITS } from './limits.ts'
export { type QuotaLimits, type QuotaStanding, QUOTAS } from './quota-limits.ts'
export { keyWords } from './words.ts'
export { SigningGate } from './signing-gate.ts'
