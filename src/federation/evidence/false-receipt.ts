import { type Json, type LogId, type MemberId, toBase64 } from '#base'
import { encodeFrames, type Envelope } from '#log'
import type { Context } from '../context.ts'

/** Logs of which a member signed a false receipt: told of once, whatever else it signs. */
const FOUND = 'false-receipts'
/** Bytes of entries that evidence of this holds; of larger logs the receipt alone is kept. */
const FRAMES_BYTES = 1_024 * 1_024

/** An alarm for a receipt that names another tree than this author's, or proves no possession of its entries. */
export async function raiseFalseReceipt(
  context: Context,
  log: LogId,
  receipt: Envelope,
  why: 'ROOT' | 'POSSESSION',
): Promise<void> {
  const { member, from, size } = receipt.statement as unknown as { member: MemberId; from: number; size: number }
  const key = `${log}/${member}`
  const [outcome] = await context.store.commit([
    { op: 'put', collection: FOUND, key, value: context.now(), ifAbsent: true },
  ])
  if (outcome?.op !== 'put' || !outcome.stored) return
  const message =
    why === 'ROOT'
      ? `It signed a receipt for another tree of ${size} entries than this node has`
      : `It signed that it holds entries ${from} to ${size - 1}, and does not prove it`
  const frames = why === 'POSSESSION' ? await framesOf(context, log, size) : undefined
  const proof = frames && { type: 'false-receipt', receipt, frames }
  const evidence = { receipt, ...(proof ? { proof } : {}) } as unknown as Json
  await context.alarm('receipt', member, message, { log, evidence })
}

async function framesOf({ store }: Context, log: LogId, size: number): Promise<string | undefined> {
  const frames = await store.frames(log, 0, size, FRAMES_BYTES)
  return frames.length === size ? toBase64(encodeFrames(frames)) : undefined
}
