import type { Hash, Json, LogId, MemberId, Millis, Slug } from '#base'
import type { Audience, CharterMember, Envelope, RecallReason, Signer } from '#log'
import type { admits } from '#policy'
import type { ObjectColumns, Store } from '#store'
import type { AirGap } from './air-gap/air-gap.ts'
import type { EvidenceBook } from './evidence/evidence-book.ts'
import type { CharterStanding } from './alliance/charter-sightings.ts'
import type { QuotaLimits, QuotaStanding, QuotaState } from './quota-limits.ts'
import type { SigningGate } from './signing-gate.ts'
import type { Alliances, Directory } from './alliance-api.ts'

/** What a federation is handed: the node owns clock, randomness, sockets and the store. */
export interface FederationOptions {
  store: Store
  self: Self
  now: () => Millis
  random: (bytes: number) => Uint8Array
  transport: Transport
  /** Absent: the process's own timers. The simulator hands in virtual ones. */
  timers?: Timers
  events?: Partial<FederationEvents>
  /** Why this node may not link to an address; undefined where it may. Absent: it may link to any. */
  refusesAddress?: (address: string) => string | undefined
  /** Structured log line; never gets a secret or a payload. */
  log?: (level: 'debug' | 'info' | 'warn' | 'error', message: string, fields?: Record<string, Json>) => void
  limits?: Partial<Limits>
  /** What any author may bring here where nobody says otherwise of it; absent: `QUOTAS`. */
  quotas?: Partial<QuotaLimits>
  /**
   * Whether a drill's content counts here now. Absent: none does; it is quarantined with an alarm, because "exercise" must
   * not hide an attack.
   */
  acceptsDrill?: (drill: string) => boolean
  /** Asks peers at every start which of this node's checkpoints they hold. Absent: nobody is asked; the simulator's nodes are never copies. */
  restore?: { gate: SigningGate; store: Store; onSettled: () => Promise<void> }
  /** Entries were purged: whatever the node derived from them goes as well, before their author is told. */
  onPurged?: (places: readonly { log: LogId; index: number }[]) => Promise<void>
  /** Replaces the rule by which logs are opened to peers; only tests do, to prove that a broken one is noticed. */
  admits?: typeof admits
}

/** Who this node is. */
export interface Self {
  member: MemberId
  slug: Slug
  /** Node key: signs requests, snapshots, receipts, acknowledgements. */
  nodeKey: Signer
  /** How this member would stand in a charter: root key, delegations, nation, address; used by create and join. */
  profile: CharterMember
}

/** One HTTP exchange with a peer; rejects when the peer can't be reached; must obey `signal`. */
export type Transport = (address: string, request: TransportRequest) => Promise<TransportResponse>

export interface TransportRequest {
  method: 'GET' | 'POST'
  /** Path and query, as signed. */
  target: string
  headers: Record<string, string>
  body: Uint8Array
  signal: AbortSignal
}

export interface TransportResponse {
  status: number
  headers: Record<string, string>
  body: Uint8Array | AsyncIterable<Uint8Array>
}

/** A request as the node's HTTP server got it; header names in lower case. */
export interface LinkRequest {
  method: string
  /** Path and query exactly as on the wire. */
  target: string
  headers: Record<string, string | undefined>
  body: Uint8Array
}

/** What the node's HTTP server must answer: whole bytes, or chunks until the stream ends or the reader goes away. */
export type LinkResponse =
  | { status: number; headers: Record<string, string>; body: Uint8Array }
  | { status: number; headers: Record<string, string>; stream: AsyncIterable<Uint8Array> }

/** Timers by delay in milliseconds. */
export interface Timers {
  set(delayMs: number, run: () => void): unknown
  clear(handle: unknown): void
}

/** Bounds, each with its default in limits.ts. */
export interface Limits {
  requestBodyBytes: number
  responseBodyBytes: number
  headerBytes: number
  pageBytes: number
  pageEntries: number
  inlineBytes: number
  snapshotRows: number
  streamsPerPeer: number
  noncesPerKey: number
  peerBytesPerSecond: number
  requestTimeoutMs: number
  streamIdleMs: number
  pollMs: number
  keepaliveMs: number
  backoffFirstMs: number
  backoffMaxMs: number
  evidenceHoldMs: number
}

