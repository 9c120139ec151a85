import type { MemberId } from '#base'
import type { Organisation, Register } from '#policy'

/**
 * Whether a charter in which all three stand names the member as carrier between an author and a reader, or the member is
 * the provider of one of the two, which runs a node of its own and is linked to its provider alone.
 */
export function isCarrierBetween(
  register: Register,
  carrier: MemberId,
  [author, reader]: readonly [author: MemberId, reader: MemberId],
): boolean {
  const three = [carrier, author, reader]
  if (new Set(three).size < 3) return false
  if (isServedBetween(register, carrier, author, reader) || isServedBetween(register, carrier, reader, author))
    return true
  return register.alliances().some((alliance) => {
    const members = register.alliance(alliance)
    return register.carriers(alliance).has(carrier) && three.every((id) => members?.has(id))
  })
}

/** Whether the client runs a node, its provider is the carrier, and that one shares an alliance with the other. */
function isServedBetween(register: Register, carrier: MemberId, client: MemberId, other: MemberId): boolean {
  const org = register.org(client)
  if (org?.hasNode !== true || !org.clientOf.includes(carrier)) return false
  return register
    .alliances()
    .some((alliance) => [carrier, other].every((id) => register.alliance(alliance)?.has(id) === true))
}

/** Who may carry between an author and a reader, ascending. */
export function carriersBetween(register: Register, pair: readonly [author: MemberId, reader: MemberId]): MemberId[] {
  return namedCarriers(register).filter((carrier) => isCarrierBetween(register, carrier, pair))
}

const carriers = new WeakMap<Register, readonly MemberId[]>()

/**
 * Every member that some charter names as carrier, or that serves clients with nodes of their own, ascending. Asked for with
 * every event of every stream: looked for once in each register.
 */
export function namedCarriers(register: Register): readonly MemberId[] {
  const known = carriers.get(register)
  if (known) return known
  const named = register.alliances().flatMap((alliance) => [...register.carriers(alliance)])
  const providers = keyedClients(register).flatMap(({ clientOf }) => clientOf)
  const found = [...new Set([...named, ...providers])].sort() as MemberId[]
  carriers.set(register, found)
  return found
}

const keyed = new WeakMap<Register, readonly Organisation[]>()

function keyedClients(register: Register): readonly Organisation[] {
  const known = keyed.get(register) ?? [...register.organisations()].filter(({ hasNode }) => hasNode === true)
  keyed.set(register, known)
  return known
}

/** The readers to whom a carrier may bring an author's logs, ascending. */
export function readersBehind(register: Register, carrier: MemberId, author: MemberId): MemberId[] {
  const isServed = register.org(author)?.clientOf.includes(carrier) === true
  const members = register
    .alliances()
    .filter((alliance) => register.carriers(alliance).has(carrier) || isServed)
    .flatMap((alliance) => [...(register.alliance(alliance) ?? [])] as MemberId[])
  const clients = keyedClients(register).filter(({ clientOf }) => clientOf.includes(carrier))
  const readers = [...members, ...clients.map(({ id }) => id as MemberId)]
  return [...new Set(readers)].filter((reader) => isCarrierBetween(register, carrier, [author, reader])).sort()
}

/** The name of the link to an author through a carrier, among links to members. */
export const carriedLink = (author: MemberId, carrier: MemberId) => `${author} via ${carrier}` as MemberId
