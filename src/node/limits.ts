import { LINK_LIMITS, QUOTAS } from '#federation'

/** Every limit of a node, with its unit; `noroshi.json` can set each under "limits". */
export interface Limits {
  /** Bytes of a publish request: ATT&CK Enterprise with room to grow. */
  publishBytes: number
  /** Bytes of any other request of the API. */
  bodyBytes: number
  /** Bytes of a telemetry request. */
  telemetryBytes: number
  /** Bytes of one link request of a peer. */
  linkBytes: number
  /** Objects of one listing page. */
  pageObjects: number
  /** Open event streams over all tokens. */
  eventStreams: number
  /** Tokens that a node keeps. */
  tokens: number
  /** Failed authentications of one address per minute before it must wait. */
  authFailuresPerMinute: number
  /** Entries of one commit, so that a large publication leaves room for others. */
  commitEntries: number
  /** Sightings published on their own per indicator author and hour. */
  sightingsPerAuthorHour: number
  /** Entries that this node holds of one author; a charter or the operator may set another limit for it. */
  authorEntries: number
  /** Bytes of them. */
  authorBytes: number
  /** Logs of one author that are open at a time. */
  authorLogs: number
  /** Entries and bytes that one author may bring per second on average; a minute's worth may come at once. */
  authorEntriesPerSecond: number
  authorBytesPerSecond: number
  /** Requests that one client of this node makes in a minute, over all its tokens, and bytes that it sends. */
  clientRequestsPerMinute: number
  clientBytesPerMinute: number
  /** Milliseconds within which a peer has to answer a link request: more over a slow satellite. */
  linkRequestMs: number
  /** Milliseconds between two signs of life on a stream that has nothing to say. */
  linkKeepaliveMs: number
  /** Milliseconds of silence after which a peer's stream counts as dead: three times its keepalive. */
  linkIdleMs: number
  /** Longest milliseconds between two tries to reach a peer. */
  linkBackoffMs: number
  /** Milliseconds that a stopping node waits for open requests. */
  stopMs: number
}

/** Defaults of the limits. */
export const LIMITS: Limits = {
  publishBytes: 67_108_864,
  bodyBytes: 1_048_576,
  telemetryBytes: 33_554_432,
  linkBytes: 8_388_608,
  pageObjects: 1_000,
  eventStreams: 64,
  tokens: 10_000,
  authFailuresPerMinute: 60,
  commitEntries: 1_000,
  sightingsPerAuthorHour: 100,
  authorEntries: QUOTAS.entries,
  authorBytes: QUOTAS.bytes,
  authorLogs: QUOTAS.logs,
  authorEntriesPerSecond: QUOTAS.entriesPerSecond,
  authorBytesPerSecond: QUOTAS.bytesPerSecond,
  clientRequestsPerMinute: 6_000,
  clientBytesPerMinute: 268_435_456,
  linkRequestMs: LINK_LIMITS.requestTimeoutMs,
  linkKeepaliveMs: LINK_LIMITS.keepaliveMs,
  linkIdleMs: LINK_LIMITS.streamIdleMs,
  linkBackoffMs: LINK_LIMITS.backoffMaxMs,
  stopMs: 5_000,
}
