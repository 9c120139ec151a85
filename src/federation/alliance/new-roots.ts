import { fromBase64, type KeyId, type MemberId, type Slug } from '#base'
import { type CharterStatement, keyIdOf } from '#log'
import { keyWords } from '../words.ts'

/** A root key that a proposed charter would give to a member. */
export interface NewRoot {
  member: MemberId
  slug: Slug
  key: KeyId
  /** Twelve words of the key, for people to compare on another channel. */
  words: string
  /** The member's key before voted for it; else only its people can say whether it is theirs. */
  isSigned: boolean
}

/** The root keys that differ between the charter in force and the proposed one. */
export function newRootsOf(
  current: CharterStatement | undefined,
  proposed: CharterStatement,
  votes: readonly MemberId[],
): NewRoot[] {
  return proposed.members.flatMap(({ id, slug, root }) => {
    const before = current?.members.find((member) => member.id === id)
    if (!before || before.root === root) return []
    const key = fromBase64(root, 32)
    return [{ member: id, slug, key: keyIdOf(key), words: keyWords(key), isSigned: votes.includes(id) }]
  })
}
