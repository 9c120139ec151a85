import { toHex } from '#base'
import { type CharterMember, leafHash } from '#log'
import { rootAt } from './memory-tree.ts'
import type { Oracle } from './oracle.ts'
import type { SimulatedNode } from './simulated-node.ts'

/** Looks at every disk in whole: roots, contents, and that nothing acknowledged is missing. */
export function checkDisks(oracle: Oracle, nodes: readonly SimulatedNode[]): void {
  for (const node of nodes) {
    if (!oracle.isHonest(node)) continue
    const isDamaged = oracle.damaged.has(node.member.self.member)
    for (const log of node.disk.logs.values()) {
      const last = log.checkpoints.at(-1)
      if (!last || last.size !== log.entries.length) oracle.fail(`${node.slug} has entries that no checkpoint covers`)
      else if (rootAt(log, last.size) !== last.root) oracle.fail(`${node.slug} has a checkpoint over other entries`)
      for (const { bytes, leaf } of log.entries.slice(-8))
        if (bytes && !isDamaged && toHex(leafHash(bytes)) !== toHex(leaf))
          oracle.fail(`${node.slug} keeps rotten bytes`)
    }
    if (!oracle.bereft.has(node)) checkAcknowledged(oracle, node)
  }
}

function checkAcknowledged(oracle: Oracle, node: SimulatedNode): void {
  for (const { log, index, leaf } of node.acknowledged)
    if (!holds(node, log, index, leaf)) oracle.fail(`${node.slug} lost the acknowledged entry ${index}`)
}

/**
 * What must be true once faults have stopped for a while: everybody entitled holds the same, what was acknowledged is
 * there, or was lost with every copy of it; what was taken back is gone; a member that showed two trees was found out.
 */
export async function checkConverged(
  oracle: Oracle,
  nodes: readonly SimulatedNode[],
  quietSince: number,
): Promise<void> {
  const honest = nodes.filter((node) => oracle.isHonest(node))
  checkCharters(oracle, honest)
  checkLogs(oracle, honest)
  for (const node of honest) checkBroughtBack(oracle, node)
  checkGone(oracle, honest, quietSince)
  await checkEvidence(oracle, honest)
}

function checkCharters(oracle: Oracle, honest: readonly SimulatedNode[]): void {
  const newest = new Map<string, number>()
  for (const node of honest)
    for (const { alliance, version } of oracle.charters(node))
      newest.set(alliance, Math.max(version, newest.get(alliance) ?? 0))
  for (const node of honest)
    for (const { alliance, version } of oracle.charters(node))
      if (version !== newest.get(alliance))
        oracle.fail(`${node.slug} follows version ${version} of ${alliance}, others ${newest.get(alliance)}`)
}

function checkLogs(oracle: Oracle, honest: readonly SimulatedNode[]): void {
  for (const truth of oracle.truths.values()) {
    const { author, log, isExcused } = truth
    const own = author.disk.logs.get(log)
    if (!own || isExcused || !oracle.isHonest(author)) continue
    for (const reader of honest) {
      const mirror = reader.disk.logs.get(log)
      if (reader === author || !oracle.mayHave(truth, reader, 0)) continue
      // A log that ended with a restore is offered to those alone who are known to hold no more of it.
      if (own.superseded) continue
      // Neither of the two can call the other.
      if (!author.isReachable && !reader.isReachable) continue
      // Its disk forgot what it had synced, and nobody told it: whoever it can't call stays ahead of it.
      if (oracle.forgetful.has(author.member.self.member) && (mirror?.entries.length ?? 0) > own.entries.length)
        continue
      if (mirror?.entries.length !== own.entries.length)
        oracle.fail(
          `${reader.slug} has ${mirror?.entries.length ?? 0} of ${own.entries.length} entries of a log of ${author.slug}`,
        )
      else if (rootAt(mirror, own.entries.length) !== rootAt(own, own.entries.length))
        oracle.fail(`${reader.slug} has other entries than ${author.slug}`)
      else
        for (const [index, { object, kind, withheld }] of mirror.entries.entries())
          if (kind === 1 && !withheld && object?.status !== 'accepted')
            oracle.fail(
              `${reader.slug} keeps entry ${index} of ${author.slug} as ${object?.status} ${object?.code ?? ''}`,
            )
    }
  }
}

