import { type LogId, uuid5 } from '#base'
import { TLP_LEVELS } from '#log'
import type { BodyStore, LogHead, ReaderBounds } from '#store'
import type { Collection, OpenCollection } from './resources.ts'
import { LogRows } from './rows.ts'

/** Namespace of the ids of views: each is made of its root's name and its own. */
const NAMESPACE = '5f2a0f0e-6d0c-5c0b-9a52-3f6a1c0d7e11'

/** Types that have a view though nothing of them is here yet, so that a client can be set up before. */
const USUAL_TYPES = [
  'attack-pattern', 'campaign', 'course-of-action', 'grouping', 'identity', 'incident', 'indicator', 'infrastructure',
  'intrusion-set', 'location', 'malware', 'malware-analysis', 'note', 'observed-data', 'opinion', 'relationship',
  'report', 'sighting', 'threat-actor', 'tool', 'vulnerability',
] as const // prettier-ignore

/** A reading collection: a choice of the logs that its reader may see, perhaps of one type. */
export interface View {
  alias: string
  title: string
  description?: string
  logs: readonly LogId[]
  types?: readonly string[]
}

/** Every view over these logs, which the reader may see: everything, by TLP, by author, by type. */
export function viewsOf(
  heads: readonly LogHead[],
  nameOf: (author: string) => string,
  types: readonly string[],
): View[] {
  const logsOf = (admits: (head: LogHead) => boolean) => heads.filter(admits).map(({ log }) => log)
  const authors = [...new Set(heads.map(({ author }) => author))]
  const all = logsOf(() => true)
  return [
    { alias: 'everything', title: 'Everything', description: 'All that you may see here.', logs: all },
    ...TLP_LEVELS.map((level) => ({
      alias: `tlp-${level.replace('+', '-')}`,
      title: `TLP:${level.toUpperCase()}`,
      logs: logsOf(({ audience }) => audience.tlp === level),
    })),
    ...authors.map((author) => ({
      alias: `author-${nameOf(author)}`,
      title: `From ${nameOf(author)}`,
      logs: logsOf((head) => head.author === author),
    })),
    ...[...new Set<string>([...USUAL_TYPES, ...types])].sort().map((type) => ({
      alias: `type-${type}`,
      title: `Type ${type}`,
      logs: all,
      types: [type],
    })),
  ]
}

/** Id of a view. */
export const viewId = (root: string, alias: string): string => uuid5(NAMESPACE, `${root}/${alias}`)

/** A view as the collection that its reader sees. */
export const toCollection = (root: string, { alias, title, description }: View): Collection => ({
  id: viewId(root, alias),
  alias,
  title,
  ...(description === undefined ? {} : { description }),
  canRead: true,
  canWrite: false,
})

/** A view opened for reading. */
export const openView = (store: BodyStore, root: string, view: View, bounds: ReaderBounds): OpenCollection => ({
  ...toCollection(root, view),
  source: new LogRows(store, view.logs, bounds, view.types),
})
