import type { FederationOptions } from '../api.ts'
import type { VotedCharter } from '../alliance-api.ts'
import { makeCharter, makeMember } from '../simulation/members.ts'
import { openRealNode, type RealNode, reserve } from './real-node.ts'

/** Real nodes with these slugs in one alliance `pacific`, linked to each other once they start. */
export async function openNodes(
  slugs: readonly string[],
  more: Readonly<Record<string, Partial<FederationOptions> & { folder?: string }>> = {},
): Promise<{ nodes: RealNode[]; charter: VotedCharter } & AsyncDisposable> {
  const time = Date.now()
  const places = await Promise.all(slugs.map(() => reserve()))
  const members = slugs.map((slug, i) => makeMember(slug, time, { address: places[i]!.address }))
  const charter = makeCharter('pacific', members, time)
  const nodes: RealNode[] = []
  for (const [i, member] of members.entries()) {
    const node = await openRealNode(member, places[i]!, more[member.self.slug] ?? {})
    await node.federation.alliances.bootstrapCharter(charter)
    nodes.push(node)
  }
  const dispose = async () => {
    for (const node of nodes) await node[Symbol.asyncDispose]()
  }
  return { nodes, charter, [Symbol.asyncDispose]: dispose }
}
