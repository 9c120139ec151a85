import { fromHex, type LogId, type MemberId } from '#base'
import { Frontier } from '#log'
import type { Context } from './context.ts'
import type { Heads } from './heads.ts'
import { MIRRORS, type MirrorRecord } from './mirror-record.ts'
import type { Fault, MirrorState } from './verify.ts'

/** What a peer sent does not hold. */
export class MirrorFault extends Error {
  readonly fault: Fault

  constructor(fault: Fault) {
    super(fault.message)
    this.fault = fault
  }
}

/**
 * Where the mirror of a log stands on disk; at its beginning where none is held.
 * @throws MirrorFault where the log is another author's
 */
export async function readMirrorState(
  { store, limits }: Context,
  heads: Heads,
  author: MemberId,
  log: LogId,
): Promise<MirrorState> {
  const head = heads.get(log) ?? (await store.log(log))
  if (head && (head.own || head.author !== author))
    throw new MirrorFault({ kind: 'bad-answer', message: `it offers log ${log}, whose author is another member` })
  const record = (await store.record(MIRRORS, log)) as unknown as MirrorRecord | undefined
  if (!head) return { log, author, frontier: new Frontier(), checkpointTime: 0, entryTime: 0 }
  let frontier = record ? Frontier.fromBytes(fromHex(record.frontier)) : new Frontier()
  if (frontier.size !== head.size) {
    frontier = new Frontier()
    while (frontier.size < head.size) {
      const entries = await store.entries(log, frontier.size, head.size, limits.pageBytes)
      if (entries.length === 0) break
      for (const entry of entries) frontier.append(fromHex(entry.leaf))
    }
  }
  const state = { log, author, frontier, audience: head.audience, checkpointTime: head.time }
  return { ...state, entryTime: record?.entryTime ?? 0 }
}
