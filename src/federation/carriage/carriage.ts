import { isJsonObject, type Json, type MemberId, utf8 } from '#base'
import { isMemberId, parseEnvelope } from '#log'
import type { LinkResponse } from '../api.ts'
import type { Context } from '../context.ts'
import type { CharterDirectory } from '../directory.ts'
import type { KeyStatements } from '../key-statements.ts'
import type { Outbox } from '../outbox.ts'
import { bytes, json } from '../server/answers.ts'
import type { Beside } from '../server/stream.ts'
import type { CarriedLinks } from './carried-links.ts'
import type { CarriedLists } from './carried-lists.ts'
import { carriersBetween, isCarrierBetween } from './carriers.ts'
import type { HandedBefore, HandedLists } from './handed-lists.ts'

/**
 * The server's side of carriers: as an author, lists for readers behind the one who asks; as a carrier, lists of authors
 * for the one who asks. Whatever is not carried is answered as what does not exist.
 * @see docs/wire.md, Carriers
 */
export class Carriage {
  readonly handed: HandedLists
  readonly carried: CarriedLists
  readonly #context: Context
  readonly #directory: CharterDirectory
  readonly #keyStatements: KeyStatements
  readonly #outbox: Outbox
  readonly #isCalled: (member: MemberId) => boolean

  constructor(parts: {
    context: Context
    directory: CharterDirectory
    keyStatements: KeyStatements
    outbox: Outbox
    handed: HandedLists
    carried: CarriedLists
    /** Whether this node can call a member, and so brings it its statements itself. */
    isCalled: (member: MemberId) => boolean
  }) {
    this.#context = parts.context
    this.#directory = parts.directory
    this.#keyStatements = parts.keyStatements
    this.#outbox = parts.outbox
    this.#isCalled = parts.isCalled
    this.handed = parts.handed
    this.carried = parts.carried
  }

  /** `GET logs?reader=`: this author's whole list for a reader behind the carrier that asks. */
  listFor(reader: string, carrier: MemberId): LinkResponse | undefined {
    const snapshots = isMemberId(reader) ? this.handed.asked(carrier, reader) : undefined
    return snapshots && json({ snapshots } as unknown as Json)
  }

  /** `GET logs?author=`: the author's snapshot for the reader who asks, as this carrier got it. */
  async listOf(author: string, reader: MemberId, since: number | undefined): Promise<LinkResponse | undefined> {
    const text = isMemberId(author) ? await this.carried.answer(author, reader, since) : undefined
    return text === undefined ? undefined : bytes(utf8(text), 'application/json')
  }

  /** `GET statements?author=`: what is known here of the keys of an author whose logs are carried to the one who asks. */
  keysOf(author: string, reader: MemberId): LinkResponse | undefined {
    const { self } = this.#context
    if (!isMemberId(author) || !isCarrierBetween(this.#directory.register(), self.member, [author, reader]))
      return undefined
    return json({ statements: this.#keyStatements.of(author) as unknown as Json[] })
  }

  /** What came on a peer's stream: of the peer, for a reader behind this node; or of an author that the peer carries. */
  hear(peer: MemberId, data: Json, links: CarriedLinks): void {
    const { self, log } = this.#context
    const snapshot = isJsonObject(data) ? data['snapshot'] : undefined
    try {
      const { statement } = parseEnvelope(snapshot)
      if (statement['via'] !== self.member) {
        void links
          .push(peer, snapshot as Json)
          .catch((cause: unknown) => log('warn', 'A carried list was refused', { peer, cause: String(cause) }))
        return
      }
      const { lacks } = this.carried.take(peer, snapshot as Json)
      if (lacks) this.carried.fetchSoon(peer, lacks)
    } catch (cause) {
      log('warn', 'A list to carry was refused', { peer, cause: String(cause) })
    }
  }

  /** Who may carry this author's logs to a reader. */
  carriersTo(reader: MemberId): MemberId[] {
    return carriersBetween(this.#directory.register(), [this.#context.self.member, reader])
  }

  /** What goes out on one stream beside the reader's own snapshots; what was there before it asks for. */
  beside(reader: MemberId): Beside {
    const { carried, handed } = this
    const before: HandedBefore = new Map()
    const shown = new Map<MemberId, number>()
    for (const author of carried.authorsFor(reader)) shown.set(author, carried.sequence(author, reader))
    let told = 0
    const waiting = () => {
      const newest = this.#isCalled(reader) ? 0 : this.#outbox.newestFor(reader)
      const isNew = newest > told
      told = Math.max(told, newest)
      return isNew ? [{ event: 'waiting', data: '{}' }] : []
    }
    return {
      due: () => [
        ...waiting(),
        ...handed.due(reader, before).map((envelope) => carriedEvent(JSON.stringify(envelope))),
        ...carried.authorsFor(reader).flatMap((author) => {
          const due = carried.since(author, reader, shown.get(author) ?? 0)
          const last = due.at(-1)
          if (last) shown.set(author, last.sequence)
          return due.map(({ text }) => carriedEvent(text))
        }),
      ],
      nextAt: () => handed.nextAt(reader, before),
    }
  }
}

const carriedEvent = (text: string) => ({ event: 'carried', data: `{"snapshot":${text}}` })
