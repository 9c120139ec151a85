import type { Json, LogId, MemberId } from '#base'
import { AIR_GAP_MAGIC, encodeAirGapHeader, encodeAirGapLine, encodeFrames, type Envelope } from '#log'
import type { Change, LogHead } from '#store'
import type { Charters } from '../alliance/charters.ts'
import type { DirectoryMember } from '../alliance-api.ts'
import type { Context } from '../context.ts'
import type { CharterDirectory } from '../directory.ts'
import { FederationError } from '../error.ts'
import type { KeyStatements } from '../key-statements.ts'
import type { Outbox } from '../outbox.ts'
import type { Snapshots } from '../server/snapshots.ts'
import { type Chunks, encryptTo } from './age.ts'

/** Sizes up to which logs were written for a reader: key `<reader>/<log>`. */
const WRITTEN = 'air-gap-written'
/** Statements that left in a file: key `<reader>/<number>`. */
const TOLD = 'air-gap-told'
/** What one part holds at most, beyond the gap to the next checkpoint: its reader buffers it until it can verify. */
const PART_ENTRIES = 2_048
const PART_BYTES = 4 * 1_024 * 1_024
/** Bytes of frames read from the store at once. */
const PAGE_BYTES = 1_024 * 1_024
/** Statements of one file; the others go with the next. */
const STATEMENTS_MOST = 20_000

/** What the writer works with. */
export interface WriterParts {
  context: Context
  directory: CharterDirectory
  charters: Charters
  snapshots: Snapshots
  outbox: Outbox
  keyStatements: KeyStatements
}

/** A file on its way out. */
export interface AirGapExport {
  reader: MemberId
  slug: string
  /** Names the export when it is said to be on disk. */
  sequence: number
  logs: number
  /** Entries and statements that it will hold. */
  entries: number
  statements: number
  /** Entries that were written so far. */
  done: () => number
  /** The encrypted file. */
  chunks: Chunks
}

interface Row {
  head: LogHead
  from: number
}

interface Pending {
  sequence: number
  rows: readonly Row[]
  /** Ids in the outbox. */
  ids: readonly number[]
  envelopes: readonly Envelope[]
}

/**
 * Writes air-gap files: for one reader, what `policy.admits` lets it mirror, from where the last file to it ended. What
 * a file holds counts as written once whoever fetched it says that it is on disk.
 * @see docs/wire.md, Air-gap file
 */
export class AirGapWriter {
  readonly #parts: WriterParts
  readonly #pending = new Map<MemberId, Pending>()

  constructor(parts: WriterParts) {
    this.#parts = parts
  }

  /** @throws FederationError LINK_UNKNOWN_MEMBER, AIR_GAP_NO_KEY */
  async open(name: string, { all = false }: { all?: boolean } = {}): Promise<AirGapExport> {
    const { context, directory, snapshots, outbox } = this.#parts
    const member = this.#reader(name)
    const key = directory.recipientKeys(member.id, context.now()).at(-1)
    if (!key)
      throw new FederationError(
        'AIR_GAP_NO_KEY',
        `${member.slug} has no recipient key in a charter: its operator makes one with noroshi air-gap key`,
      )
    const view = snapshots.view(member.id)
    const { envelope } = snapshots.make(member.id, undefined, view, Infinity)
    const sizes = all ? new Map<string, number>() : await this.#written(member.id)
    const rows = view.heads
      .map((head) => ({ head, from: Math.min(sizes.get(head.log) ?? 0, head.size) }))
      .filter(({ head, from }) => from < head.size)
    const ids = outbox.waitingFor(member.id).slice(0, STATEMENTS_MOST)
    const told = all ? await this.#told(member.id) : []
    const envelopes = [...told, ...outbox.envelopes(ids)].slice(0, STATEMENTS_MOST)
    const { sequence } = envelope.statement
    this.#pending.set(member.id, { sequence, rows, ids, envelopes: outbox.envelopes(ids) })
    const progress = { entries: 0 }
    const header = {
      snapshot: envelope,
      charters: await this.#charters(member),
      keys: await this.#parts.keyStatements.own(),
    }
    const plain = this.#plain(encodeAirGapHeader(header as never), rows, envelopes, progress)
    return {
      reader: member.id,
      slug: member.slug,
      sequence,
      logs: rows.length,
      entries: rows.reduce((sum, { head, from }) => sum + head.size - from, 0),
      statements: envelopes.length,
      done: () => progress.entries,
      chunks: await encryptTo(key, plain),
    }
  }

