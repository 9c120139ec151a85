/**
 * Logs that a peer holds and whose author does not list them here: where the audience that the author signed admits this
 * node, and the author's list still lacks the log after a while, a person is told. A list and a checkpoint of one author
 * are kept as evidence; that the author hid the log, rather than lost it, nothing proves.
 * @see docs/wire.md, Gossip
 */
import {
  EncodingError,
  fromBase64,
  isJsonObject,
  type Json,
  type LogId,
  type MemberId,
  type Millis,
  parseJson,
  toBase64,
  utf8,
} from '#base'
import { type Audience, isMemberId, LogError, logIdOf, parseGenesis } from '#log'
import type { LogHead } from '#store'
import type { Context } from '../context.ts'
import type { CharterDirectory } from '../directory.ts'
import type { Heads } from '../heads.ts'
import type { LinkClient, Target } from '../link-client.ts'
import { checkCheckpoint } from '../verify.ts'
import type { OfferedList } from '../offered-list.ts'

/** First entries that one request asks for. */
export const GENESIS_MOST = 16
/** Logs that one peer may have spoken of and that are not held here. */
const HEARD_MOST = 256
/** Polls for which an author's list may lack a log: a restored one asks its peers for what it lost, twice. */
const PATIENCE_POLLS = 5
/** An author whose newest list is older was silent meanwhile: lists come once a poll. */
const SILENT_POLLS = 3
/** Rows of a list that evidence holds whole; of a longer one its signed hash alone. */
const ROWS_MOST = 2_000
/** Logs that were told of. */
const FOUND = 'unlisted-logs'

interface Heard {
  author: MemberId
  note: string
  time: Millis
  since: Millis
}

interface ShownGenesis {
  author: MemberId
  audience: Audience
  /** The entry in base64. */
  entry: string
}

/** What this works with. */
export interface UnlistedParts {
  context: Context
  directory: CharterDirectory
  heads: Heads
  client: LinkClient
  target: (peer: MemberId) => Target | undefined
  /** What an author's newest list offers here, while it is fresh. */
  listOf: (author: MemberId) => OfferedList | undefined
}

/** Follows up what peers say of logs that are not held here. */
export class UnlistedLogs {
  readonly #parts: UnlistedParts
  readonly #heard = new Map<MemberId, Map<LogId, Heard>>()

  constructor(parts: UnlistedParts) {
    this.#parts = parts
  }

  /** A peer showed a checkpoint of a log that is not held here. */
  heard(peer: MemberId, note: string): void {
    const { context, directory, heads } = this.#parts
    const log = LOG.exec(note)?.[1] as LogId | undefined
    const author = SIGNER.exec(note)?.[1]
    if (
      log === undefined ||
      heads.get(log) ||
      author === undefined ||
      !isMemberId(author) ||
      author === peer ||
      author === context.self.member
    )
      return
    const now = context.now()
    const checked = checkCheckpoint(note, { log, author, now, nodeKeys: (at) => directory.nodeKeys(author, at) })
    if (!checked.ok) return
    const heard = this.#heard.get(peer) ?? new Map<LogId, Heard>()
    this.#heard.set(peer, heard)
    if (!heard.has(log) && heard.size >= HEARD_MOST) return
    heard.set(log, { author, note, time: checked.value.time, since: heard.get(log)?.since ?? now })
  }

