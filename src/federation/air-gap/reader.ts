import type { Hash, Json, LogId, MemberId, Millis } from '#base'
import {
  AIR_GAP_LINE_BYTES,
  AIR_GAP_MAGIC,
  type AirGapHeader,
  decodeAirGapHeader,
  decodeAirGapLine,
  type DelegationEnd,
  type Envelope,
  type Frame,
  LogError,
  openSnapshot,
  requireAscending,
  type Snapshot,
  SNAPSHOT_AHEAD_MS,
} from '#log'
import { parseCharters } from '../alliance/exchange.ts'
import type { Charters } from '../alliance/charters.ts'
import type { Context } from '../context.ts'
import type { CharterDirectory } from '../directory.ts'
import { FederationError } from '../error.ts'
import type { Heads } from '../heads.ts'
import type { KeyStatements } from '../key-statements.ts'
import { CHECKPOINT_GAP_BYTES } from '../limits.ts'
import type { Head } from '../machine-state.ts'
import { MirrorFault } from '../mirror-state.ts'
import type { Mirrors } from '../mirrors.ts'
import type { TakenReceipts } from '../server/receipts-taken.ts'
import { type Chunks, decryptWith } from './age.ts'
import { ByteReader } from './byte-reader.ts'

/** Sequence of the last file that was read of each author. */
const READ = 'air-gap-read'
/** Entries of one part; their bytes have a bound of their own. */
const PART_ENTRIES_MOST = 262_144
/** Statements handed on at once. */
const STATEMENTS_AT_ONCE = 1_000

/** What the reader works with. */
export interface ReaderParts {
  context: Context
  directory: CharterDirectory
  charters: Charters
  heads: Heads
  mirrors: Mirrors
  taken: TakenReceipts
  keyStatements: KeyStatements
  onEnds: (member: MemberId, ends: readonly DelegationEnd[]) => Promise<void>
}

/** What came of a file. */
export interface AirGapImport {
  author: MemberId
  slug: string
  sequence: number
  /** When the author wrote it. */
  time: Millis
  /** Logs that were extended, or held already. */
  logs: { log: LogId; size: number; added: number }[]
  /** New entries. */
  entries: number
  statements: { accepted: number; refused: { index: number; code: string }[] }
  /** Logs that the author offered at that time and that are not held that far. */
  behind: LogId[]
}

interface Opened {
  author: MemberId
  slug: string
  snapshot: Snapshot
  offered: ReadonlyMap<LogId, Head>
}

/**
 * Reads air-gap files: decrypts here, checks each part as on a link, and takes it before it reads the next. A file
 * that fails in the middle leaves what was verified before; its sequence counts as read once it was read to its end.
 * @see docs/wire.md, Air-gap file
 */
export class AirGapReader {
  readonly #parts: ReaderParts
  /** One file after the other. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(parts: ReaderParts) {
    this.#parts = parts
  }

  /**
   * @throws FederationError AIR_GAP_FOREIGN, AIR_GAP_BROKEN, AIR_GAP_AUTHOR, AIR_GAP_REPLAYED, AIR_GAP_CHARTER, AIR_GAP_REFUSED
   * @throws LogError where something has not its form or its signature
   */
  read(identities: readonly string[], file: Chunks, progress?: (entries: number) => void): Promise<AirGapImport> {
    const done = this.#turn.then(() => this.#read(identities, file, progress))
    this.#turn = done.catch(() => undefined)
    return done
  }

