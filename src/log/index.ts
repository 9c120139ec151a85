export { LogError, type LogErrorCode } from './error.ts'
export { hasExactly, isCount, isMemberId, isNation, isSlug } from './fields.ts'
export { type Audience, audienceId, canonicalAudience, TLP_LEVELS, type TlpLevel, toAudience } from './audience.ts'
export {
  decodeEntry,
  encodeEntry,
  type Entry,
  ENTRY_HEADER_BYTES,
  ENTRY_KIND,
  type EntryKind,
  logIdOf,
  parseGenesis,
  PAYLOAD_MAX_BYTES,
  peekEntry,
} from './entry.ts'
export {
  type Close,
  type Expiry,
  type Genesis,
  genesisPayload,
  plainPayload,
  readClose,
  readExpiry,
  readGenesis,
  readRecall,
  type Recall,
} from './payload.ts'
export { RECALL_REASONS, type RecallReason } from './recall-reasons.ts'
export { keyIdOf, memberIdOf, type PublicKey, type Signer, toPublicKey, toSigner, verifySignature } from './keys.ts'
export { isQuota, type MemberQuota, QUOTA_NAMES } from './member-quota.ts'
export { EMPTY_ROOT, Frontier, type HashAt, leafHash, nodeHash, rootOf } from './tree.ts'
export { hashFromTiles, TILE_WIDTH, tileSlot } from './tiles.ts'
export {
  consistencyProof,
  inclusionProof,
  isPowerOfTwo,
  rootsOfPath,
  verifyConsistency,
  verifyInclusion,
} from './proofs.ts'
export { keyHash, type NoteVerifier, openNote, parseVerifierKey, signNote } from './note.ts'
export { type Checkpoint, checkSuccessor, openCheckpoint, peekCheckpoint, signCheckpoint } from './checkpoint.ts'
export { type Envelope, parseEnvelope, signStatement, statementHash, verifyStatement } from './statement.ts'
export { SNAPSHOT_FRESH_MS } from './statement-fields.ts'
export {
  checkDelegation,
  type Delegation,
  type DelegationEnd,
  type KeyWindow,
  keyWindows,
  openDelegation,
  type Purpose,
  signedBy,
} from './delegation.ts'
export {
  CHARTER_MAX_MEMBERS,
  type CharterClient,
  type CharterMember,
  type CharterRules,
  type CharterStatement,
  type CharterVerdict,
  checkCharter,
  isKeyed,
  membersAtFork,
  quorumOf,
  type Standing,
  toCharter,
  type Vote,
} from './charter.ts'
export {
  allHash,
  type LogRow,
  nextList,
  type OpenedSnapshot,
  openSnapshot,
  signSnapshot,
  type Snapshot,
  SNAPSHOT_AHEAD_MS,
  type SnapshotContext,
  type SnapshotDelta,
  type SnapshotInput,
} from './snapshot.ts'
export {
  decodeFrames,
  encodeFrame,
  encodeFrames,
  ENTRY_MAX_BYTES,
  type Frame,
  FrameDecoder,
  Possession,
  possession,
} from './frames.ts'
export {
  contentDigest,
  LINK_CLOCK_SECONDS,
  LINK_NONCE_SECONDS,
  type LinkHeaders,
  type LinkRequest,
  type LinkSigning,
  type LinkVerifying,
  signLinkRequest,
  type VerifiedLink,
  verifyLinkRequest,
} from './link-request.ts'
export {
  AIR_GAP_LINE_BYTES,
  AIR_GAP_MAGIC,
  type AirGapEntries,
  type AirGapFile,
  type AirGapHeader,
  type AirGapLine,
  decodeAirGap,
  decodeAirGapHeader,
  decodeAirGapLine,
  encodeAirGap,
  encodeAirGapHeader,
  encodeAirGapLine,
  requireAscending,
} from './air-gap.ts'
export {
  EVIDENCE_FORMAT,
  type EvidenceFile,
  examineEvidence,
  isEvidence,
  toEvidenceFile,
  type Verdict,
} from './evidence/evidence-file.ts'
export { type CheckedAlliance, KeyBook } from './evidence/key-book.ts'
export { type Examined, examineSigned, type SignedThing } from './evidence/signed-things.ts'
export type { SignedEntry, SignedHead } from './evidence/opened.ts'
export type { Proof } from './evidence/proof.ts'
export { answerWireVector } from './vectors.ts'
export { clientIdOf } from './client-id.ts'
