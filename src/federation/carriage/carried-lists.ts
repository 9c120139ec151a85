import { type Json, type LogId, type MemberId, type Millis, parseJson } from '#base'
import { LogError, type Snapshot, SNAPSHOT_AHEAD_MS, verifyStatement } from '#log'
import type { Context } from '../context.ts'
import type { CharterDirectory } from '../directory.ts'
import type { Heads } from '../heads.ts'
import { CARRIED_LIST_BYTES, JSON_LIMITS } from '../limits.ts'
import type { LinkClient, Target } from '../link-client.ts'
import { isCarrierBetween } from './carriers.ts'

/** How often an author is asked for the list of one reader, at most. */
const ASK_AGAIN_MS = 2_000

/** One signed snapshot, as text: most are read by nobody but the reader. */
interface Kept {
  sequence: number
  since?: number
  expires: Millis
  isLast: boolean
  text: string
}

/** The last whole list in its steps, and the newest change since. */
interface List {
  whole: Kept[]
  change?: Kept
  /** Logs of which the mirror here is not as far as the list says. */
  lacking: Map<LogId, number>
}

/** What is carried from one author to one reader. */
interface Carried {
  /** What the reader is told: everything that it names stands here. */
  shown?: List
  /** What is shown next, once the mirrors are there. */
  next?: List
  /** The newest that came, where it came after `next`. */
  latest?: List
}

/**
 * Lists that authors signed for readers who reach them through this node: verified, kept until newer ones come, and handed
 * on as soon as everything that they name can be had here.
 * @see docs/wire.md, Carriers
 */
export class CarriedLists {
  readonly #context: Context
  readonly #directory: CharterDirectory
  readonly #heads: Heads
  readonly #client: LinkClient
  readonly #target: (author: MemberId) => Target | undefined
  readonly #onShown: (reader: MemberId) => void
  readonly #carried = new Map<MemberId, Map<MemberId, Carried>>()
  readonly #asking = new Map<string, { at: Millis; answer: Promise<void> }>()

  constructor(parts: {
    context: Context
    directory: CharterDirectory
    heads: Heads
    client: LinkClient
    target: (author: MemberId) => Target | undefined
    /** There is something new for a reader. */
    onShown: (reader: MemberId) => void
  }) {
    this.#context = parts.context
    this.#directory = parts.directory
    this.#heads = parts.heads
    this.#client = parts.client
    this.#target = parts.target
    this.#onShown = parts.onShown
  }

