import { canonicalJson, type Json, type LogId, utf8 } from '#base'
import { ENTRY_KIND, type Envelope } from '#log'
import type { Context } from './context.ts'
import type { CharterDirectory } from './directory.ts'
import type { Heads } from './heads.ts'
import { appendOwn } from './own-append.ts'

/** Appends a statement to every open log of this member, so that each has a checkpoint under the key in use. */
export async function vouchForOwn(
  { context, heads, directory }: { context: Context; heads: Heads; directory: CharterDirectory },
  statement: Envelope,
): Promise<{ log: LogId; size: number }[]> {
  const payload = utf8(canonicalJson(statement as unknown as Json))
  const open = heads.own().filter(({ closed }) => !closed)
  for (const { audience } of open)
    await context.store.commit([appendOwn(context, directory, audience, ENTRY_KIND.statement, payload)])
  return open.map(({ log, size }) => ({ log, size: size + 1 }))
}