/** What a peer that can be asked still holds of what was acknowledged is back at its author. */
function checkBroughtBack(oracle: Oracle, node: SimulatedNode): void {
  const kept = node.acknowledged.filter(({ log, index, leaf }) => {
    if (holds(node, log, index, leaf)) return true
    const since = oracle.bereft.get(node) ?? 0
    const hadIt = oracle.truths.get(log)?.taken.filter(({ from, to, at }) => from <= index && index < to && at < since)
    // What reached a peer only after it was asked comes back at the next start.
    const holder = hadIt?.map(({ by }) => by).find((peer) => peer.isReachable && holds(peer, log, index, leaf))
    if (!oracle.bereft.has(node)) oracle.fail(`${node.slug} lost the acknowledged entry ${index}`)
    else if (holder && !oracle.truths.get(log)?.isExcused)
      oracle.fail(`${node.slug} did not get back the acknowledged entry ${index}, which ${holder.slug} holds`)
    return false
  })
  node.acknowledged = kept
}

/** What was taken back before the quiet time began is withheld everywhere, and its bytes are gone. */
function checkGone(oracle: Oracle, honest: readonly SimulatedNode[], quietSince: number): void {
  for (const truth of oracle.truths.values()) {
    if (truth.isExcused || !oracle.isHonest(truth.author) || !truth.author.disk.logs.has(truth.log)) continue
    for (const [index, { at }] of truth.gone)
      for (const node of honest) {
        const log = node.disk.logs.get(truth.log)
        const entry = log?.entries[index]
        if (!log || !entry || at > quietSince || oracle.bereft.has(truth.author)) continue
        if (node !== truth.author && (log.entries.length < truth.leaves.length || !oracle.mayHave(truth, node, 0)))
          continue
        // A log that ended with a restore is not offered to whom its author can't ask how much of it is there.
        if (node !== truth.author && !node.isReachable && truth.author.disk.logs.get(truth.log)?.superseded) continue
        if (!entry.withheld && entry.kind !== -1)
          oracle.fail(`${node.slug} still shows entry ${index} that was taken back`)
        else if (entry.bytes) oracle.fail(`${node.slug} did not purge entry ${index} that was taken back`)
      }
  }
}

/** Evidence convicts whoever showed two trees, and nobody else. */
async function checkEvidence(oracle: Oracle, honest: readonly SimulatedNode[]): Promise<void> {
  const convicted = new Set<string>()
  for (const node of honest)
    for (const { proved, accused, message } of (await node.federation?.evidence.list({ limit: 1_000 })) ?? []) {
      if (!proved) continue
      convicted.add(accused)
      if (!oracle.rogues.has(accused) && !oracle.isBroken(accused))
        oracle.fail(`${node.slug} holds evidence that convicts an honest member: ${message}`)
    }
  for (const rogue of oracle.rogues) if (!convicted.has(rogue)) checkUnnoticed(oracle, rogue, honest)
  if ([...oracle.rogues].some((rogue) => convicted.has(rogue))) oracle.proved()
}

function checkUnnoticed(oracle: Oracle, rogue: string, honest: readonly SimulatedNode[]): void {
  const shown = new Map<string, { leaf: string; by: SimulatedNode }>()
  for (const node of honest)
    for (const log of node.disk.logs.values())
      if (log.author === rogue)
        for (const [index, { leaf }] of log.entries.entries()) {
          const place = `${log.log}/${index}`
          const other = shown.get(place)
          if (other && other.leaf !== toHex(leaf) && canMeet(oracle, rogue, other.by, node))
            return oracle.fail(
              `${other.by.slug} and ${node.slug} were shown two entries ${index} of one log, and nobody noticed`,
            )
          shown.set(place, other ?? { leaf: toHex(leaf), by: node })
        }
}

/** Only members of one alliance with the author compare, while neither is suspended, and one of them must be able to call the other. */
const canMeet = (oracle: Oracle, author: string, a: SimulatedNode, b: SimulatedNode) =>
  (a.isReachable || b.isReachable) &&
  [a, b].every((node) =>
    oracle
      .charters(node)
      .some(
        ({ members }) =>
          members.some(({ id }) => id === author) && [a, b].every((one) => members.some((row) => stands(row, one))),
      ),
  )

const stands = ({ id, standing }: CharterMember, { member }: SimulatedNode) =>
  id === member.self.member && standing !== 'suspended' && standing !== 'left'

function holds(node: SimulatedNode, log: string, index: number, leaf: string): boolean {
  const entry = node.disk.logs.get(log as never)?.entries[index]
  return entry !== undefined && toHex(entry.leaf) === leaf
}
