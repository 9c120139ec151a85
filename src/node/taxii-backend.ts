/**
 * What the TAXII server stands on in a node: a root for each alliance that the reader may know and one for the node,
 * views over the logs that the reader may see.
 */
import type { LogHead } from '#store'
import {
  type ApiRoot,
  type OpenCollection,
  openView,
  SubmittedRows,
  type TaxiiBackend,
  toCollection,
  type View,
  viewId,
  viewsOf,
  type WritableCollection,
  type WritableCollections,
} from '#taxii'
import { NodeError } from './errors.ts'
import type { NodeContext } from './node-context.ts'
import { type Sight, TaxiiAdmissions } from './taxii-admissions.ts'
import type { TaxiiReader } from './taxii-reader.ts'
import { accessTo, type TaxiiSubmissions } from './taxii-submissions.ts'

/** Name of the root of everything that this node serves; no alliance can have it. */
export const NODE_ROOT = '_node'

/** The TAXII surface of a node. */
export function openTaxiiBackend(
  node: NodeContext,
  writable: WritableCollections,
  submissions: TaxiiSubmissions,
): TaxiiBackend<TaxiiReader> {
  const { store, visibility } = node
  const admissions = new TaxiiAdmissions(store, visibility)

  const rootsOf = (reader: TaxiiReader): ApiRoot[] => [
    { name: NODE_ROOT, title: node.config.name, description: 'All that you may see at this node.' },
    ...node.situation
      .peopleOf(reader)
      .alliances.map(({ slug }) => slug)
      .sort()
      .map((slug) => ({ name: slug, title: slug, description: `What you may see of the alliance ${slug}.` })),
  ]

  const views = async (sight: Sight, root: string): Promise<View[]> => {
    const heads = sight.heads.filter(({ audience }) => root === NODE_ROOT || isOf(audience, root))
    const counts = await store.countObjects({ logs: heads.map(({ log }) => log), statuses: ['accepted'] })
    const types = counts.filter(({ count }) => count > 0).map(({ type }) => type)
    return viewsOf(heads, (author) => node.slugOf(author as LogHead['author']), types)
  }

  const openWritable = (reader: TaxiiReader, one: WritableCollection, sight: Sight): OpenCollection | undefined => {
    const { canRead, canWrite } = accessTo(one, reader, visibility.self)
    if (!canRead && !canWrite) return undefined
    const { id, alias, title, description } = one
    return {
      id,
      alias,
      title,
      ...(description === undefined ? {} : { description }),
      canRead,
      canWrite,
      source: new SubmittedRows(store, id, {
        ...sight,
        org: reader.org,
        logs: new Set(sight.heads.map(({ log }) => log)),
      }),
    }
  }

  const writableOf = async (root: string, id: string): Promise<WritableCollection> => {
    const found = await writable.find(id, root)
    if (!found) throw new NodeError('NOT_FOUND', 'There is no such collection.')
    return found
  }

  return {
    title: `Noroshi: ${node.config.name}`,
    maxBytes: node.limits.publishBytes,
    maxPage: node.limits.pageObjects,
    roots: async (reader) => rootsOf(reader),
    async collections(reader, root) {
      const sight = await admissions.sightOf(reader)
      const read = (await views(sight, root)).map((view) => toCollection(root, view))
      const written = (await writable.list(root)).flatMap((one) => openWritable(reader, one, sight) ?? [])
      return [...read, ...written].sort((a, b) => (a.id < b.id ? -1 : 1))
    },
    async collection(reader, root, name): Promise<OpenCollection | undefined> {
      const sight = await admissions.sightOf(reader)
      const { addedUpTo, late } = sight
      const view = (await views(sight, root)).find(({ alias }) => alias === name || viewId(root, alias) === name)
      if (view) return openView(store, root, view, { addedUpTo, late })
      const found = await writable.find(name, root)
      return found && openWritable(reader, found, sight)
    },
    status: (reader, root, id) => submissions.status(reader, root, id),
    async submit(reader, root, { id }, envelope) {
      return submissions.take(reader, await writableOf(root, id), envelope)
    },
    async remove(reader, root, { id }, object, versions) {
      const target = await writable.find(id, root)
      return target !== undefined && submissions.remove(reader, target, object, versions)
    },
  }
}

const isOf = ({ alliances, community }: LogHead['audience'], slug: string) =>
  (alliances?.includes(slug) ?? false) || [community ?? []].flat().includes(slug)
