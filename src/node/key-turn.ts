import { fromBase64, type KeyId, type MemberId } from '#base'
import type { Federation } from '#federation'
import { type CharterMember, type Envelope, keyIdOf, signedBy, statementHash } from '#log'
import type { CurrentKey } from './current-key.ts'
import { readConfig, readDelegations, rootKeyOf } from './data-directory.ts'
import { adoptNextKey, isAfterCompromise, type NextKey, nextKeyOf } from './key-change.ts'
import { profileOf } from './own-profile.ts'
import { finishRootChange, isNamedEverywhere, nextRootOf } from './root-change.ts'

/** What taking up new keys came to. */
export interface KeyChanged {
  /** The node key in use. */
  key: KeyId
  /** Peers that know of it now; the others learn of it when they meet this node again. */
  told: MemberId[]
  /** Own logs that were vouched for under the new key, after a compromise. */
  vouched: number
  /** The root key in use. */
  root: KeyId
  /** The next root key, where charters are still to name it. */
  nextRoot?: KeyId
}

/** Takes up the keys of a node while it serves: one change after the other. */
export class KeyTurn {
  readonly #dir: string
  readonly #current: CurrentKey
  readonly #federation: () => Federation
  readonly #profile: CharterMember
  #queue: Promise<unknown> = Promise.resolve()

  constructor(options: { dir: string; current: CurrentKey; federation: () => Federation; profile: CharterMember }) {
    this.#dir = options.dir
    this.#current = options.current
    this.#federation = options.federation
    this.#profile = options.profile
  }

  /** Before anybody is asked for anything: keys that no charter lists yet are to be known as this member's own. */
  async opened(): Promise<void> {
    await this.follow()
    await this.#federation().introduceKeys(await this.#unlisted())
  }

  /**
   * Takes up what waits in the data directory: peers are told while the old node key still signs, then the new one does;
   * the root key follows once every charter names it.
   */
  take(): Promise<KeyChanged> {
    return this.#inTurn(async () => {
      const next = await nextKeyOf(this.#dir)
      await this.#followRoot()
      const delegations = await readDelegations(this.#dir)
      const told = await this.#federation().introduceKeys(await this.#unlisted())
      if (next) {
        await adoptNextKey(this.#dir)
        this.#current.use(next.key)
      }
      await this.#refreshProfile()
      const vouched = next && isAfterCompromise(delegations) ? await this.#federation().vouch(next.delegation) : 0
      const config = await readConfig(this.#dir)
      const waits = await nextRootOf(this.#dir)
      return {
        key: this.#current.keyId,
        told,
        vouched,
        root: keyIdOf(fromBase64(rootKeyOf(config))),
        ...(waits === undefined ? {} : { nextRoot: keyIdOf(fromBase64(waits)) }),
      }
    })
  }

  /** A charter came into force: it may be the last to name the next root key. */
  follow(): Promise<void> {
    return this.#inTurn(async () => {
      if ((await nextRootOf(this.#dir)) === undefined) return
      // What changed while the charter waited for votes is known to peers under the key before alone.
      await this.#federation().introduceKeys(await this.#unlisted())
      if (await this.#followRoot()) await this.#refreshProfile()
    })
  }

  /** After a compromise each log is vouched for under the new key. */
  async vouched(changed: NextKey | undefined): Promise<void> {
    if (changed && isAfterCompromise(await readDelegations(this.#dir)))
      await this.#federation().vouch(changed.delegation)
  }

  async #followRoot(): Promise<boolean> {
    const next = await nextRootOf(this.#dir)
    if (next === undefined || !isNamedEverywhere(this.#federation().directory, next)) return false
    await finishRootChange(this.#dir)
    return true
  }

  async #refreshProfile(): Promise<void> {
    const [config, delegations] = [await readConfig(this.#dir), await readDelegations(this.#dir)]
    const { root, firstRoot, delegations: own } = profileOf({ delegations }, config)
    Object.assign(this.#profile, { root, delegations: own }, firstRoot === undefined ? {} : { firstRoot })
  }

  /** Delegations and ends that a charter does not list though it names the root key that signed them, or is about to. */
  async #unlisted(): Promise<Envelope[]> {
    const { directory } = this.#federation()
    const rows = directory
      .charters()
      .flatMap(({ charter }) => charter.members.filter(({ id }) => id === directory.self))
    const delegations = await readDelegations(this.#dir)
    const next = await nextRootOf(this.#dir)
    const unlisted = rows.flatMap((row) => {
      const listed = new Set(row.delegations.map(({ statement }) => statementHash(statement)))
      return signedBy(delegations, fromBase64(row.root)).filter(
        ({ statement }) => !listed.has(statementHash(statement)),
      )
    })
    const waiting = next === undefined ? [] : signedBy(delegations, fromBase64(next))
    return [...new Set([...unlisted, ...waiting])]
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#queue.then(work)
    this.#queue = done.catch(() => undefined)
    return done
  }
}