/** What the node is told; a handler that throws is logged and changes nothing. */
export interface FederationEvents {
  /** Entries [from, size) of a mirror are durable; the node reads them from the store, arms, then calls `armed`. */
  mirrored(event: Mirrored): void
  /** Objects that are held already were judged anew, because of what came now: arm or disarm them. */
  revised(event: Revised): void
  /** What this node published came back from a peer: arm it. */
  recovered(event: Recovered): void
  /** A checked receipt of one of this node's own logs arrived. */
  receipt(event: Receipt): void
  /** An author's recall was executed here: disarm it, unless `alertOnly` says that detection goes on in alert-only. */
  recalled(event: Recalled): void
  /** A recall-ack of one of this node's own recalls arrived. */
  recallAcknowledged(event: RecallAck): void
  /** Something dishonest, broken or overdue; where signed material proves it, it is in journal `evidence`. */
  alarm(event: Alarm): void
  linkChanged(link: LinkState): void
  /** A charter version came into force, or a fork, a proposal or a join request waits for a person. */
  allianceChanged(event: {
    alliance: Slug
    what: 'in-force' | 'fork' | 'proposal' | 'join-request'
    version: number
  }): void
}

export interface Mirrored {
  log: LogId
  author: MemberId
  audience: Audience
  from: number
  size: number
  /** When the entries were durable here. */
  time: Millis
  /** False for RED: kept out of automatic correlation. */
  correlate: boolean
  /** `json` is the object as published; a view of the whole batch's bytes, so nobody keeps it for long. */
  objects: { index: number; object: ObjectColumns; entryTime: Millis; json: Uint8Array }[]
}

/** Entries [from, size) of an own log came back from a peer after a restore, and are durable. */
export interface Recovered {
  log: LogId
  from: number
  size: number
  time: Millis
  objects: { index: number; id: string }[]
}

export interface Revised {
  author: MemberId
  objects: { log: LogId; index: number; object: ObjectColumns }[]
}

export interface Receipt {
  kind: 'received' | 'armed'
  member: MemberId
  log: LogId
  from: number
  size: number
  /** The recipient's claim. */
  claimed: Millis
  /** This author's own clock at arrival. */
  arrived: Millis
  /** For `received`: possession and root were recomputed and agree; for `armed`: the signature is good. */
  verified: boolean
  /** The carrier that brought it; absent: its member did. */
  via?: MemberId
  refused?: { index: number; code: string }[]
  envelope: Envelope
}

/** What the author of a mirrored log shows of its receipts for one entry. */
export interface ShownReceipts {
  /** `closed`: they are the author's alone; `unreachable`: it could not be asked now. */
  state: 'shown' | 'closed' | 'unreachable'
  /** By arrival at the author; each by its own signature. */
  receipts: Receipt[]
}

export interface Recalled {
  author: MemberId
  log: LogId
  index: number
  leaf: Hash
  /** `expired` where the author's retention ended, which needs no acknowledgement. */
  reason: RecallReason | 'expired'
  /** Too many of this author's armed entries at once: detection stays, in alert-only, until `confirmRecalls`. */
  alertOnly: boolean
  object?: ObjectColumns
}

/** A recall or expiry that was executed here, as it is kept. */
export interface KeptRecall extends Pick<Recalled, 'author' | 'log' | 'index' | 'reason'> {
  /** Of the object; absent where its content never came. */
  id?: string
  withheld: Millis
  purged: Millis | null
}

export interface RecallAck {
  member: MemberId
  log: LogId
  index: number
  withheld: Millis
  purged: Millis | null
  arrived: Millis
  /** The carrier that brought it; absent: its member did. */
  via?: MemberId
  envelope: Envelope
}

export type AlarmKind =
  | 'bad-answer'
  | 'bad-signature'
  | 'clock'
  | 'charter'
  | 'drill'
  | 'equivocation'
  | 'forged-author'
  | 'fork'
  | 'key'
  | 'malformed'
  | 'mass-recall'
  | 'misdelivered'
  | 'omission'
  | 'poison'
  | 'quota'
  | 'receipt'
  | 'rollback'
  | 'stale'

export interface Alarm {
  kind: AlarmKind
  peer: MemberId
  log?: LogId
  index?: number
  message: string
  time: Millis
  /** Sequence in journal `evidence` where signed material was kept. */
  evidence?: number
}

