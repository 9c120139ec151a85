import type { Hash, MemberId, Millis, Slug } from '#base'
import { type Envelope, nextList, signSnapshot, type Snapshot } from '#log'
import type { LogHead } from '#store'
import type { Context } from '../context.ts'
import type { CharterDirectory } from '../directory.ts'
import type { Heads } from '../heads.ts'
import type { Access } from '../server/access.ts'
import { type Given, isSameView, rowOf, type View } from '../server/snapshots.ts'
import { isCarrierBetween, namedCarriers, readersBehind } from './carriers.ts'

/** How long a reader that was in touch a moment ago has to come back before its lists go by a carrier. */
const GRACE_MS = 5_000
/** Polls without a word after which a reader counts as out of touch, and that a carrier's question counts for. */
const SILENT_POLLS = 2
/** Changes that may add up before the whole list is handed over again. */
const CHANGES_LEAST = 100
/** The same as a part of the list. */
const CHANGES_PART = 0.25

/** What one carrier was given for one reader. */
interface Pair {
  sequence: number
  /** The last whole list: changes are since this one, however many follow, so that the carrier keeps two snapshots. */
  whole?: Given
}

/** What one stream, or one row of offers, has brought to its carrier. */
export type HandedBefore = Map<MemberId, { view: View; again: Millis }>

/**
 * Snapshots that this author signs for readers behind a carrier: logs that both may hold, and that the carrier may bring.
 * They are handed to the carrier while the reader is not in touch itself.
 * @see docs/wire.md, Carriers
 */
export class HandedLists {
  readonly #context: Context
  readonly #directory: CharterDirectory
  readonly #heads: Heads
  readonly #access: Access
  readonly #hasStream: (reader: MemberId) => boolean
  readonly #pairs = new Map<string, Pair>()
  /** Until when each reader counts as in touch, after the last sign of it. */
  readonly #inTouch = new Map<MemberId, Millis>()
  /** Until when a carrier's question for a reader counts. */
  readonly #asked = new Map<string, Millis>()
  readonly #started: Millis

  constructor(parts: {
    context: Context
    directory: CharterDirectory
    heads: Heads
    access: Access
    hasStream: (reader: MemberId) => boolean
  }) {
    this.#context = parts.context
    this.#directory = parts.directory
    this.#heads = parts.heads
    this.#access = parts.access
    this.#hasStream = parts.hasStream
    this.#started = parts.context.now()
  }

  /** The reader asked this node itself, or took an offer. */
  touched(reader: MemberId): void {
    this.#inTouch.set(reader, this.#context.now() + SILENT_POLLS * this.#context.limits.pollMs)
  }

  /** The reader's stream has ended, or an offer to it failed. */
  parted(reader: MemberId): void {
    const until = this.#context.now() + GRACE_MS
    this.#inTouch.set(reader, Math.min(until, this.#inTouch.get(reader) ?? until))
  }

