import { setTimeout as sleep } from 'node:timers/promises'
import { NodeError } from '#node'
import { findNode, type NodeClient, type NodeOptions } from './node-client.ts'
import type { Output } from './output.ts'

/** Between two looks at who has acknowledged. */
const LOOK_MS = 250
/** A member that takes longer is named as late. */
const LATE_MS = 60_000

interface Receipt {
  member: string
  kind: string
  from: number
  size: number
  verified: boolean
}

interface Entry {
  log: string
  index: number
  entitled: { member: string; slug: string; link: string; lastSeen: number | null }[]
  recall?: {
    time?: number
    acknowledged: { member: string; slug: string; withheld: number; purged: number | null; arrived: number }[]
  }
}

/** How far one member is with what was taken back, over all of its entries. */
export interface MemberProgress {
  slug: string
  /** It proved that it had received at least one of the entries. */
  received: boolean
  /** When the last acknowledgement came; null while one is missing. */
  acknowledged: number | null
  /** No acknowledgement for a minute. */
  late: boolean
  link: string
  lastSeen: number | null
}

/** Everybody who holds, or may hold, what was taken back of an object; empty where nothing of it was. */
export async function recallProgress(node: NodeClient, id: string): Promise<MemberProgress[]> {
  const { standing } = await node.get<{ standing: Entry[] }>(`/api/v1/objects/${encodeURIComponent(id)}/standing`)
  const recalled = standing.filter(({ recall }) => recall !== undefined)
  const { members } = await node.get<{ members: { member: string; slug: string }[] }>('/api/v1/members')
  const slugOf = (member: string) => members.find((one) => one.member === member)?.slug ?? member
  const found = new Map<string, MemberProgress>()
  for (const { log, index, entitled, recall } of recalled) {
    const { receipts } = await node.get<{ receipts: Receipt[] }>(`/api/v1/receipts?log=${log}`)
    const holders = receipts
      .filter(({ kind, verified, from, size }) => kind === 'received' && verified && from <= index && index < size)
      .map(({ member }) => member)
    for (const member of new Set([...entitled.map((one) => one.member), ...holders])) {
      const ack = recall?.acknowledged.find((one) => one.member === member)
      const { link = 'none', lastSeen = null } = entitled.find((one) => one.member === member) ?? {}
      const before = found.get(member)
      const acknowledged =
        ack && before?.acknowledged !== null ? Math.max(before?.acknowledged ?? 0, ack.arrived) : null
      const isLate = !ack && Date.now() - (recall?.time ?? 0) > LATE_MS
      found.set(member, {
        slug: slugOf(member),
        received: before?.received === true || holders.includes(member),
        acknowledged,
        late: before?.late === true || isLate,
        link,
        lastSeen,
      })
    }
  }
  return [...found.values()].sort((a, b) => (a.slug < b.slug ? -1 : 1))
}

/**
 * Follows a recall until the last member has acknowledged it or the time is over. The node may be stopped and started
 * meanwhile: what it knows is on its disk.
 */
export async function followRecall(
  options: NodeOptions,
  id: string,
  waitMs: number,
  output: Output,
): Promise<MemberProgress[]> {
  let progress: MemberProgress[] = []
  for (const until = Date.now() + waitMs; ;) {
    try {
      progress = await recallProgress(await findNode(options), id)
      const silent = progress.filter(({ acknowledged }) => acknowledged === null)
      if (silent.length === 0) return progress
      output.progress(`${progress.length - silent.length} acknowledged, waiting for ${wordsOf(silent)}`)
    } catch (error) {
      if (!(error instanceof NodeError) || !AWAY.has(error.code)) throw error
      output.progress('the node does not answer; what it knows is on its disk')
    }
    if (Date.now() >= until) return progress
    await sleep(LOOK_MS)
  }
}

/** A node that is being stopped or started. */
const AWAY = new Set(['NODE_UNREACHABLE', 'NOT_READY'])

const wordsOf = (members: readonly MemberProgress[]) =>
  members.map(({ slug, late }) => (late ? `${slug} (late)` : slug)).join(', ')

/** Who has not acknowledged, for people: since when nothing was heard of it, and whether it ever had the object. */
export function silentLines(members: readonly MemberProgress[]): string[] {
  const silent = members.filter(({ acknowledged }) => acknowledged === null)
  if (silent.length === 0) return ['Every member that holds it has acknowledged.']
  return [
    `Not acknowledged by ${silent.map(({ slug }) => slug).join(', ')}.`,
    ...silent.map(({ slug, received, late, link, lastSeen }) => {
      const seen = lastSeen === null ? 'never seen' : `last seen ${new Date(lastSeen).toISOString()}`
      return `  ${slug}${late ? ', late' : ''}: ${received ? 'proved that it received it' : 'no receipt of it'}; link ${link}, ${seen}`
    }),
  ]
}
