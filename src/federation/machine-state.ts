import type { Hash, LogId, MemberId, Millis, Slug } from '#base'
import type { AlarmKind, Limits } from './api.ts'
import type { BackoffRange } from './backoff.ts'
import type { ClockReading } from './clock-fault.ts'
import type { ClockSample } from './clock-offset.ts'
import type { Lag, TurnQueue } from './fetch-turns.ts'
import type { LogMap } from './log-map.ts'
import type { Account, QuotaUse } from './quota.ts'
import type { QuotaLimits } from './quota-limits.ts'

/** Everything that the link machine knows: of each peer its own part, which no other peer touches. */
export interface MachineState {
  readonly settings: MachineSettings
  readonly peers: ReadonlyMap<MemberId, PeerState>
}

export interface MachineSettings {
  readonly pollMs: number
  readonly backoff: BackoffRange
  /** Logs of one peer that are fetched at the same time. */
  readonly fetches: number
  /** Statements of one request to the author. */
  readonly sendMost: number
}

/** How links of a node with these limits behave. */
export const machineSettings = (limits: Limits): MachineSettings => ({
  pollMs: limits.pollMs,
  backoff: { firstMs: limits.backoffFirstMs, maxMs: limits.backoffMaxMs },
  fetches: 4,
  sendMost: 100,
})

export interface Head {
  readonly size: number
  readonly root: Hash
}

export interface PeerState {
  readonly peer: MemberId
  readonly slug: Slug
  /** Empty where the peer has none and only reaches outwards. */
  readonly address: string
  /** Its logs come by its own offers: it can't be called, and is only asked now and then whether that changed. */
  readonly calls: boolean
  readonly asking: boolean
  readonly stream: 'closed' | 'opening' | 'open'
  /** Streams in a row that did not open or did not last. */
  readonly streamFailures: number
  readonly streamOpened: Millis
  /** When a stream may be opened again. */
  readonly streamAt: Millis
  readonly failures: number
  /** When to ask for a snapshot next: a poll after success, a retry after failure. */
  readonly askAt: Millis
  readonly seen: Millis | null
  /** The last round trips that tell the peer's clock, oldest first. */
  readonly clock: readonly ClockSample[]
  readonly lastError?: string
  /** The newest snapshot: what the peer offers. */
  readonly sequence?: number
  readonly expires: Millis
  readonly staleAlarmed: boolean
  readonly offered: ReadonlyMap<LogId, Head>
  /** What is durable here. */
  readonly held: LogMap<Head>
  /** How far what is held is behind what is offered: kept along, since the lists are long. */
  readonly lag: Lag
  readonly fetching: ReadonlySet<LogId>
  /** Logs whose last fetch failed: not before. */
  readonly blocked: ReadonlyMap<LogId, { readonly until: Millis; readonly failures: number }>
  /** Fetches in a row that failed, of any log: a peer that refuses them all is not asked for one after the other. */
  readonly fetchFailures: number
  readonly fetchAt: Millis
  /** Ids of statements to deliver to this peer, oldest first. */
  readonly outbox: readonly number[]
  readonly sending: boolean
  readonly sendFailures: number
  readonly sendAt: Millis
  /** Alliances in which the peer named a charter that this node does not know: caught up with before it is served. */
  readonly ahead: ReadonlySet<Slug>
  readonly catchUps: number
  readonly catchUpAt: Millis
  /** What the peer may bring as an author. */
  readonly account: Account
  /** When each log was last taken from, counted: whoever waited longest comes next. */
  readonly turns: LogMap<number>
  /** Turns taken so far. */
  readonly turnCount: number
  /** Logs that wait for their turn. */
  readonly queue: TurnQueue
  /** Up to where logs were read for their recalls, beyond what is held, while the author is over its quota. */
  readonly passed: LogMap<number>
  /** When a rate has something left again, while logs wait for it. */
  readonly paceAt?: Millis
  /** When each state of the quota was last told. */
  readonly told: { readonly slowed?: Millis; readonly over?: Millis }
}

export type LinkEvent =
  | {
      type: 'peer-added'
      peer: MemberId
      slug: Slug
      address: string
      held: ReadonlyMap<LogId, Head>
      /** What it may bring, what of it is held, and what is left of its first sync; absent: no limits. */
      quota?: { limits: QuotaLimits; use: QuotaUse; backlog: number }
      now: Millis
    }
  | { type: 'peer-removed'; peer: MemberId }
  | {
      type: 'snapshot'
      peer: MemberId
      sequence: number
      time: Millis
      expires: Millis
      /** Complete, after a delta was applied and its `all` checked. */
      offered: ReadonlyMap<LogId, Head>
      unknownCharters: readonly Slug[]
      /** When the request left; absent for one that came on the stream. */
      sent?: Millis
      /** The peer posted it, because it can't be called. */
      isOffer?: true
      now: Millis
    }
  | {
      type: 'ask-failed'
      peer: MemberId
      reason: string
      jitter: number
      now: Millis
      /** What the failure told of the peer's clock. */
      clock?: ClockReading
    }
  | { type: 'stream-opened'; peer: MemberId; now: Millis }
  | { type: 'stream-closed'; peer: MemberId; jitter: number; now: Millis }
  | { type: 'alive'; peer: MemberId; now: Millis }
  /** `bytes`: of the entries that became durable; `use`: what is held of the author now. */
  | { type: 'mirrored'; peer: MemberId; log: LogId; head: Head; bytes?: number; use?: QuotaUse; now: Millis }
  /** A log was read on up to `size`, for its recalls alone. */
  | { type: 'passed'; peer: MemberId; log: LogId; size: number; bytes: number; use: QuotaUse; now: Millis }
  /** Limits were changed, or something else than a link changed what is held. */
  | { type: 'quota'; peer: MemberId; limits: QuotaLimits; use: QuotaUse; now: Millis }
  | { type: 'fetch-failed'; peer: MemberId; log: LogId; reason: string; jitter: number; now: Millis }
  | { type: 'due'; peer: MemberId; id: number; now: Millis }
  | { type: 'sent'; peer: MemberId; ids: readonly number[]; now: Millis }
  | { type: 'send-failed'; peer: MemberId; reason: string; jitter: number; now: Millis }
  | { type: 'caught-up'; peer: MemberId; alliance: Slug; now: Millis }
  | { type: 'tick'; now: Millis }

export type Effect =
  | { type: 'ask'; peer: MemberId; since?: number }
  | { type: 'open-stream'; peer: MemberId; since?: number }
  | { type: 'close-stream'; peer: MemberId }
  /** `only`: the author is over its quota, and nothing but its recalls is taken. */
  | { type: 'fetch'; peer: MemberId; log: LogId; held?: Head; offered: Head; only?: 'recalls' }
  /** The author's first sync began: so many entries of it no rate counts. */
  | { type: 'backlog'; peer: MemberId; entries: number }
  | { type: 'send'; peer: MemberId; ids: readonly number[] }
  | { type: 'catch-up'; peer: MemberId; alliance: Slug }
  | { type: 'alarm'; peer: MemberId; kind: AlarmKind; log?: LogId; message: string }
  | { type: 'link-changed'; peer: MemberId }

export interface Step {
  state: MachineState
  effects: Effect[]
}
