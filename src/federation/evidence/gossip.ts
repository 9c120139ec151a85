/**
 * Members compare the checkpoints that they hold of an author's log with each other, so that an author who shows different
 * trees to two of them is found out. Only a log that both may see is spoken of: whoever asks about another one learns
 * what it would learn about one that does not exist, and nobody asks about one that the other may not see.
 * @see docs/wire.md, Gossip
 */
import {
  equalBytes,
  fromHex,
  type Hash,
  isHash,
  isJsonObject,
  type Json,
  type LogId,
  type MemberId,
  type Millis,
  parseJson,
  utf8,
} from '#base'
import { type Proof, rootsOfPath } from '#log'
import type { Register } from '#policy'
import type { LogHead } from '#store'
import type { LinkResponse, LinkState } from '../api.ts'
import type { Context } from '../context.ts'
import type { CharterDirectory } from '../directory.ts'
import type { Heads } from '../heads.ts'
import type { LinkClient, Target } from '../link-client.ts'
import { json, refusal } from '../server/answers.ts'
import { checkCheckpoint, type SignedCheckpoint } from '../verify.ts'
import { contradictionOf, forkFrom, growthPath } from './proofs.ts'
import { GENESIS_MOST, type UnlistedLogs } from './unlisted.ts'

/** Checkpoints of one request. */
const NOTES_MOST = 64
/** Requests to one peer in one round; what is left comes with the next. */
const REQUESTS_MOST = 16
/** Logs whose author was found out already. */
const FOUND = 'forked-logs'

/** What gossip works with. */
export interface GossipParts {
  context: Context
  directory: CharterDirectory
  heads: Heads
  client: LinkClient
  unlisted: UnlistedLogs
  links: () => LinkState[]
  target: (peer: MemberId) => Target | undefined
}

/** Compares checkpoints with peers, every poll interval, and answers theirs. */
export class Gossip {
  readonly #parts: GossipParts
  /** Sizes that each peer was told, by log. */
  readonly #told = new Map<MemberId, Map<LogId, number>>()
  #timer: unknown
  #isStopped = false

  constructor(parts: GossipParts) {
    this.#parts = parts
  }

