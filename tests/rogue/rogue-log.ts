// A log in memory whose author signs whatever it is told to.
import { type LogId, type MemberId, toHex, utf8 } from '#base'
import {
  type Audience,
  encodeEntry,
  ENTRY_KIND,
  genesisPayload,
  leafHash,
  logIdOf,
  type LogRow,
  plainPayload,
  rootOf,
  signCheckpoint,
  type Signer,
  toAudience,
} from '#log'

export class RogueLog {
  readonly id: LogId
  readonly audience: Audience
  private readonly author: MemberId
  private readonly key: Signer
  private readonly now: () => number
  private readonly notes = new Map<number, string>()
  private readonly charters: readonly (readonly [string, string])[]
  entries: Uint8Array[] = []

  constructor(
    author: MemberId,
    key: Signer,
    audience: Audience,
    now: () => number,
    charters: readonly (readonly [string, string])[],
  ) {
    this.author = author
    this.key = key
    this.now = now
    this.charters = charters
    this.audience = toAudience(audience)
    const incarnation = Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString('hex')
    const payload = genesisPayload({ author, audience: this.audience, incarnation, previous: null })
    this.append(ENTRY_KIND.genesis, payload)
    this.id = logIdOf(this.entries[0]!)
  }

  /** Adds an entry of the right form; answers its index. */
  append(kind: number, payload: Uint8Array, time = this.now()): number {
    return this.appendRaw(encodeEntry({ kind, salt: crypto.getRandomValues(new Uint8Array(32)), time, payload }))
  }

  /** Adds bytes that may be no entry at all. */
  appendRaw(bytes: Uint8Array): number {
    return this.entries.push(bytes) - 1
  }

  publish(object: object, time?: number): number {
    return this.append(ENTRY_KIND.object, utf8(JSON.stringify(object)), time)
  }

  recall(index: number): number {
    const leaf = toHex(leafHash(this.entries[index]!))
    return this.append(ENTRY_KIND.recall, plainPayload({ index, leaf, reason: 'error' }))
  }

  root(size = this.entries.length): string {
    return toHex(rootOf(this.entries.slice(0, size).map(leafHash)))
  }

  row(size = this.entries.length): LogRow {
    return { log: this.id, size, root: this.root(size) } as LogRow
  }

  /** Signs a head; any head. */
  sign(size: number, root: string, time = this.now()): string {
    return signCheckpoint({ log: this.id, size, root, time, charters: this.charters } as never, this.author, this.key)
  }

  /** The note of a size, always the same one. */
  note(size = this.entries.length): string {
    const known = this.notes.get(size) ?? this.sign(size, this.root(size))
    this.notes.set(size, known)
    return known
  }

  /** Another log under the same id, that goes another way from `size` on. */
  branch(size: number): RogueLog {
    const other = Object.create(this) as RogueLog
    other.entries = this.entries.slice(0, size)
    Object.defineProperty(other, 'note', {
      value: (at: number = other.entries.length) => (at <= size ? this.note(at) : other.sign(at, other.root(at))),
    })
    return other
  }
}
