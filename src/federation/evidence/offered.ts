import { fromUtf8, type Json, type LogId } from '#base'
import type { Snapshot } from '#log'
import { carriedLink } from '../carriage/carriers.ts'
import type { Context } from '../context.ts'
import type { Heads } from '../heads.ts'
import type { LinkClient, Target } from '../link-client.ts'
import type { SignedRows } from './signed-rows.ts'
import { contradictionOf, forkFrom } from './proofs.ts'

/**
 * What is kept when a peer offers less of a log than it signed before, or another tree: its snapshot beside the checkpoint
 * held. Where the smaller tree is the beginning of the held one, the two may have crossed; then its newest checkpoint is
 * asked for, because a later one that is smaller is what no honest author signs.
 */
export async function offeredEvidence(
  parts: { context: Context; heads: Heads; signedRows: SignedRows; client: LinkClient },
  peer: Target,
  log: LogId,
): Promise<Json | undefined> {
  const { context, heads, signedRows, client } = parts
  const head = heads.get(log)
  if (!head) return undefined
  const { checkpoint: note, size } = head
  const { member, carries } = peer
  const snapshot = signedRows.of(carries === undefined ? member : carriedLink(carries, member), log)
  const row = (snapshot?.statement as unknown as Snapshot | undefined)?.logs.find((one) => one.log === log)
  const seen = { checkpoint: note, snapshot: (snapshot ?? null) as unknown as Json }
  if (!snapshot || !row) return seen
  const other = { head: { snapshot, log }, size: row.size, root: row.root }
  const fork = await forkFrom(context.store, { note, log, size }, other)
  if (fork) return { ...seen, proof: fork as unknown as Json }
  try {
    const newest = fromUtf8(await client.get(peer, `/link/v1/logs/${log}/checkpoint`))
    const proof = contradictionOf(note, newest)
    return proof ? { ...seen, proof: proof as unknown as Json } : { ...seen, newest }
  } catch {
    return seen
  }
}
