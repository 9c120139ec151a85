/**
 * Two charters of one version, both with a quorum: somebody voted twice. What counts until the alliance settles it is the
 * parent, less everybody whom either side removed; what settles it is a version after the fork, on either side, that more
 * than half of those who still count have voted for.
 * @see docs/wire.md, Charters
 */
import type { Hash, MemberId } from '#base'
import {
  checkCharter,
  type CharterMember,
  type CharterStatement,
  type CharterVerdict,
  LogError,
  membersAtFork,
  statementHash,
} from '#log'
import type { VotedCharter } from '../alliance-api.ts'

/** The versions of one alliance that stand on one side of a fork, oldest first. */
export type Chain = readonly VotedCharter[]

/** An alliance that is frozen: from which version on its sides differ, and what counts meanwhile. */
export interface Freeze {
  version: number
  counts: CharterStatement
  /** Hash of the parent, by which snapshots and checkpoints name what counts. */
  parent: Hash
  /** Members of the parent that do not count until the fork is settled; in `counts` they stand suspended. */
  removed: MemberId[]
}

/** Every side that begins at the fork's version, as chains from it on; `others` may hold several and branch themselves. */
export function sidesOf(own: Chain, others: readonly VotedCharter[], version: number): Chain[] {
  const sides: Chain[] = [own.filter(({ charter }) => charter.version >= version)]
  const follow = (chain: Chain): void => {
    const head = statementHash(chain.at(-1)!.charter)
    const next = others.filter(({ charter }) => charter.previous === head)
    if (next.length === 0) sides.push(chain)
    for (const voted of next) follow([...chain, voted])
  }
  for (const voted of others) if (voted.charter.version === version) follow([voted])
  return sides
}

/** The earliest fork that no version settles; undefined where every one is settled, or there is none. */
export function freezeOf(own: Chain, others: readonly VotedCharter[]): Freeze | undefined {
  const versions = [...new Set(others.map(({ charter }) => charter.version))].sort((a, b) => a - b)
  for (const version of versions) {
    const parent = own.find(({ charter }) => charter.version === version - 1)?.charter
    const here = others.filter(({ charter }) => charter.version === version && follows(charter, parent))
    if (!parent || here.length === 0) continue
    const sides = sidesOf(own, others, version)
    const members = membersAtFork(
      parent,
      sides.flat().map(({ charter }) => charter),
    )
    const stays = new Set(members.map(({ id }) => id))
    const removed = parent.members.filter(({ id }) => !stays.has(id))
    const counts = { ...parent, members: parent.members.map((row) => (stays.has(row.id) ? row : suspended(row))) }
    if (isSettled(own, counts, version)) continue
    return { version, counts, parent: statementHash(parent), removed: removed.map(({ id }) => id) }
  }
  return undefined
}

/** The other side that settles the fork at this version, if one does. */
export function settlingSide(own: Chain, others: readonly VotedCharter[], freeze: Freeze): Chain | undefined {
  return sidesOf(own, others, freeze.version)
    .slice(1)
    .find((side) => isSettled(side, freeze.counts, freeze.version))
}

/**
 * What the votes for a charter come to while the alliance is frozen: the quorum of its own side, and more than half of
 * those who still count.
 */
export function verdictAtFork(verdict: CharterVerdict, freeze: Freeze): CharterVerdict {
  const agreed = approvalsOf(verdict, freeze.counts)
  const needed = Math.max(verdict.needed, needAtFork(freeze.counts))
  return { ...verdict, needed, inForce: verdict.inForce && agreed >= needAtFork(freeze.counts) }
}

function isSettled(side: Chain, counts: CharterStatement, version: number): boolean {
  return side.some((voted, at) => {
    const before = side[at - 1]?.charter
    if (!before || voted.charter.version <= version) return false
    const verdict = verdictOf(before, voted)
    return verdict !== undefined && verdict.inForce && approvalsOf(verdict, counts) >= needAtFork(counts)
  })
}

/** The verdict on a charter that follows another; undefined where it does not. */
export function verdictOf(before: CharterStatement | undefined, voted: VotedCharter): CharterVerdict | undefined {
  try {
    return checkCharter(before, voted.charter, voted.votes)
  } catch (cause) {
    if (cause instanceof LogError) return undefined
    throw cause
  }
}

/** Who does not count is still known: it is told of the fork, and may vote itself out of it with others. */
function suspended(member: CharterMember): CharterMember {
  const row: CharterMember = { ...member, standing: 'suspended' }
  delete row.left
  return row
}

const activeIn = ({ members }: CharterStatement) => members.filter(({ standing }) => standing === 'active')
const needAtFork = (counts: CharterStatement) => Math.floor(activeIn(counts).length / 2) + 1
const approvalsOf = ({ approvals }: CharterVerdict, counts: CharterStatement) =>
  activeIn(counts).filter(({ id }) => approvals.includes(id)).length
const follows = (charter: CharterStatement, parent: CharterStatement | undefined) =>
  parent !== undefined && charter.previous === statementHash(parent)