  start(): void {
    const { context } = this.#parts
    const again = () => {
      if (this.#isStopped) return
      this.#timer = context.timers.set(context.limits.pollMs, again)
      this.round().catch((cause: unknown) =>
        context.log('warn', 'Comparing checkpoints failed', { cause: String(cause) }),
      )
    }
    this.#timer = context.timers.set(Math.ceil(context.limits.pollMs * context.jitter()), again)
  }

  stop(): void {
    this.#isStopped = true
    this.#parts.context.timers.clear(this.#timer)
  }

  /** Tells every peer that is up what was not told before, and compares what it holds. */
  async round(): Promise<void> {
    const { context, links, target, unlisted } = this.#parts
    await Promise.all(
      links()
        .filter(({ state }) => state === 'up')
        .map(async ({ peer }) => {
          const to = target(peer)
          if (!to) return
          try {
            await this.#with(to)
            await unlisted.look(peer)
          } catch (cause) {
            context.log('debug', 'Comparing checkpoints with a peer failed', { peer, cause: String(cause) })
          }
        }),
    )
  }

  /** Answers `POST /link/v1/gossip`. */
  async answer(peer: MemberId, body: Json): Promise<LinkResponse> {
    const notes = isJsonObject(body) ? body['checkpoints'] : undefined
    if (!Array.isArray(notes) || notes.length > NOTES_MOST || !notes.every((note) => typeof note === 'string'))
      return refusal(400, 'Bad request')
    const asked = isJsonObject(body) ? body['genesis'] : undefined
    if (asked !== undefined && (!Array.isArray(asked) || asked.length > GENESIS_MOST))
      return refusal(400, 'Bad request')
    const rows: { note: string; path: Hash[] }[] = []
    for (const note of notes) {
      const known = this.#open(peer, note)
      if (!known) this.#parts.unlisted.heard(peer, note)
      if (!known) continue
      const { head, checkpoint } = known
      await this.#compare(head, checkpoint)
      rows.push({ note: head.checkpoint, path: await this.#pathFrom(checkpoint, head) })
    }
    if (asked === undefined) return json({ checkpoints: rows })
    const shared = asked.flatMap((log) => {
      const head = typeof log === 'string' ? this.#parts.heads.get(log as LogId) : undefined
      return head && this.#isShared(head, peer) ? [head] : []
    })
    return json({ checkpoints: rows, genesis: await this.#parts.unlisted.firstEntries(shared) })
  }

  async #with(to: Target): Promise<void> {
    const told = this.#told.get(to.member) ?? new Map<LogId, number>()
    this.#told.set(to.member, told)
    const due = this.#parts.heads
      .all()
      .filter((head) => told.get(head.log) !== head.size && this.#isShared(head, to.member))
    for (let at = 0; at < Math.min(due.length, NOTES_MOST * REQUESTS_MOST); at += NOTES_MOST) {
      const some = due.slice(at, at + NOTES_MOST)
      const body = utf8(JSON.stringify({ checkpoints: some.map(({ checkpoint }) => checkpoint) }))
      const answer = parseJson(await this.#parts.client.post(to, '/link/v1/gossip', body))
      const rows = isJsonObject(answer) ? answer['checkpoints'] : undefined
      if (!Array.isArray(rows) || rows.length > some.length) throw new Error('the answer holds no checkpoints')
      const asked = new Map(some.map((head) => [head.log, head]))
      for (const row of rows) await this.#take(to.member, row, asked)
      for (const { log, size } of some) told.set(log, size)
    }
  }

  /** What a peer holds of a log that it was asked about. */
  async #take(peer: MemberId, row: Json, asked: ReadonlyMap<LogId, LogHead>): Promise<void> {
    if (!isJsonObject(row) || typeof row['note'] !== 'string') return
    const known = this.#open(peer, row['note'])
    const head = known && asked.get(known.head.log)
    if (!head) return
    const { checkpoint } = known
    if (checkpoint.size <= head.size) return this.#compare(head, checkpoint)
    const { path } = row
    if (!Array.isArray(path) || !path.every((hash) => isHash(hash))) return
    const roots = rootsOfPath(
      head.size,
      checkpoint.size,
      path.map((hash) => fromHex(String(hash), 32)),
    )
    // A path that does not lead to what the author signed says nothing.
    if (!roots || !equalBytes(roots.newer, fromHex(checkpoint.root))) return
    if (equalBytes(roots.older, fromHex(head.root))) return this.#compareTimes(head, checkpoint)
    const heads = [{ note: head.checkpoint }, { note: checkpoint.note }] as const
    await this.#found(head, { type: 'fork', heads: [...heads], path: path as Hash[] })
  }

  /** A checkpoint of at most the size that is held against the tree that is held. */
  async #compare(head: LogHead, checkpoint: SignedCheckpoint): Promise<void> {
    const { log, size, checkpoint: note } = head
    const other = { head: { note: checkpoint.note }, size: checkpoint.size, root: checkpoint.root }
    const proof = await forkFrom(this.#parts.context.store, { note, log, size }, other)
    if (proof) await this.#found(head, proof)
    else await this.#compareTimes(head, checkpoint)
  }

  async #compareTimes(head: LogHead, checkpoint: SignedCheckpoint): Promise<void> {
    const proof = contradictionOf(head.checkpoint, checkpoint.note)
    if (proof) await this.#found(head, proof)
  }

  async #found({ log, author }: LogHead, proof: Proof): Promise<void> {
    const { context, directory } = this.#parts
    const [outcome] = await context.store.commit([
      { op: 'put', collection: FOUND, key: `${log}/${proof.type}`, value: context.now(), ifAbsent: true },
    ])
    if (outcome?.op !== 'put' || !outcome.stored) return
    const slug = directory.member(author)?.slug ?? author
    const what =
      proof.type === 'fork'
        ? 'it shows another tree of a log to other members than to this node'
        : 'it signed fewer entries of a log later than before'
    await context.alarm(proof.type === 'fork' ? 'fork' : 'rollback', author, `${slug}: ${what}`, {
      log,
      evidence: { proof: proof as unknown as Json },
    })
  }

  async #pathFrom(smaller: SignedCheckpoint, { log, size }: LogHead): Promise<Hash[]> {
    if (smaller.size >= size) return []
    const { store } = this.#parts.context
    return growthPath(store, log, smaller.size, size, await store.root(log, smaller.size))
  }

  /** A checkpoint of a log that is held here and that the peer may see, signed by its author. */
  #open(peer: MemberId, note: string): { head: LogHead; checkpoint: SignedCheckpoint } | undefined {
    const log = LOG.exec(note)?.[1] as LogId | undefined
    const head = log === undefined ? undefined : this.#parts.heads.get(log)
    if (!head || !this.#isShared(head, peer)) return undefined
    const { context, directory } = this.#parts
    const nodeKeys = (at: Millis) => directory.nodeKeys(head.author, at)
    const checked = checkCheckpoint(note, { log: head.log, author: head.author, now: context.now(), nodeKeys })
    return checked.ok ? { head, checkpoint: checked.value } : undefined
  }

  /**
   * Whether this is the log of a third member whose audience admits the peer too. A lie is told of also where whoever
   * signed it was suspended since, among those who stood beside it then.
   */
  #isShared({ author, audience, own, time }: LogHead, peer: MemberId): boolean {
    const { context, directory } = this.#parts
    if (own || author === peer) return false
    const both = [peer, context.self.member]
    const now = context.now()
    const admitsBoth = (register: Register) =>
      both.every(
        (reader) => context.admits({ audience, author, server: author, reader, channel: 'node', register, now }).send,
      )
    if (admitsBoth(directory.register())) return true
    if (!directory.hasEnded(author) || !both.every((one) => directory.hadJoined(one, author, time))) return false
    return admitsBoth(directory.registerWith(author))
  }
}

const LOG = /^noroshi\/v1\/([0-9a-f]{64})\n/
