import { isJsonObject, type Json, type LogId, type MemberId, type Millis, parseJson } from '#base'
import { type Envelope, LogError, parseEnvelope, verifyStatement } from '#log'
import { receiptsShown } from '#policy'
import type { LogHead } from '#store'
import type { Receipt, ShownReceipts } from './api.ts'
import type { Context } from './context.ts'
import type { CharterDirectory } from './directory.ts'
import { FederationError } from './error.ts'
import type { Heads } from './heads.ts'
import { JSON_LIMITS } from './limits.ts'
import type { LinkClient, Target } from './link-client.ts'

/** Receipts of one answer that are looked at: two of each of a thousand members. */
const SHOWN_MOST = 2_000

interface Parts {
  context: Context
  directory: CharterDirectory
  heads: Heads
  client: LinkClient
  shell: { target: (member: MemberId) => Target | undefined }
}

/**
 * Asks the author of a mirrored log who received an entry, where a charter opens receipts to the alliance. Each receipt counts
 * by its own signature; only the time of its arrival is the author's word.
 * @see docs/wire.md, Receipts
 */
export async function askReceipts(parts: Parts, log: LogId, index: number): Promise<ShownReceipts> {
  const { context, directory, heads, client, shell } = parts
  const head = heads.get(log)
  if (!head || head.own) return { state: 'closed', receipts: [] }
  const { audience, author } = head
  const of = receiptsShown({ audience, author, reader: context.self.member, register: directory.register() })
  if (of.size === 0) return { state: 'closed', receipts: [] }
  const to = shell.target(author)
  if (!to) return { state: 'unreachable', receipts: [] }
  let answer: Json
  try {
    answer = parseJson(await client.get(to, `/link/v1/logs/${log}/receipts?index=${index}`), JSON_LIMITS)
  } catch (cause) {
    // Not served: by the charter that the author follows, or because it speaks an earlier version.
    if (cause instanceof FederationError && cause.details?.['status'] === 404) return { state: 'closed', receipts: [] }
    return { state: 'unreachable', receipts: [] }
  }
  const listed = isJsonObject(answer) && Array.isArray(answer['receipts']) ? answer['receipts'] : []
  const found = new Map<string, Receipt>()
  for (const row of listed.slice(0, SHOWN_MOST)) {
    const receipt = await checked(parts, head, index, row)
    if (receipt && of.has(receipt.member)) found.set(`${receipt.member} ${receipt.kind}`, receipt)
  }
  return { state: 'shown', receipts: [...found.values()].sort((a, b) => a.arrived - b.arrived) }
}

/** A receipt for the entry that its member signed, over what this node holds of the log as well; undefined for anything else. */
async function checked(
  { context, directory }: Parts,
  head: LogHead,
  index: number,
  row: Json,
): Promise<Receipt | undefined> {
  const arrived = isJsonObject(row) ? row['arrived'] : undefined
  if (!isJsonObject(row) || typeof arrived !== 'number' || !Number.isSafeInteger(arrived)) return undefined
  let envelope: Envelope
  try {
    envelope = parseEnvelope(row['envelope'])
    const { type, member, time } = envelope.statement as { type: string; member: MemberId; time: Millis }
    if (type !== 'received' && type !== 'armed') return undefined
    verifyStatement(envelope, type, directory.nodeKeys(member, time))
  } catch (cause) {
    if (cause instanceof LogError) return undefined
    throw cause
  }
  const { type, member, log, from, size, time, root } = envelope.statement as unknown as Receipt & {
    type: Receipt['kind']
    time: Millis
    root?: string
  }
  if (log !== head.log || from > index || index >= size) return undefined
  if (root !== undefined && size <= head.size && root !== (await context.store.root(log, size))) return undefined
  return { kind: type, member, log, from, size, claimed: time, arrived, verified: true, envelope }
}
