import { fromBase64, isJsonObject, type Json, type LogId, type MemberId, parseJson } from '#base'
import { type Frame, FrameDecoder, LogError, type LogRow } from '#log'
import type { LinkResponse } from '../api.ts'
import type { CarriedLists } from '../carriage/carried-lists.ts'
import type { Context } from '../context.ts'
import type { CharterDirectory } from '../directory.ts'
import type { Heads } from '../heads.ts'
import { OFFER_BODY_BYTES, OFFER_STAGED_BYTES } from '../limits.ts'
import { MirrorFault } from '../mirror-state.ts'
import type { Mirrors } from '../mirrors.ts'
import type { Outbox } from '../outbox.ts'
import type { LinkShell } from '../shell.ts'
import { json, notFound, refusal } from './answers.ts'

/** Logs named in one answer; the next answer names the next. */
const WANTED_MOST = 1_000
/** Logs with entries in one offer. */
const ENTRIES_MOST = 1_000
/** Receipts of one answer. */
const RECEIPTS_MOST = 100

/** What offers are taken with. */
export interface OfferParts {
  context: Context
  directory: CharterDirectory
  heads: Heads
  mirrors: Mirrors
  outbox: Outbox
  shell: LinkShell
  carried: CarriedLists
}

/** Entries that came before the checkpoint that covers them. */
interface Staged {
  log: LogId
  from: number
  frames: Frame[]
  bytes: number
}

/** Receipts that an answer held; the next offer says whether it arrived. */
interface Shown {
  mark: number
  ids: readonly number[]
}

/**
 * Offers of authors that nobody can call: their snapshot and entries, verified as what is fetched is, and answered with
 * what is still lacking and the receipts that wait for them.
 * @see docs/wire.md, Offer
 */
export class TakenOffers {
  readonly #parts: OfferParts
  readonly #busy = new Set<MemberId>()
  readonly #staged = new Map<MemberId, Staged>()
  readonly #shown = new Map<MemberId, Shown>()
  #marks = 0

  constructor(parts: OfferParts) {
    this.#parts = parts
  }

  /** Answers one offer of `author`, whose signature was checked. */
  async take(author: MemberId, body: Uint8Array): Promise<LinkResponse> {
    const { directory } = this.#parts
    const member = directory.member(author)
    if (!member || directory.isParted(author)) return notFound()
    const offer = offerOf(body)
    if (!offer) return refusal(400, 'Bad request')
    if (offer.carried.length > 0) return json({ want: [], carry: this.#carry(author, offer.carried) })
    // One after the other: the entries of the next follow those of this one.
    if (this.#busy.has(author)) return refusal(503, 'An offer is being taken')
    this.#busy.add(author)
    try {
      return json(await this.#answer(author, member.slug, offer))
    } catch (cause) {
      if (!(cause instanceof LogError)) throw cause
      // The sender has what the whole list is asked with: no `since`.
      if (cause.code === 'SNAPSHOT_BASE' || cause.code === 'SNAPSHOT_REPLAYED') return json({ want: [], again: true })
      this.#parts.context.log('warn', 'An offer was refused', { peer: author, cause: cause.message })
      return refusal(422, 'Offer refused')
    } finally {
      this.#busy.delete(author)
    }
  }

  /** Takes lists for readers behind this node; the readers of whom the whole list is needed. */
  #carry(author: MemberId, envelopes: readonly Json[]): MemberId[] {
    const { carried, context } = this.#parts
    return envelopes.flatMap((envelope) => {
      try {
        return carried.take(author, envelope).lacks ?? []
      } catch (cause) {
        if (!(cause instanceof LogError)) throw cause
        context.log('warn', 'A list to carry was refused', { peer: author, cause: cause.message })
        return []
      }
    })
  }

  async #answer(author: MemberId, slug: string, offer: Offer): Promise<Json> {
    const { shell } = this.#parts
    await this.#arrived(author, offer.mark)
    const heard = await shell.hear(author, slug, offer.snapshot)
    // Whoever is called needs no offers.
    if (!heard) return { want: [] }
    const { sequence, logs, ahead } = heard
    if (ahead.size > 0) return { want: [], since: sequence, unknown: [...ahead] }
    const rows = new Map(logs.map((row) => [row.log, row]))
    const refused: { log: LogId; code: string }[] = []
    for (const part of offer.entries) {
      const row = rows.get(part.log)
      const code = row ? await this.#takePart(author, row, part) : 'LOG'
      if (code !== undefined) refused.push({ log: part.log, code })
    }
    return { want: this.#wanted(author, logs), since: sequence, refused, ...this.#receipts(author) }
  }

  /** Takes entries in, or puts them by until their checkpoint comes; a code where they do not hold. */
  async #takePart(author: MemberId, row: LogRow, part: Part): Promise<string | undefined> {
    const { heads, mirrors, shell } = this.#parts
    const head = heads.get(row.log)
    if (head && (head.own || head.author !== author)) return 'LOG'
    const before = this.#stagedOf(author, row.log)
    this.#staged.delete(author)
    const from = before?.from ?? part.from
    const end = before ? before.from + before.frames.length : (head?.size ?? 0)
    if (part.from !== end) return 'RANGE'
    const frames = framesOf(part.frames)
    if (!frames) return 'FRAMES'
    const all = before ? [...before.frames, ...frames] : frames
    if (part.checkpoint === undefined) {
      const bytes = (before?.bytes ?? 0) + part.frames.length
      if (bytes + this.#stagedBytes() > OFFER_STAGED_BYTES) return 'GAP'
      this.#staged.set(author, { log: row.log, from, frames: all, bytes })
      return undefined
    }
    const turn = shell.turn(author, row.log)
    // Over its quota: the author keeps it, and offers it again.
    if (turn.take === 'never' || turn.take === 'later') return 'QUOTA'
    try {
      const { log, checkpoint } = part
      const bytes = frames.reduce((sum, frame) => sum + ('bytes' in frame ? frame.bytes.length : 0), 0)
      const { size, root } = await mirrors.take(author, { log, from, checkpoint, frames: all, by: 'offer' }, row)
      shell.mirrored(author, log, { size, root }, bytes)
      return undefined
    } catch (cause) {
      if (cause instanceof MirrorFault) return 'ENTRIES'
      throw cause
    }
  }

  /** What the author's snapshot offers and is not durable here. */
  #wanted(author: MemberId, logs: readonly LogRow[]): Json[] {
    const want: Json[] = []
    for (const { log, size } of logs) {
      const head = this.#parts.heads.get(log)
      if (head && (head.own || head.author !== author)) continue
      const turn = this.#parts.shell.turn(author, log)
      if (turn.take === 'never' || turn.take === 'later') continue
      const staged = this.#stagedOf(author, log)
      const from = staged ? staged.from + staged.frames.length : (head?.size ?? 0)
      if (from < size) want.push({ log, from, size })
      if (want.length === WANTED_MOST) break
    }
    return want
  }

  /** Receipts and acknowledgements that wait for this author, with a mark for its next offer to say that they arrived. */
  #receipts(author: MemberId): { receipts?: Json; mark?: number } {
    const { outbox } = this.#parts
    const ids = outbox.waitingFor(author).slice(0, RECEIPTS_MOST)
    if (ids.length === 0) return {}
    const mark = ++this.#marks
    this.#shown.set(author, { mark, ids })
    return { receipts: outbox.envelopes(ids) as unknown as Json, mark }
  }

  async #arrived(author: MemberId, mark: number | undefined): Promise<void> {
    const shown = this.#shown.get(author)
    if (!shown || shown.mark !== mark) return
    this.#shown.delete(author)
    await this.#parts.outbox.delivered(shown.ids)
    this.#parts.shell.handedOver(author, shown.ids)
  }

