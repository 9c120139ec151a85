import type { KeyId, MemberId } from '#base'
import type { Federation } from '#federation'
import { type Envelope, statementHash } from '#log'
import type { CurrentKey } from './current-key.ts'
import { readDelegations } from './data-directory.ts'
import { NodeError } from './errors.ts'
import { adoptNextKey, isAfterCompromise, type NextKey, nextKeyOf } from './key-change.ts'

/** What a change of the node key came to. */
export interface KeyChanged {
  key: KeyId
  /** Peers that know of it now; the others learn of it when they meet this node again. */
  told: MemberId[]
  /** Own logs that were vouched for under the new key, after a compromise. */
  vouched: number
}

/** At a start: peers are told of keys that no charter lists yet, and logs are vouched for after a compromise. */
export async function announceKeys(
  delegations: readonly Envelope[],
  changed: NextKey | undefined,
  federation: Federation,
): Promise<void> {
  const { directory } = federation
  const listed = directory.charters().map(({ charter }) => charter.members.find(({ id }) => id === directory.self))
  const isListed = (one: Envelope) =>
    listed.every((row) =>
      row?.delegations.some(({ statement }) => statementHash(statement) === statementHash(one.statement)),
    )
  const unlisted = delegations.filter((one) => !isListed(one))
  if (unlisted.length > 0) await federation.introduceKeys(unlisted)
  if (changed && isAfterCompromise(delegations)) await federation.vouch(changed.delegation)
}

/**
 * Takes up the key that waits in the data directory: peers are told while the old one still signs, then the new one does.
 *
 * @throws NOT_FOUND where no key waits
 */
export async function turnKey(dir: string, current: CurrentKey, federation: Federation): Promise<KeyChanged> {
  const next = await nextKeyOf(dir)
  if (!next) throw new NodeError('NOT_FOUND', 'No key waits in the data directory; noroshi alliance rekey makes one.')
  const delegations = await readDelegations(dir)
  const told = await federation.introduceKeys(delegations)
  await adoptNextKey(dir)
  current.use(next.key)
  const vouched = isAfterCompromise(delegations) ? await federation.vouch(next.delegation) : 0
  return { key: next.key.keyId, told, vouched }
}
