/** The charter that a member was last seen with, next to this node's. */
export interface SeenCharter {
  state: 'same' | 'older' | 'unknown' | 'unseen'
  version: number | null
  hash: string | null
  since: number | null
}

/** Whether a member is known to follow another version than this node. */
export const isDifferent = ({ state }: SeenCharter): boolean => state === 'older' || state === 'unknown'

/** What a member follows, in one phrase. */
export function charterText({ state, version, hash, since }: SeenCharter): string {
  if (state === 'unseen') return 'not seen yet'
  const which = version === null ? `a version unknown here (${hash?.slice(0, 12)})` : `version ${version}`
  const when = since === null ? '' : ` since ${new Date(since).toISOString()}`
  return state === 'same' ? which : `DIFFERS: ${which}${when}`
}
