/** Statements of grants as they stand in logs, own and mirrored: who granted what to whom, and until when. */
import { type Hash, type LogId, type MemberId, type Millis, timestampKey } from '#base'
import type { Directory } from '#federation'
import {
  type Audience,
  decodeEntry,
  type Envelope,
  ENTRY_KIND,
  parseEnvelope,
  statementHash,
  verifyStatement,
} from '#log'
import type { LogHead, ObjectRow, Store } from '#store'
import { NO_END } from './grant-wish.ts'

/** Entries of one log of grantees that are looked through, and those read at once. */
const ENTRIES_MOST = 10_000
const ENTRIES_AT_ONCE = 500

/** A grant as it is kept. */
export interface KeptGrant {
  /** Hash of its statement. */
  id: Hash
  object: string
  /** `modified` of the version; absent: later versions too. */
  version?: string
  /** Id of the copy, where something was cut from it. */
  form?: string
  grantees: MemberId[]
  from: Millis
  /** `NO_END` where it has none. */
  until: Millis
  /** The copy. */
  log: LogId
  index: number
  audience: Audience
  statement: Envelope
  ended?: { time: Millis; by: 'expiry' | 'operator' }
}

/** What a reader of a granted object is shown of the grant. */
export interface GrantProof {
  by: MemberId
  until: Millis | null
  /** Signed by a seal key that the author's root key delegated. */
  holds: boolean
  /** The envelope. */
  statement: Envelope
}

/** What a grant's statement says, in the log of its copy; of a cut one only its author knows the object. */
export function keptOf({ audience }: { audience: Audience }, statement: Envelope, object?: string): KeptGrant {
  const { object: copy, version, grantees, from, until, log, index } = statement.statement as unknown as KeptGrant
  return {
    id: statementHash(statement.statement),
    object: object ?? copy,
    ...(typeof version === 'string' ? { version } : {}),
    ...(object === undefined || object === copy ? {} : { form: copy }),
    grantees,
    from,
    until,
    log,
    index,
    audience,
    statement,
  }
}

/** Statements of grants that stand in a log and name it; others that stand there are none of it. */
export async function grantsIn(store: Store, { log, author, size }: LogHead): Promise<Envelope[]> {
  const found: Envelope[] = []
  const end = Math.min(size, ENTRIES_MOST)
  for (let from = 1; from < end;) {
    const entries = await store.entries(log, from, Math.min(end, from + ENTRIES_AT_ONCE))
    if (entries.length === 0) break
    for (const { kind, bytes } of entries) {
      if (kind !== ENTRY_KIND.statement || !bytes) continue
      const envelope = parseEnvelope(decodeEntry(bytes).payload)
      const { type, member, log: named } = envelope.statement
      if (type === 'grant' && member === author && named === log) found.push(envelope)
    }
    from = (entries.at(-1)?.index ?? from) + 1
  }
  return found
}

/** The newest grant that covers an entry, for whoever may read its log. */
export async function proofOf(
  store: Store,
  directory: Directory,
  head: LogHead,
  { index, id, modified }: Pick<ObjectRow, 'index' | 'id' | 'modified'>,
): Promise<GrantProof | undefined> {
  const covering = (await grantsIn(store, head)).filter(({ statement }) => {
    const { object, version } = statement
    if (object !== id) return statement['index'] === index
    return typeof version !== 'string' || timestampKey(version) === modified
  })
  const statement = covering.at(-1)
  if (!statement) return undefined
  const { until, time } = statement.statement as { until?: Millis; time?: Millis }
  const shown = { by: head.author, until: until === undefined || until === NO_END ? null : until, statement }
  try {
    verifyStatement(statement, 'grant', directory.sealKeys(head.author, time ?? 0))
    return { ...shown, holds: true }
  } catch {
    return { ...shown, holds: false }
  }
}
