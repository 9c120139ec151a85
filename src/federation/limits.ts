import type { Limits } from './api.ts'
import type { BackoffRange } from './backoff.ts'

const KIB = 1_024
const MIB = 1_024 * KIB

/** Every bound of a link, with its unit in the name; each can be set by the operator. */
export const LIMITS: Limits = {
  /** A page of receipts or a charter; larger requests get 413. */
  requestBodyBytes: MIB,
  /** One page of entries plus one entry of the largest size, or a snapshot of 100,000 logs. */
  responseBodyBytes: 24 * MIB,
  headerBytes: 16 * KIB,
  /** What one answer of entries holds at most, but at least one entry. */
  pageBytes: 4 * MIB,
  pageEntries: 4_096,
  /** Entries pushed along with a snapshot on the stream; more is fetched. */
  inlineBytes: 256 * KIB,
  /** Logs that one snapshot names anew, or takes out; the rest follows in the next: about 2 MiB. */
  snapshotRows: 10_000,
  streamsPerPeer: 2,
  /** Signed requests of one key within the 121 s for which nonces are remembered. */
  noncesPerKey: 20_000,
  /** Bytes that one peer is answered with: a million entries in half a minute, and never all of a disk's or line's speed. */
  peerBytesPerSecond: 32 * MIB,
  requestTimeoutMs: 15_000,
  /** Three missed keepalives: the stream counts as dead. */
  streamIdleMs: 45_000,
  /** A fresh snapshot long before the last one expires (600 s). */
  pollMs: 60_000,
  keepaliveMs: 15_000,
  backoffFirstMs: 250,
  backoffMaxMs: 30_000,
  /** Withheld content is kept as evidence for 72 hours, then purged. @see WIRE, Recall */
  evidenceHoldMs: 72 * 3_600_000,
}

/** How far ahead a peer's clock may be. @see WIRE, Snapshot */
export const CLOCK_AHEAD_MS = 60_000

/** How long a nonce is remembered for its key. @see WIRE, Link requests */
export const NONCE_SECONDS = 121

/** Entries that may stand between two checkpoints of a log: what a reader buffers until it can verify. */
export const CHECKPOINT_GAP_BYTES = 256 * MIB

/** Waits between two questions to the inviter whether a join is in force. */
export const JOIN_POLL: BackoffRange = { firstMs: 5_000, maxMs: 60_000 }

/** Frames of one offer: one entry of the largest size in base64, with its neighbours. */
export const OFFER_FRAMES_BYTES = 2 * MIB
/** An offer whole: its frames in base64, and a snapshot beside them. */
export const OFFER_BODY_BYTES = 6 * MIB
/** Entries of all peers that wait, verified by nothing yet, for the part of an offer that brings their checkpoint. */
export const OFFER_STAGED_BYTES = 64 * MIB

/** Lists of logs that a carrier keeps for readers, of all authors: snapshots of about 400,000 logs. */
export const CARRIED_LIST_BYTES = 64 * MIB
/** Statements that wait at a carrier for one author; more are refused, and their sender tries again later. */
export const FORWARDED_MOST = 10_000

/** How long an invitation is good. */
export const INVITATION_VALID_MS = 7 * 24 * 3_600_000

/** Snapshots and stream events of peers with many logs are larger than one object may be. */
export const JSON_LIMITS = { maxBytes: LIMITS.responseBodyBytes }
