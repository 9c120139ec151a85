import type { LogId } from '#base'
import { signStatement } from '#log'
import type { Context } from './context.ts'
import type { Heads } from './heads.ts'
import type { Outbox } from './outbox.ts'
import type { Recalls } from './recalls.ts'

/** Entries of one armed statement, so that its list of refusals stays bounded. */
const ARMED_ENTRIES = 4_096

interface Refused {
  index: number
  code: string
}

/** Tells an author how far its log is armed here, and what of it is not. */
export async function claimArmed(
  { context, heads, outbox, recalls }: { context: Context; heads: Heads; outbox: Outbox; recalls: Recalls },
  log: LogId,
  size: number,
  refused: readonly Refused[],
): Promise<void> {
  // The node hears of entries as soon as they are durable, which may be before the head is read again.
  const known = heads.get(log)
  const head = known && size <= known.size ? known : await heads.refresh(log)
  const from = recalls.guard.armedSize(log)
  if (!head || head.own || size <= from || size > head.size) return
  for (let at = from; at < size; at += ARMED_ENTRIES) {
    const end = Math.min(size, at + ARMED_ENTRIES)
    const all = await refusals(context, log, at, end, refused)
    const fields = { member: context.self.member, log, from: at, size: end, refused: all, time: context.now() }
    const armed = recalls.guard.arm(head.author, log, end, end - at - all.length)
    await outbox.keep(head.author, signStatement('armed', fields, [context.self.nodeKey]), [armed])
  }
}

async function refusals(
  { store }: Context,
  log: LogId,
  from: number,
  to: number,
  refused: readonly Refused[],
): Promise<Refused[]> {
  const codes = new Map(
    refused.filter(({ index }) => index >= from && index < to).map(({ index, code }) => [index, code]),
  )
  for (const { index, status, code } of await store.unaccepted(log, from, to))
    codes.set(index, code ?? status.toUpperCase())
  return [...codes].sort(([a], [b]) => a - b).map(([index, code]) => ({ index, code }))
}
