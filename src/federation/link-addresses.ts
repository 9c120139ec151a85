import type { Json, MemberId, Slug } from '#base'
import type { Context } from './context.ts'
import type { CharterDirectory } from './directory.ts'

const LINKS = 'links'

/** A link that a person set: its address, or none where it was removed. */
interface LinkRecord {
  address: string | null
}

/** Every other member, and the address at which to link to it: the one that a person set, else the charter's, if any. */
export async function linkAddresses(
  { store, self }: Context,
  directory: CharterDirectory,
): Promise<{ id: MemberId; slug: Slug; address: string | undefined }[]> {
  const set = new Map<string, string | null>()
  for await (const { key, value } of store.records(LINKS)) set.set(key, (value as unknown as LinkRecord).address)
  return directory
    .members()
    .filter(({ id }) => id !== self.member)
    .map(({ id, slug, address }) => {
      const chosen = set.has(id) ? set.get(id) : address
      return { id, slug, address: directory.isParted(id) ? undefined : (chosen ?? undefined) }
    })
}

/** Whether a person set or removed the link to a member. */
export const isLinkSet = async ({ store }: Context, member: MemberId): Promise<boolean> =>
  (await store.record(LINKS, member)) !== undefined

/** Keeps the address that a person set for a member; null: no link. */
export async function setLinkAddress({ store }: Context, member: MemberId, address: string | null): Promise<void> {
  const record: LinkRecord = { address }
  await store.commit([{ op: 'put', collection: LINKS, key: member, value: record as unknown as Json }])
}
