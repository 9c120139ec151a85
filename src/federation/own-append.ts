import type { Audience, EntryKind } from '#log'
import type { Change } from '#store'
import type { Context } from './context.ts'
import type { CharterDirectory } from './directory.ts'

/** The change that appends one entry of the federation's own making to this member's log for an audience. */
export function appendOwn(
  { self, random, now }: Context,
  directory: CharterDirectory,
  audience: Audience,
  kind: EntryKind,
  payload: Uint8Array,
): Extract<Change, { op: 'append' }> {
  return {
    op: 'append',
    author: self.member,
    audience,
    genesis: { salt: random(32), time: now(), incarnation: random(16) },
    charters: directory.charterLines(audience),
    entries: [{ kind, salt: random(32), time: now(), payload }],
  }
}
