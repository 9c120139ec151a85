import type { LogId } from '#base'
import type { Audience, Frame, Frontier } from '#log'
import type { Prepared } from './absorb.ts'
import type { VerifiedEntry } from './verify.ts'

/** A batch that was fetched and hashes into its checkpoint's root. */
export interface VerifiedBatch {
  entries: VerifiedEntry[]
  frontier: Frontier
  audience: Audience
}

/** What came of fetching early: a checkpoint that follows, its entries as far as they were fetched, and all that is pure. */
export interface Early {
  note: string
  frames: Frame[]
  ready?: { verified: VerifiedBatch; prepared: Prepared }
}

/** Entries [from, …) of a log out of a file or an offer, under a checkpoint that ends them. */
export interface BroughtPart {
  log: LogId
  from: number
  checkpoint: string
  frames: readonly Frame[]
  /** Absent: in a file. */
  by?: 'offer'
}