  /** Looks at what a peer spoke of a while ago and is not listed yet. */
  async look(peer: MemberId): Promise<void> {
    const heard = this.#heard.get(peer) ?? new Map<LogId, Heard>()
    for (const [log, one] of heard) {
      if (this.#parts.heads.get(log)) heard.delete(log)
      else if (this.#isSilent(one.author)) one.since = this.#parts.context.now()
    }
    const due = [...heard].filter(([log, one]) => this.#isOverdue(log, one)).slice(0, GENESIS_MOST)
    const to = this.#parts.target(peer)
    if (due.length === 0 || !to) return
    const logs = due.map(([log]) => log)
    const shownBy = await this.#genesesOf(to, logs)
    for (const [log, one] of due) {
      heard.delete(log)
      const shown = shownBy.get(log)
      if (shown?.author === one.author && this.#isForUs(shown.audience, one.author))
        await this.#tell(to, log, one, shown.entry)
    }
  }

  /** The first entries of logs that are held here, for `POST /link/v1/gossip`. */
  async firstEntries(heads: readonly LogHead[]): Promise<{ log: LogId; entry: string }[]> {
    const rows = await Promise.all(
      heads.map(async ({ log }) => {
        const [frame] = await this.#parts.context.store.frames(log, 0, 1)
        return frame && 'bytes' in frame ? [{ log, entry: toBase64(frame.bytes) }] : []
      }),
    )
    return rows.flat()
  }

  /** Whoever could not speak has all its time yet: after a restore it first asks this node what it holds. */
  #isSilent(author: MemberId): boolean {
    const { context, listOf } = this.#parts
    const list = listOf(author)
    return list === undefined || list.time < context.now() - SILENT_POLLS * context.limits.pollMs
  }

  #isOverdue(log: LogId, { author, time, since }: Heard): boolean {
    const { context, listOf } = this.#parts
    const list = listOf(author)
    return (
      list !== undefined &&
      !list.offered.has(log) &&
      list.time >= Math.max(time, since) + PATIENCE_POLLS * context.limits.pollMs &&
      this.#isByOurCharters(list)
    )
  }

  /** Whoever has not heard yet that it was reinstated lists nothing, and hides nothing. */
  #isByOurCharters({ snapshot }: OfferedList): boolean {
    const { directory } = this.#parts
    return Object.entries(snapshot.statement['charters'] ?? {}).every(
      ([alliance, hash]) => !directory.charter(alliance) || directory.hash(alliance) === hash,
    )
  }

  async #genesesOf(to: Target, logs: readonly LogId[]): Promise<Map<LogId, ShownGenesis>> {
    const found = new Map<LogId, ShownGenesis>()
    const body = utf8(JSON.stringify({ checkpoints: [], genesis: logs }))
    const answer = parseJson(await this.#parts.client.post(to, '/link/v1/gossip', body))
    const rows = isJsonObject(answer) && Array.isArray(answer['genesis']) ? answer['genesis'] : []
    for (const row of rows.slice(0, logs.length)) {
      const log = isJsonObject(row) ? logs.find((one) => one === row['log']) : undefined
      const shown = log && isJsonObject(row) && genesisOf(log, row['entry'])
      if (shown) found.set(log, shown)
    }
    return found
  }

  /** By the charters that the author knows: where it stands in no other, this node may be suspended for it. */
  #isForUs(audience: Audience, author: MemberId): boolean {
    const { context, directory } = this.#parts
    const [reader, now, register] = [context.self.member, context.now(), directory.registerKnownTo(author)]
    return context.admits({ audience, author, server: author, reader, channel: 'node', register, now }).send
  }

  async #tell(from: Target, log: LogId, { author, note }: Heard, genesis: string): Promise<void> {
    const { context, directory, listOf } = this.#parts
    const list = listOf(author)
    const [outcome] = await context.store.commit([
      { op: 'put', collection: FOUND, key: log, value: context.now(), ifAbsent: true },
    ])
    if (!list || outcome?.op !== 'put' || !outcome.stored) return
    const [slug, holder] = [author, from.member].map((member) => directory.member(member)?.slug ?? member)
    const message =
      `${slug}: its list for this node leaves out a log that ${holder} holds and whose audience admits this node; ` +
      'it hides the log, or lost it in a restore'
    const rows = [...list.offered].map(([id, { size, root }]) => ({ log: id, size, root }))
    const logs = rows.length > ROWS_MOST ? null : rows.sort((a, b) => (a.log < b.log ? -1 : 1))
    const evidence = { note, genesis, snapshot: list.snapshot, logs } as unknown as Json
    await context.alarm('omission', author, message, { log, evidence })
  }
}

/** What the first entry of a log says: the log's id is that entry's hash. */
function genesisOf(log: LogId, entry: Json | undefined): ShownGenesis | undefined {
  if (typeof entry !== 'string') return undefined
  try {
    const bytes = fromBase64(entry)
    return logIdOf(bytes) === log ? { ...parseGenesis(bytes), entry } : undefined
  } catch (cause) {
    if (cause instanceof LogError || cause instanceof EncodingError) return undefined
    throw cause
  }
}

/** The name under which a note is signed. @see C2SP signed-note */
const SIGNER = /\n\u2014 (\S{1,64}) /
const LOG = /^noroshi\/v1\/([0-9a-f]{64})\n/