  async #read(identities: readonly string[], file: Chunks, progress: (entries: number) => void = () => undefined) {
    const bytes = new ByteReader(await decryptWith(identities, file))
    if (!Buffer.from(await bytes.take(AIR_GAP_MAGIC.length)).equals(AIR_GAP_MAGIC))
      throw new LogError('AIR_GAP_INVALID', 'The decrypted file is no air-gap file of version 1')
    const opened = await this.#open(decodeAirGapHeader(await bytes.line(AIR_GAP_LINE_BYTES)))
    const logs = new Map<LogId, { log: LogId; size: number; added: number }>()
    let statements: Envelope[] | undefined
    let last: { log: LogId; to: number } | undefined
    let entries = 0
    while (await bytes.hasMore()) {
      const line = decodeAirGapLine(await bytes.line(AIR_GAP_LINE_BYTES))
      if (statements) throw new LogError('AIR_GAP_INVALID', 'The air-gap file has a part after its statements')
      if ('statements' in line) {
        statements = line.statements
        continue
      }
      const { part } = line
      requireAscending(last, part)
      last = part
      const frames = await framesOf(bytes, part.to - part.from)
      const { size, added } = await this.#take(opened, { ...part, frames })
      entries += added
      logs.set(part.log, { log: part.log, size, added: added + (logs.get(part.log)?.added ?? 0) })
      progress(entries)
    }
    const taken = await this.#statements(opened.author, statements ?? [])
    const { author, slug, snapshot, offered } = opened
    const { sequence, time } = snapshot
    await this.#parts.context.store.commit([{ op: 'put', collection: READ, key: author, value: sequence }])
    const behind = [...offered].filter(([log, { size }]) => (this.#parts.heads.get(log)?.size ?? 0) < size)
    return {
      author,
      slug,
      sequence,
      time,
      logs: [...logs.values()],
      entries,
      statements: taken,
      behind: behind.map(([log]) => log),
    }
  }

  /** Who wrote the file, and what it offers: keys and charters first, because the snapshot is checked by them. */
  async #open({ snapshot: envelope, charters, keys = [] }: AirGapHeader): Promise<Opened> {
    const { context, directory, keyStatements, onEnds } = this.#parts
    const now = context.now()
    const { author, reader, time } = envelope.statement as unknown as Snapshot
    const member = directory.member(author)
    if (!member || author === directory.self)
      throw new FederationError(
        'AIR_GAP_AUTHOR',
        `The file is by ${author}, who is no other member of an alliance of this node`,
      )
    if (reader !== directory.self)
      throw new FederationError('AIR_GAP_READER', `The file was written for ${reader}, not for this node’s member`)
    if (keys.length > 0) {
      const { ends } = await keyStatements.take(author, keys)
      await onEnds(author, ends)
    }
    await this.#install(charters as unknown as Json)
    if (time > now + SNAPSHOT_AHEAD_MS)
      throw new LogError('SNAPSHOT_AHEAD', `The snapshot is ${time - now} ms ahead of this node's clock`)
    const { snapshot, logs } = openSnapshot(envelope, {
      author,
      reader: directory.self,
      publicKeys: keysThen(directory, author, time, now),
      // It may have expired: it tells what there was at its time.
      now: Math.min(now, time),
    })
    const last = await context.store.record<number>(READ, author)
    if (last !== undefined && snapshot.sequence <= last)
      throw new FederationError(
        'AIR_GAP_REPLAYED',
        `The file of ${member.slug} has sequence ${snapshot.sequence}, and ${last} was read already: it, or a later one, was imported before`,
      )
    this.#requireCharters(snapshot)
    return {
      author,
      slug: member.slug,
      snapshot,
      offered: new Map(logs.map(({ log, size, root }) => [log, { size, root }])),
    }
  }

  /** Versions of alliances in which this node stands already: a file founds none. */
  async #install(value: Json): Promise<void> {
    const { charters, directory } = this.#parts
    const chains = Map.groupBy(parseCharters({ charters: value }), ({ charter }) => charter.alliance)
    for (const [alliance, chain] of chains) {
      if (!directory.charter(alliance)) continue
      const result = await charters.install(chain.sort((a, b) => a.charter.version - b.charter.version))
      if (result === 'gap' || result === 'not-in-force')
        throw new FederationError(
          'AIR_GAP_CHARTER',
          `The charters of ${alliance} in the file can't be followed: ${result}`,
        )
    }
  }

  #requireCharters({ charters: named }: Snapshot): void {
    const { charters, directory } = this.#parts
    for (const [alliance, hash] of Object.entries(named))
      if (directory.charter(alliance) && !charters.knows(alliance, hash as Hash))
        throw new FederationError('AIR_GAP_CHARTER', `The file names a charter of ${alliance} that it does not hold`)
  }

  async #take(
    { author, slug, offered }: Opened,
    part: { log: LogId; from: number; checkpoint: string; frames: Frame[] },
  ) {
    const row = offered.get(part.log)
    if (!row)
      throw new FederationError('AIR_GAP_REFUSED', `The file holds log ${part.log}, which its snapshot does not offer`)
    try {
      return await this.#parts.mirrors.take(author, part, row)
    } catch (cause) {
      if (!(cause instanceof MirrorFault)) throw cause
      throw new FederationError('AIR_GAP_REFUSED', `${slug}: ${cause.message}`, { cause })
    }
  }

  async #statements(author: MemberId, envelopes: readonly Envelope[]): Promise<AirGapImport['statements']> {
    const refused: { index: number; code: string }[] = []
    let accepted = 0
    for (let at = 0; at < envelopes.length; at += STATEMENTS_AT_ONCE) {
      const some = envelopes.slice(at, at + STATEMENTS_AT_ONCE) as unknown as Json[]
      const answer = await this.#parts.taken.take(author, some)
      accepted += answer.accepted
      refused.push(...answer.refused.map(({ index, code }) => ({ index: at + index, code })))
    }
    return { accepted, refused }
  }
}

async function framesOf(bytes: ByteReader, count: number): Promise<Frame[]> {
  if (count > PART_ENTRIES_MOST)
    throw new LogError('AIR_GAP_INVALID', `The air-gap file has a part of more than ${PART_ENTRIES_MOST} entries`)
  const frames: Frame[] = []
  let size = 0
  while (frames.length < count) {
    const frame = await bytes.frame()
    size += 'bytes' in frame ? frame.bytes.length + 4 : 36
    if (size > CHECKPOINT_GAP_BYTES)
      throw new LogError('AIR_GAP_INVALID', `The air-gap file has a part of more than ${CHECKPOINT_GAP_BYTES} bytes`)
    frames.push(frame)
  }
  return frames
}

/** Keys that were in force when something was signed and still are: what a key says is no more worth than the key now. */
function keysThen(directory: CharterDirectory, member: MemberId, then: Millis, now: Millis): Uint8Array[] {
  const current = new Set(directory.nodeKeys(member, now).map((key) => Buffer.from(key).toString('hex')))
  return directory.nodeKeys(member, then).filter((key) => current.has(Buffer.from(key).toString('hex')))
}
