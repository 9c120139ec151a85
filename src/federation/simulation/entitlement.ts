import type { MemberId } from '#base'
import type { Audience, CharterMember, CharterStatement } from '#log'

/** What a node knew from an instant on, and what follows from it for audiences, authors and readers. */
export interface Knowledge {
  at: number
  charters: CharterStatement[]
  answers: Map<Audience, Map<string, boolean>>
}

const LEVELS = ['clear', 'green', 'amber', 'amber+strict', 'red']

/** The same question comes with every answer of a server: by the same charters it has the same answer. */
export function isEntitledBy(
  { charters, answers }: Knowledge,
  audience: Audience,
  author: MemberId,
  reader: MemberId,
): boolean {
  const about = answers.get(audience) ?? new Map<string, boolean>()
  answers.set(audience, about)
  const key = `${author} ${reader}`
  const known = about.get(key)
  if (known !== undefined) return known
  const answer = isEntitled(audience, author, reader, charters)
  about.set(key, answer)
  return answer
}

/**
 * Whether a member may have a log of its author's: the sharing rules once more, in their shortest form and for the
 * audiences that plans make. It knows nothing of `policy`, which it is there to contradict.
 * @see SHARING-RULES sections 2 and 3
 */
function isEntitled(
  audience: Audience,
  author: MemberId,
  reader: MemberId,
  charters: readonly CharterStatement[],
): boolean {
  const rows = charters.flatMap((charter) =>
    charter.members.filter(({ id }) => id === reader).map((row) => ({ charter, row })),
  )
  // Suspended in one alliance and active in another, it takes part in the other.
  if (!rows.some(({ row }) => row.standing === 'active' || row.standing === 'observer')) return false
  const level = LEVELS.indexOf(audience.tlp)
  if (rows.some(({ charter, row }) => level > capOf(charter, row))) return false
  if (audience.nations && !rows.every(({ row }) => audience.nations?.includes(row.nation))) return false
  if (audience.members && !audience.members.includes(reader)) return false
  if (audience.participants && !audience.participants.includes(reader)) return false
  if (audience.tlp === 'red') return audience.participants !== undefined
  if (audience.community && !charters.some((charter) => names(audience.community, charter) && counts(charter, reader)))
    return false
  if (audience.tlp === 'clear') return true
  if (audience.tlp === 'green') return audience.community !== undefined
  return charters.some((charter) => counts(charter, author) && counts(charter, reader))
}

const names = (list: readonly string[] | undefined, { alliance }: CharterStatement) => list?.includes(alliance) ?? false

/** Whether the charter counts an organisation among its members. */
function counts({ members, rules }: CharterStatement, member: MemberId): boolean {
  const row = members.find(({ id }) => id === member)
  return row?.standing === 'active' || (row?.standing === 'observer' && rules.observers !== undefined)
}

/** An observer gets no more than the charter's rules give to observers. */
const capOf = ({ rules }: CharterStatement, { standing }: CharterMember): number =>
  LEVELS.indexOf(standing === 'observer' ? (rules.observers ?? 'clear') : 'red')