  /**
   * The file of that sequence is on disk: the next one to this reader begins where it ends.
   * @throws FederationError LINK_UNKNOWN_MEMBER, AIR_GAP_STALE
   */
  async written(name: string, sequence: number): Promise<void> {
    const { context, outbox } = this.#parts
    const reader = this.#reader(name).id
    const pending = this.#pending.get(reader)
    if (pending?.sequence !== sequence)
      throw new FederationError(
        'AIR_GAP_STALE',
        'Another export to that member has begun since: the next file holds this one’s entries again',
      )
    const puts: Change[] = pending.rows.map(({ head: { log, size } }) => ({
      op: 'put',
      collection: WRITTEN,
      key: `${reader}/${log}`,
      value: size,
    }))
    const told = pending.envelopes.map((envelope, at): Change => ({
      op: 'put',
      collection: TOLD,
      key: `${reader}/${sequence}/${String(at).padStart(6, '0')}`,
      value: envelope as unknown as Json,
    }))
    this.#pending.delete(reader)
    if (puts.length + told.length > 0) await context.store.commit([...puts, ...told])
    await outbox.delivered(pending.ids)
  }

  #reader(name: string): DirectoryMember {
    const { directory } = this.#parts
    const member = directory.member(name)
    if (member && member.id !== directory.self) return member
    throw new FederationError(
      'LINK_UNKNOWN_MEMBER',
      `${name} stands in no charter of this node; see \`noroshi alliance members\``,
    )
  }

  async #written(reader: MemberId): Promise<Map<LogId, number>> {
    const rows = await Array.fromAsync(this.#parts.context.store.records<number>(WRITTEN, { prefix: `${reader}/` }))
    return new Map(rows.map(({ key, value }) => [key.slice(reader.length + 1) as LogId, value]))
  }

  async #told(reader: MemberId): Promise<Envelope[]> {
    const rows = this.#parts.context.store.records(TOLD, { prefix: `${reader}/` })
    return Array.fromAsync(rows, ({ value }) => value as unknown as Envelope)
  }

  /** Charters in which the reader stands, from version 1, up to the one in which it left. */
  async #charters({ id, alliances }: DirectoryMember) {
    const { charters, directory } = this.#parts
    const chains = await Promise.all(
      alliances.map(async (alliance) => {
        const last = directory.parting(alliance, id)?.version ?? Infinity
        return (await charters.chain(alliance, 1, Infinity)).filter(({ charter }) => charter.version <= last)
      }),
    )
    return chains.flat()
  }

  async *#plain(
    header: Uint8Array,
    rows: readonly Row[],
    statements: Envelope[],
    progress: { entries: number },
  ): AsyncGenerator<Uint8Array> {
    yield AIR_GAP_MAGIC
    yield header
    for (const { head, from } of rows) {
      for (let at = from; at < head.size;) {
        const { to, note } = await this.#checkpoint(head, at)
        yield encodeAirGapLine({ part: { log: head.log, from: at, to, checkpoint: note } })
        while (at < to) {
          const frames = await this.#parts.context.store.frames(head.log, at, to, PAGE_BYTES)
          if (frames.length === 0) throw new Error(`The store holds no entry ${at} of log ${head.log}`)
          yield encodeFrames(frames)
          at += frames.length
          progress.entries += frames.length
        }
      }
    }
    if (statements.length > 0) yield encodeAirGapLine({ statements })
  }

  /** The checkpoint that ends the next part: the first one beyond what fits, the head's at the end. */
  async #checkpoint({ log, size, checkpoint }: LogHead, from: number): Promise<{ to: number; note: string }> {
    const { store } = this.#parts.context
    const fits = await store.frames(log, from, Math.min(size, from + PART_ENTRIES), PART_BYTES)
    const [kept] = await store.checkpoints(log, { after: from + fits.length - 1, limit: 1 })
    return kept && kept.size < size ? { to: kept.size, note: kept.note } : { to: size, note: checkpoint }
  }
}