  /** The whole list for a reader, that its carrier asks for; undefined where it carries nothing to that reader. */
  asked(carrier: MemberId, reader: MemberId): Envelope<Snapshot>[] | undefined {
    if (!isCarrierBetween(this.#register(), carrier, [this.#context.self.member, reader])) return undefined
    this.#asked.set(keyOf(carrier, reader), this.#context.now() + SILENT_POLLS * this.#context.limits.pollMs)
    return this.#whole(carrier, reader, this.#view(carrier, reader))
  }

  /** What is new for a carrier since `before`, which is brought up to date; each list again before it expires. */
  due(carrier: MemberId, before: HandedBefore): Envelope<Snapshot>[] {
    const now = this.#context.now()
    const readers = this.#readers(carrier)
    for (const reader of before.keys()) if (!readers.includes(reader)) before.delete(reader)
    return readers.flatMap((reader) => {
      const view = this.#view(carrier, reader)
      const known = before.get(reader)
      if (known && isSameView(known.view, view) && now < known.again) return []
      before.set(reader, { view, again: now + this.#context.limits.pollMs })
      return this.#next(carrier, reader, view)
    })
  }

  /** When something is due for a carrier though no log grows; undefined where it carries nothing. */
  nextAt(carrier: MemberId, before: HandedBefore): Millis | undefined {
    if (namedCarriers(this.#register()).length === 0) return undefined
    const behind = readersBehind(this.#register(), carrier, this.#context.self.member)
    const times = behind.flatMap((reader) => {
      const known = before.get(reader)
      if (known) return [known.again]
      return this.#hasStream(reader) ? [] : [this.#inTouchUntil(reader)]
    })
    return times.length === 0 ? undefined : Math.min(...times)
  }

  /** A carrier lacks the list that a change is about. */
  again(carrier: MemberId, reader: MemberId): void {
    delete this.#pairs.get(keyOf(carrier, reader))?.whole
  }

  #readers(carrier: MemberId): MemberId[] {
    const register = this.#register()
    if (!namedCarriers(register).includes(carrier)) return []
    const now = this.#context.now()
    return readersBehind(register, carrier, this.#context.self.member).filter((reader) => {
      const isAsked = now < (this.#asked.get(keyOf(carrier, reader)) ?? 0)
      return isAsked || !(this.#hasStream(reader) || now < this.#inTouchUntil(reader))
    })
  }

  #inTouchUntil(reader: MemberId): Millis {
    return this.#inTouch.get(reader) ?? this.#started + GRACE_MS
  }

  #register() {
    return this.#directory.register()
  }

  #view(carrier: MemberId, reader: MemberId): View {
    const heads = this.#heads.own().filter((head) => this.#mayGo(head, carrier, reader))
    return { heads, logs: heads.map(rowOf), charters: this.#charters(carrier, reader) }
  }

  #mayGo(head: LogHead, carrier: MemberId, reader: MemberId): boolean {
    const isOffered = (to: MemberId) => this.#access.mayOffer(head, to) && this.#access.admits(head, to)
    return isOffered(reader) && isOffered(carrier) && this.#access.admits(head, reader, carrier)
  }

  /** Charters that all three share: the carrier is not told where else the two stand. */
  #charters(carrier: MemberId, reader: MemberId): Record<Slug, Hash> {
    const own = new Set(this.#directory.member(carrier)?.alliances)
    const shared = (this.#directory.member(reader)?.alliances ?? []).filter((alliance) => own.has(alliance))
    const hashes = shared.map((alliance) => [alliance, this.#directory.hashFor(alliance, reader)])
    return Object.fromEntries(hashes.filter(([, hash]) => hash !== undefined)) as Record<Slug, Hash>
  }

  #next(carrier: MemberId, reader: MemberId, view: View): Envelope<Snapshot>[] {
    const { whole } = this.#pair(carrier, reader)
    const most = whole && Math.max(CHANGES_LEAST, Math.floor(whole.logs.length * CHANGES_PART))
    if (!whole || !most || nextList(whole.logs, view.logs, Math.min(most, this.#context.limits.snapshotRows)).more)
      return this.#whole(carrier, reader, view)
    return [this.#sign(carrier, reader, view, { logs: view.logs, since: whole })]
  }

  #whole(carrier: MemberId, reader: MemberId, view: View): Envelope<Snapshot>[] {
    const steps: Envelope<Snapshot>[] = []
    let since: Given | undefined
    for (let more = true; more;) {
      const next = nextList(since?.logs ?? [], view.logs, this.#context.limits.snapshotRows)
      more = next.more
      const step = this.#sign(carrier, reader, view, { ...next, ...(since ? { since } : {}) })
      since = { sequence: step.statement.sequence, logs: next.logs }
      steps.push(step)
    }
    if (since) this.#pair(carrier, reader).whole = since
    return steps
  }

  #sign(
    carrier: MemberId,
    reader: MemberId,
    { charters }: View,
    list: { logs: Given['logs']; since?: Given; more?: boolean },
  ): Envelope<Snapshot> {
    const { self, now } = this.#context
    const pair = this.#pair(carrier, reader)
    const of = { author: self.member, reader, via: carrier, previousSequence: pair.sequence, time: now(), charters }
    const envelope = signSnapshot({ ...of, ...list }, self.nodeKey)
    pair.sequence = envelope.statement.sequence
    return envelope
  }

  #pair(carrier: MemberId, reader: MemberId): Pair {
    const key = keyOf(carrier, reader)
    const pair = this.#pairs.get(key) ?? { sequence: 0 }
    this.#pairs.set(key, pair)
    return pair
  }
}

const keyOf = (carrier: MemberId, reader: MemberId) => `${carrier}/${reader}`
