import type { BodyStore, ObjectQuery, ObjectRow, Page } from './store.ts'

/** latest: the newest of each publisher's object; revoked: those of them that are; conflict: versions that contradict others. */
export type VersionChoice = 'latest' | 'revoked' | 'conflict'

/** A question for chosen versions; all that is compared stands in the given logs, so nothing else tells in the answer. */
export interface VersionQuery extends Pick<
  ObjectQuery,
  'logs' | 'types' | 'ids' | 'since' | 'order' | 'limit' | 'cursor'
> {
  versions: VersionChoice
  /** Beside what is accepted, versions that were refused because their publisher says two things: for its operator's eyes. */
  withEvidence?: boolean
}

/** A store that also answers which version of an object counts. */
export interface VersionStore extends BodyStore {
  /**
   * A page of versions in order of arrival. The work for a page is bounded: it may hold fewer objects than asked for, even
   * none, and still have a `next`.
   * @see stix `latestVersions`, `revokedVersions`, `conflictingVersions`, which say the same of a list
   */
  versions(query: VersionQuery): Promise<Page<ObjectRow>>
}
