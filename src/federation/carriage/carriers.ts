import type { MemberId } from '#base'
import type { Register } from '#policy'

/** Whether a charter in which all three stand names the member as carrier between an author and a reader. */
export function isCarrierBetween(
  register: Register,
  carrier: MemberId,
  [author, reader]: readonly [author: MemberId, reader: MemberId],
): boolean {
  const three = [carrier, author, reader]
  if (new Set(three).size < 3) return false
  return register.alliances().some((alliance) => {
    const members = register.alliance(alliance)
    return register.carriers(alliance).has(carrier) && three.every((id) => members?.has(id))
  })
}

/** Who may carry between an author and a reader, ascending. */
export function carriersBetween(register: Register, pair: readonly [author: MemberId, reader: MemberId]): MemberId[] {
  return namedCarriers(register).filter((carrier) => isCarrierBetween(register, carrier, pair))
}

/** Every member that some charter names as carrier, ascending; in most alliances nobody. */
export function namedCarriers(register: Register): MemberId[] {
  const named = register.alliances().flatMap((alliance) => [...register.carriers(alliance)])
  return [...new Set(named)].sort() as MemberId[]
}

/** The readers to whom a carrier may bring an author's logs, ascending. */
export function readersBehind(register: Register, carrier: MemberId, author: MemberId): MemberId[] {
  const readers = register
    .alliances()
    .filter((alliance) => register.carriers(alliance).has(carrier))
    .flatMap((alliance) => [...(register.alliance(alliance) ?? [])] as MemberId[])
  return [...new Set(readers)].filter((reader) => isCarrierBetween(register, carrier, [author, reader])).sort()
}

/** The name of the link to an author through a carrier, among links to members. */
export const carriedLink = (author: MemberId, carrier: MemberId) => `${author} via ${carrier}` as MemberId
