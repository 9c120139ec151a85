import { fromBase64, type Hash, type MemberId, type Millis, type Slug } from '#base'
import { checkCharter, type CharterMember, type CharterStatement, toCharter } from '../charter.ts'
import { type KeyWindow, keyWindows, type Purpose } from '../delegation.ts'
import { LogError } from '../error.ts'
import { keyIdOf } from '../keys.ts'
import { type Envelope, statementHash } from '../statement.ts'

/** A charter with its votes, as it stands in files. */
export interface Voted {
  charter: unknown
  votes: readonly unknown[]
}

/** An alliance whose charters were checked from version 1. */
export interface CheckedAlliance {
  alliance: Slug
  /** Hash of version 1, which a verifier compares with what it knows of the alliance. */
  founding: Hash
  version: number
  /** Hash of the newest version in the file. */
  newest: Hash
}

/** A key of a member, and what is known of it besides. */
export interface BookedKey extends KeyWindow {
  /** Its member replaced its root key since; then the alliance's votes, not the member id, vouch for the key. */
  isUnderLaterRoot: boolean
}

/**
 * Keys of members as charters give them. The charters are checked here, from version 1 on, each by the votes of the one
 * before it; nothing else in a file is believed about keys.
 */
export class KeyBook {
  readonly alliances: CheckedAlliance[] = []
  readonly #members = new Map<MemberId, CharterMember>()
  readonly #keys = new Map<MemberId, BookedKey[]>()
  readonly #roots = new Map<MemberId, Uint8Array[]>()

  /**
   * With `founding`, of the alliance alone whose version 1 has that hash.
   * @throws LogError CHARTER_INVALID where a chain does not begin at version 1, has a gap, or lacks its votes
   */
  constructor(chain: readonly Voted[], loose: readonly Envelope[] = [], founding?: Hash) {
    const charters = chain.map(({ charter, votes }) => ({ charter: toCharter(charter), votes }))
    const rows: { row: CharterMember; isNewest: boolean }[] = []
    for (const [alliance, versions] of Map.groupBy(charters, ({ charter }) => charter.alliance)) {
      const ordered = versions.sort((a, b) => a.charter.version - b.charter.version)
      let before: CharterStatement | undefined
      for (const { charter, votes } of ordered) {
        if (!checkCharter(before, charter, votes).inForce)
          throw new LogError('CHARTER_INVALID', `Version ${charter.version} of ${alliance} lacks votes in the file`)
        before = charter
      }
      const [first] = ordered
      if (!first || !before || (founding !== undefined && statementHash(first.charter) !== founding)) continue
      this.alliances.push({
        alliance,
        founding: statementHash(first.charter),
        version: before.version,
        newest: statementHash(before),
      })
      for (const { charter } of ordered)
        for (const row of charter.members) rows.push({ row, isNewest: charter === before })
    }
    for (const [id, of] of Map.groupBy(rows, ({ row }) => row.id)) this.#add(id, of, loose)
  }

  member(id: MemberId): CharterMember | undefined {
    return this.#members.get(id)
  }

  /** Name of a member for people. */
  nameOf(id: MemberId): string {
    return this.#members.get(id)?.slug ?? id
  }

  /** Keys that count at an instant and were never called compromised. */
  keys(member: MemberId, purpose: Purpose, at: Millis): BookedKey[] {
    return (this.#keys.get(member) ?? []).filter(
      (key) => key.purpose === purpose && key.from <= at && at < key.until && key.distrustedFrom === undefined,
    )
  }

  /** Every key of a member, also those that no longer count. */
  all(member: MemberId): BookedKey[] {
    return this.#keys.get(member) ?? []
  }

  /** Root keys under which a member stood. */
  roots(member: MemberId): Uint8Array[] {
    return this.#roots.get(member) ?? []
  }

  #add(id: MemberId, of: readonly { row: CharterMember; isNewest: boolean }[], loose: readonly Envelope[]): void {
    this.#members.set(id, of.at(-1)!.row)
    const keys: BookedKey[] = []
    for (const [root, same] of Map.groupBy(of, ({ row }) => row.root)) {
      const raw = fromBase64(root, 32)
      this.#roots.set(id, [...this.roots(id), raw])
      const keyId = keyIdOf(raw)
      // What stands in no charter counts under a root key that was not replaced.
      const more = same.some(({ isNewest }) => isNewest)
        ? loose.filter(
            ({ statement, signatures }) => statement['member'] === id && signatures.some(({ key }) => key === keyId),
          )
        : []
      const listed = same.flatMap(({ row }) => row.delegations)
      const isUnderLaterRoot = same.some(({ row }) => row.firstRoot !== undefined && row.firstRoot !== root)
      for (const window of keyWindows([...listed, ...more], id, raw)) keys.push({ ...window, isUnderLaterRoot })
    }
    this.#keys.set(id, keys)
  }
}