  /**
   * Takes a snapshot that its author handed over. `lacks` names the reader where the list that it changes is not here.
   * @throws LogError where it is not the author's for a reader whom this node serves, or not newer than the last
   */
  take(author: MemberId, envelope: Json): { lacks?: MemberId } {
    const { self, now } = this.#context
    const snapshot = verifyStatement<Snapshot>(envelope, 'snapshot', this.#directory.nodeKeys(author, now()))
    const { reader, sequence, logs, expires } = snapshot
    const { since, removed = [] } = snapshot as { since?: number; removed?: LogId[] }
    const isForHere = snapshot.author === author && snapshot['via'] === self.member
    if (!isForHere || !this.#isCarrier(author, reader))
      throw new LogError('SNAPSHOT_FOREIGN', 'The snapshot is for no reader whom this node serves')
    if (snapshot.time > now() + SNAPSHOT_AHEAD_MS)
      throw new LogError('SNAPSHOT_AHEAD', `The snapshot is ${snapshot.time - now()} ms ahead of this node's clock`)
    const carried = this.#of(author, reader)
    const before = carried.latest ?? carried.next ?? carried.shown
    const last = before?.change ?? before?.whole.at(-1)
    if (last && sequence <= last.sequence)
      throw new LogError('SNAPSHOT_REPLAYED', `The snapshot has sequence ${sequence} after ${last.sequence}`)
    const kept: Kept = {
      sequence,
      expires,
      isLast: snapshot['more'] !== true,
      text: JSON.stringify(envelope),
      ...(since ? { since } : {}),
    }
    if (this.#bytes() + kept.text.length > CARRIED_LIST_BYTES)
      throw new LogError('SNAPSHOT_BASE', `More than ${CARRIED_LIST_BYTES} bytes of lists would be carried`)
    const rows = logs.map(({ log, size }) => [log, size] as const)
    const list = grown(before, kept, { rows, removed })
    if (!list) return { lacks: reader }
    if (carried.next?.whole.at(-1)?.isLast) carried.latest = list
    else carried.next = list
    this.#show(author, reader, carried)
    return {}
  }

  /** Mirrors of an author grew. */
  grew(author: MemberId): void {
    for (const [reader, carried] of this.#carried.get(author) ?? []) this.#show(author, reader, carried)
  }

  /** Authors whose lists are carried to a reader. */
  authorsFor(reader: MemberId): MemberId[] {
    return [...this.#carried].flatMap(([author, readers]) =>
      readers.has(reader) && this.#isCarrier(author, reader) ? [author] : [],
    )
  }

  /** What a reader was not shown yet of an author's list, as envelopes in JSON, oldest first. */
  since(author: MemberId, reader: MemberId, sequence: number): { sequence: number; text: string }[] {
    const list = this.#isCarrier(author, reader) ? this.#carried.get(author)?.get(reader)?.shown : undefined
    if (!list) return []
    return [...list.whole, ...(list.change ? [list.change] : [])].filter((kept) => kept.sequence > sequence)
  }

  /** Sequence of the newest that a reader may be shown; 0 where there is none. */
  sequence(author: MemberId, reader: MemberId): number {
    const list = this.#carried.get(author)?.get(reader)?.shown
    return (list?.change ?? list?.whole.at(-1))?.sequence ?? 0
  }

  /**
   * The snapshot that a reader asks for: what follows `since`, else the beginning of the whole list. Asks the author where
   * nothing fresh is here. Undefined where there is none, or this node carries nothing from that author to that reader.
   */
  async answer(author: MemberId, reader: MemberId, since: number | undefined): Promise<string | undefined> {
    if (!this.#isCarrier(author, reader)) return undefined
    const list = () => this.#carried.get(author)?.get(reader)?.shown
    const isFresh = this.#context.now() < ((list()?.change ?? list()?.whole.at(-1))?.expires ?? 0)
    if (!isFresh) await this.#ask(author, reader)
    const shown = list()
    if (!shown) return undefined
    const place = shown.whole.findIndex((kept) => kept.sequence === since)
    if (place < 0) return shown.whole[0]?.text
    return (shown.whole[place + 1] ?? shown.change ?? shown.whole[place])?.text
  }

  /** Asks an author for the whole list of a reader; nothing comes of it where the author can't be called. */
  async #ask(author: MemberId, reader: MemberId): Promise<void> {
    const to = this.#target(author)
    const key = `${author}/${reader}`
    const now = this.#context.now()
    const before = this.#asking.get(key)
    if (before && Math.abs(now - before.at) < ASK_AGAIN_MS) return before.answer
    if (!to) return
    const answer = this.#fetch(to, reader).catch((cause: unknown) =>
      this.#context.log('debug', 'An author gave no list to carry', { peer: author, cause: String(cause) }),
    )
    this.#asking.set(key, { at: now, answer })
    await answer
  }

  /** A carrier that lost the list asks for the whole of it. */
  fetchSoon(author: MemberId, reader: MemberId): void {
    void this.#ask(author, reader)
  }

  async #fetch(to: Target, reader: MemberId): Promise<void> {
    const body = await this.#client.get(to, `/link/v1/logs?reader=${reader}`)
    const { snapshots } = parseJson(body, JSON_LIMITS) as { snapshots?: Json[] }
    for (const envelope of Array.isArray(snapshots) ? snapshots : []) this.take(to.member, envelope)
  }

  /** Shows the next list once all that it names can be had here. */
  #show(author: MemberId, reader: MemberId, carried: Carried): void {
    let isNew = false
    for (let { next } = carried; next && this.#isCovered(author, next); next = carried.next) {
      carried.shown = next
      isNew = true
      delete carried.next
      if (carried.latest) carried.next = carried.latest
      delete carried.latest
    }
    if (isNew) this.#onShown(reader)
  }

  #isCovered(author: MemberId, { whole, lacking }: List): boolean {
    if (!whole.at(-1)?.isLast) return false
    for (const [log, size] of lacking) {
      const head = this.#heads.get(log)
      if (head?.author !== author || head.size < size) return false
      lacking.delete(log)
    }
    return true
  }

  #isCarrier(author: MemberId, reader: MemberId): boolean {
    return isCarrierBetween(this.#directory.register(), this.#context.self.member, [author, reader])
  }

  #of(author: MemberId, reader: MemberId): Carried {
    const readers = this.#carried.get(author) ?? new Map<MemberId, Carried>()
    this.#carried.set(author, readers)
    const carried = readers.get(reader) ?? {}
    readers.set(reader, carried)
    return carried
  }

  #bytes(): number {
    const lists = [...this.#carried.values()].flatMap((readers) => [...readers.values()])
    const kept = lists.flatMap(({ shown, next, latest }) => [shown, next, latest])
    const all = new Set(kept.flatMap((list) => (list ? [...list.whole, ...(list.change ? [list.change] : [])] : [])))
    return [...all].reduce((sum, { text }) => sum + text.length, 0)
  }
}

/** A list with one more snapshot: a new whole, its next step, or the newest change; undefined where it follows nothing. */
function grown(
  before: List | undefined,
  kept: Kept,
  { rows, removed }: { rows: readonly (readonly [LogId, number])[]; removed: readonly LogId[] },
): List | undefined {
  if (kept.since === undefined) return { whole: [kept], lacking: new Map(rows) }
  const end = before?.whole.at(-1)
  if (!before || end?.sequence !== kept.since) return undefined
  const lacking = new Map([...before.lacking, ...rows])
  for (const log of removed) lacking.delete(log)
  return end.isLast ? { whole: before.whole, change: kept, lacking } : { whole: [...before.whole, kept], lacking }
}
