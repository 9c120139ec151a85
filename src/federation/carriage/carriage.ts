import { type Json, type MemberId, utf8 } from '#base'
import { isMemberId } from '#log'
import type { LinkResponse } from '../api.ts'
import type { Context } from '../context.ts'
import type { CharterDirectory } from '../directory.ts'
import type { KeyStatements } from '../key-statements.ts'
import { bytes, json } from '../server/answers.ts'
import type { Beside } from '../server/stream.ts'
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

  constructor(parts: {
    context: Context
    directory: CharterDirectory
    keyStatements: KeyStatements
    handed: HandedLists
    carried: CarriedLists
  }) {
    this.#context = parts.context
    this.#directory = parts.directory
    this.#keyStatements = parts.keyStatements
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

  /** Who may carry this author's logs to a reader. */
  carriersTo(reader: MemberId): MemberId[] {
    return carriersBetween(this.#directory.register(), [this.#context.self.member, reader])
  }

  /** What goes out on one stream beside the reader's own snapshots; what was there before it asks for. */
  beside(reader: MemberId): Beside {
    const handed: HandedBefore = new Map()
    const shown = new Map<MemberId, number>()
    for (const author of this.carried.authorsFor(reader)) shown.set(author, this.carried.sequence(author, reader))
    return {
      due: () => [
        ...this.handed.due(reader, handed).map((envelope) => JSON.stringify(envelope)),
        ...this.carried.authorsFor(reader).flatMap((author) => {
          const due = this.carried.since(author, reader, shown.get(author) ?? 0)
          const last = due.at(-1)
          if (last) shown.set(author, last.sequence)
          return due.map(({ text }) => text)
        }),
      ],
      nextAt: () => this.handed.nextAt(reader, handed),
    }
  }
}
