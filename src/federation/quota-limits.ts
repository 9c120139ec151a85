import type { MemberId, Millis, Slug } from '#base'
import type { MemberQuota } from '#log'

const MIB = 1_024 * 1_024

/** What one author may bring to this node: totals stop it, rates slow it down. */
export type QuotaLimits = Required<MemberQuota>
export type QuotaName = keyof QuotaLimits

/** Quota of an author for whom neither operator nor charter says anything. */
export const QUOTAS: QuotaLimits = {
  /** Ten times the million that one node is built for; an author that needs more is talked with. */
  entries: 10_000_000,
  /** A kilobyte and a half for each of them: a tenth of a small disk. */
  bytes: 16 * 1_024 * MIB,
  /** One for each audience: level, alliances, named participants. */
  logs: 1_000,
  /** 86 million a day; a minute's worth may come at once. */
  entriesPerSecond: 1_000,
  /** What a thousand large objects a second come to; a minute's worth may come at once. */
  bytesPerSecond: 4 * MIB,
}

/** Whether an author is held back: `slowed` by a rate, `over` a total and stopped there. */
export type QuotaState = { state: 'ok' } | { state: 'slowed' | 'over'; what: QuotaName; since: Millis }

/** One author as its quota sees it. */
export interface QuotaStanding {
  author: MemberId
  slug: Slug
  limits: QuotaLimits
  /** Who set each limit: the node's configuration, its operator for this author, or an alliance's charter. */
  setBy: Record<QuotaName, 'node' | 'operator' | `charter:${Slug}`>
  /** What is durable here; logs that still take entries. */
  held: { entries: number; bytes: number; logs: number }
  quota: QuotaState
}
