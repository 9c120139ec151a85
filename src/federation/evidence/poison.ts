import type { LogId } from '#base'
import type { Context } from '../context.ts'
import type { Heads } from '../heads.ts'
import { publishedProof } from './proofs.ts'

/** Poisoned entries of one alarm whose bytes its evidence holds. */
const PROVED_MOST = 32

/** An alarm for indicators that would match everybody's ordinary traffic, with the entries as their author signed them. */
export async function raisePoison(
  { context, heads }: { context: Context; heads: Heads },
  log: LogId,
  entries: readonly { index: number; message: string }[],
): Promise<void> {
  const head = heads.get(log) ?? (await heads.refresh(log))
  const [first] = entries
  if (!head || head.own || !first) return
  const indexes = entries.slice(0, PROVED_MOST).map(({ index }) => index)
  const evidence = { indexes, ...(await publishedProof(context.store, log, indexes)) }
  const more = entries.length > 1 ? ` (and ${entries.length - 1} more)` : ''
  const message = `An indicator that must not match is not armed: ${first.message}${more}`
  await context.alarm('poison', head.author, message, { log, index: first.index, evidence })
}