/** One link as `status` shows it. */
export interface LinkState {
  peer: MemberId
  slug: Slug
  /** Empty where the peer has none and only reaches outwards. */
  address: string
  state: 'up' | 'stale' | 'down' | 'connecting'
  /** Entries the peer's newest snapshot offers and that are not yet durable here. */
  lagEntries: number
  /** Peer's clock minus ours, by the shortest of the last round trips; null until one is short or there are three. */
  clockOffsetMs: number | null
  /** By how much `clockOffsetMs` may be wrong either way. */
  clockBoundMs: number | null
  lastSeen: Millis | null
  failures: number
  lastError?: string
  /** Alliances in which the peer's charter differs from ours. */
  charterDiffers: Slug[]
  /**
   * Absent: this node calls the peer. `offer`: the peer can't be called and brings its logs itself. `carrier`: its logs come
   * through the member `via`, at `address`.
   */
  way?: 'offer' | 'carrier'
  via?: MemberId
  /** Present while the peer's quota holds it back as an author. */
  quota?: Exclude<QuotaState, { state: 'ok' }>
}

/** Everything between nodes. */
export interface Federation extends AsyncDisposable {
  readonly directory: Directory
  readonly alliances: Alliances
  /** Files between nodes that no link joins. */
  readonly airGap: AirGap
  /** What is kept against members, as files that anybody can examine. */
  readonly evidence: EvidenceBook
  /** Answers every request under /link/v1. Never throws. */
  handle(request: LinkRequest): Promise<LinkResponse>
  /** Starts links to all members with an address and to those added by hand. */
  start(): void
  /** Own logs have grown (after the commit): streams push it to the readers whom each log admits. */
  announce(logs: readonly { log: LogId; size: number }[]): void
  links(): LinkState[]
  /** Members are named by id or slug. */
  addLink(member: string, address: string): Promise<void>
  removeLink(member: string): Promise<void>
  /** Objects of a mirror up to `size` are armed but for `refused`; sends the claim to the author. */
  armed(log: LogId, size: number, refused: readonly { index: number; code: string }[]): Promise<void>
  /** Up to which size a log's author was told that it is armed here; a kill may have come before the last word. */
  armedSize(log: LogId): number
  /** Detection refuses entries of a mirror as harmful: an alarm, with the entries as their author signed them. */
  poisoned(log: LogId, entries: readonly { index: number; message: string }[]): Promise<void>
  /** Takes back an entry of an own log: withheld here at once, recalled at every recipient. */
  recall(log: LogId, index: number, reason: RecallReason): Promise<void>
  /**
   * Ends the retention of objects in an own log: purged here and by every recipient. Answers how many. What was withheld
   * before is passed over, as ended already, unless told that its end is still to be said.
   */
  expire(log: LogId, indexes: readonly number[], how?: { isWithheld?: boolean }): Promise<number>
  /** Receipts of one own log, or of all, oldest arrival first. */
  receipts(log?: LogId): Promise<Receipt[]>
  /** Asks the author of a mirrored log who received an entry, where a charter opens receipts to the alliance. */
  shownReceipts(log: LogId, index: number): Promise<ShownReceipts>
  recallAcks(log: LogId, index: number): Promise<RecallAck[]>
  /** What was taken back here, own and of others, in no order. */
  recalls(): AsyncGenerator<KeptRecall>
  /**
   * Delegations and ends that this member's root key signed: kept, told to every peer that can be reached now, and to the
   * others when they meet. Resolves with those who were told.
   */
  introduceKeys(statements: readonly Envelope[]): Promise<MemberId[]>
  /** Appends a statement to every own log, so that each stands under a checkpoint by the key in use. */
  vouch(statement: Envelope): Promise<number>
  /** Every alliance with its version here, and the version that each other member was last seen with. */
  charterStandings(): CharterStanding[]
  /** Every author that a charter names, with its limits and what is held of it; ascending by slug. */
  quotas(): QuotaStanding[]
  /** Sets limits of one author, named by id or slug; null goes back to the node's own. In force at once. */
  setQuota(member: string, change: { readonly [Name in keyof QuotaLimits]?: number | null }): Promise<QuotaStanding>
  /** Authors whose mass recall keeps detection in alert-only. */
  alertOnly(): MemberId[]
  /** A person confirms an author's mass recall: its recalled entries may be disarmed. */
  confirmRecalls(author: MemberId): Promise<void>
}
