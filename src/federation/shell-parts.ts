import type { Json, MemberId, Slug } from '#base'
import type { DelegationEnd } from '#log'
import type { Charters } from './alliance/charters.ts'
import type { Context } from './context.ts'
import type { CharterDirectory } from './directory.ts'
import type { SignedRows } from './evidence/signed-rows.ts'
import type { Heads } from './heads.ts'
import type { KeyStatements } from './key-statements.ts'
import type { LinkClient, Target } from './link-client.ts'
import type { Mirrors } from './mirrors.ts'
import type { Outbox } from './outbox.ts'
import type { Quotas } from './quotas.ts'
import type { RecallWatch } from './recall-watch.ts'

/** What the shell works with. */
export interface ShellParts {
  context: Context
  directory: CharterDirectory
  charters: Charters
  heads: Heads
  client: LinkClient
  mirrors: Mirrors
  outbox: Outbox
  quotas: Quotas
  watch: RecallWatch
  keyStatements: KeyStatements
  signedRows: SignedRows
  /** A peer's stream was opened, and brought a snapshot that is carried. */
  onStream: (peer: MemberId) => void
  onCarried: (peer: MemberId, data: Json) => void
  /** Statements wait at a peer that can't call this node. */
  onWaiting: (peer: MemberId) => void
  /** A peer signed which charters it follows. */
  onCharters: (peer: MemberId, charters: Readonly<Record<string, string>>) => void
  /** Whether this node knows the charter that a peer named last. */
  isKnown: (peer: MemberId, alliance: Slug) => boolean
  /** A peer puts this node off until it has a charter that this node named. */
  onLacking: (to: Target, alliance: Slug) => void
  /** A member's key was ended before its time. */
  onEnds: (member: MemberId, ends: readonly DelegationEnd[]) => Promise<void>
}