  #stagedOf(author: MemberId, log: LogId): Staged | undefined {
    const staged = this.#staged.get(author)
    // A file may have brought the entries meanwhile.
    const isNext = staged?.log === log && staged.from === (this.#parts.heads.get(log)?.size ?? 0)
    return isNext ? staged : undefined
  }

  #stagedBytes(): number {
    return [...this.#staged.values()].reduce((sum, { bytes }) => sum + bytes, 0)
  }
}

interface Part {
  log: LogId
  from: number
  frames: string
  checkpoint?: string
}

interface Offer {
  snapshot: Json
  entries: Part[]
  mark?: number
  /** Snapshots for readers behind this node; they come without anything else. */
  carried: Json[]
}

/** The offer in a body; undefined where it has not the form. */
function offerOf(body: Uint8Array): Offer | undefined {
  let value: Json
  try {
    value = parseJson(body, { maxBytes: OFFER_BODY_BYTES })
  } catch {
    return undefined
  }
  if (!isJsonObject(value)) return undefined
  const { snapshot, entries = [], mark, carried = [] } = value
  if (!Array.isArray(carried)) return undefined
  if (carried.length > 0 && snapshot === undefined) return { snapshot: null, entries: [], carried }
  if (snapshot === undefined || !Array.isArray(entries) || entries.length > ENTRIES_MOST) return undefined
  if (!entries.every(isPart) || (mark !== undefined && !Number.isSafeInteger(mark))) return undefined
  return {
    snapshot,
    entries: entries as unknown as Part[],
    carried: [],
    ...(mark === undefined ? {} : { mark: mark as number }),
  }
}

const isPart = (part: Json) =>
  isJsonObject(part) &&
  typeof part['log'] === 'string' &&
  Number.isSafeInteger(part['from']) &&
  typeof part['frames'] === 'string' &&
  (part['checkpoint'] === undefined || typeof part['checkpoint'] === 'string')

function framesOf(text: string): Frame[] | undefined {
  try {
    const decoder = new FrameDecoder()
    const frames = decoder.push(fromBase64(text))
    decoder.end()
    return frames.length > 0 ? frames : undefined
  } catch {
    return undefined
  }
}
