import { type Json, type MemberId, type Millis, parseJson, utf8 } from '#base'
import type { Envelope } from '#log'
import type { Change } from '#store'
import type { Context } from './context.ts'
import type { LinkClient, Target } from './link-client.ts'

const COLLECTION = 'outbox'
/** Bytes of statements in one request. */
const SEND_BYTES = 512 * 1_024

interface Waiting {
  to: MemberId
  envelope: Envelope
  /** Row that keeps it over a restart; what can be made again needs none. */
  key?: string
  sent?: () => void
}

/** Statements on their way to other members: kept until the receiver has taken them. */
export class Outbox {
  readonly #context: Context
  readonly #waiting = new Map<number, Waiting>()
  #next = 1
  readonly #notify: ((to: MemberId, id: number, now: Millis) => void)[] = []

  private constructor(context: Context) {
    this.#context = context
  }

  static async open(context: Context): Promise<Outbox> {
    const outbox = new Outbox(context)
    for await (const { key, value } of context.store.records(COLLECTION)) {
      const { to, envelope } = value as unknown as { to: MemberId; envelope: Envelope }
      outbox.#waiting.set(outbox.#next++, { to, envelope, key })
    }
    return outbox
  }

  /** Who is told of each statement that is due. */
  onDue(notify: (to: MemberId, id: number, now: Millis) => void): void {
    this.#notify.push(notify)
  }

  /** Ids that wait for a member, oldest first. */
  waitingFor(to: MemberId): number[] {
    return [...this.#waiting].filter(([, waiting]) => waiting.to === to).map(([id]) => id)
  }

  /** The newest that waits for a member; 0 where nothing does. */
  newestFor(to: MemberId): number {
    return this.waitingFor(to).at(-1) ?? 0
  }

  /** A statement that must survive a restart, in one commit with what makes it due: a kill takes both or none. */
  async keep(to: MemberId, envelope: Envelope, changes: readonly Change[] = []): Promise<void> {
    const { change, done } = this.kept(to, envelope)
    await this.#context.store.commit([...changes, change])
    done()
  }

  /** The same for a commit of the caller's: its change, and what to do once that is durable. */
  kept(to: MemberId, envelope: Envelope): { change: Change; done: () => void } {
    const key = `${to}/${String(this.#context.now()).padStart(16, '0')}/${envelope.signatures[0]?.sig.slice(0, 24)}`
    const value = { to, envelope } as unknown as Json
    const change: Change = { op: 'put', collection: COLLECTION, key, value }
    return { change, done: () => this.#add({ to, envelope, key }) }
  }

  /** A statement that would be made again after a restart. */
  offer(to: MemberId, envelope: Envelope, sent: () => void): void {
    this.#add({ to, envelope, sent })
  }

  /**
   * Posts the first of these statements, as many as one request takes; answers which were delivered.
   * @throws FederationError LINK_UNREACHABLE, LINK_REFUSED
   */
  async post(client: LinkClient, to: Target, ids: readonly number[]): Promise<number[]> {
    const most: number[] = []
    let bytes = 0
    for (const id of ids) {
      bytes += JSON.stringify(this.envelopes([id])).length
      if (most.length > 0 && bytes > SEND_BYTES) break
      most.push(id)
    }
    const body = utf8(JSON.stringify({ receipts: this.envelopes(most) }))
    const { refused } = parseJson(await client.post(to, '/link/v1/receipts', body)) as { refused?: Json[] }
    if (refused && refused.length > 0)
      this.#context.log('warn', 'An author refused receipts', { peer: to.member, refused: refused.slice(0, 10) })
    await this.delivered(most)
    return most
  }

  envelopes(ids: readonly number[]): Envelope[] {
    return ids.flatMap((id) => this.#waiting.get(id)?.envelope ?? [])
  }

  /** The receiver has these. */
  async delivered(ids: readonly number[]): Promise<void> {
    const changes = ids.flatMap((id) => {
      const waiting = this.#waiting.get(id)
      this.#waiting.delete(id)
      waiting?.sent?.()
      return waiting?.key === undefined ? [] : [{ op: 'delete' as const, collection: COLLECTION, key: waiting.key }]
    })
    if (changes.length > 0) await this.#context.store.commit(changes)
  }

  #add(waiting: Waiting): void {
    const id = this.#next++
    this.#waiting.set(id, waiting)
    for (const notify of this.#notify) notify(waiting.to, id, this.#context.now())
  }
}
