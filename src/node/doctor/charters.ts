import { type Finding, ok, warn } from './finding.ts'

/** An alliance as the running node tells it. */
export interface SeenAlliance {
  slug: string
  version: number
  seen: { slug: string; state: 'same' | 'older' | 'unknown' | 'unseen'; version: number | null; since: number | null }[]
}

/** Whether every member that was seen follows the same version of each charter. */
export function lookAtCharters(alliances: readonly SeenAlliance[]): Finding[] {
  return alliances.map(({ slug, version, seen }) => {
    const differ = seen.filter(({ state }) => state === 'older' || state === 'unknown')
    if (differ.length === 0)
      return ok(
        'charter',
        `${slug}: version ${version}, the same at all ${seen.filter(({ state }) => state === 'same').length} that were seen`,
      )
    const list = differ.map(
      (one) =>
        `${one.slug} has ${one.version === null ? 'one unknown here' : `version ${one.version}`} since ${new Date(one.since ?? 0).toISOString()}`,
    )
    return warn(
      'charter',
      `${slug}: version ${version} here; ${list.join(', ')}`,
      'Who is behind catches up at the next contact; if it lasts, compare: noroshi alliance members, noroshi alliance requests.',
    )
  })
}
