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

  const rootsOf = (reader: TaxiiReader): ApiRoot[] => [
    { name: NODE_ROOT, title: node.config.name, description: 'All that you may see at this node.' },
    ...node.situation
      .peopleOf(reader)
      .alliances.map(({ slug }) => slug)
      .sort()
      .map((slug) => ({ name: slug, title: slug, description: `What you may see of the alliance ${slug}.` })),
  ]

  /** A drill's logs are no part of any collection: who reads over TAXII acts on what it reads. */
  const headsOf = async (reader: TaxiiReader, root: string): Promise<LogHead[]> => {
    const heads = await visibility.logsFor(reader)
    return heads.filter(({ audience, drill }) => drill === undefined && (root === NODE_ROOT || isOf(audience, root)))
  }

  const views = async (reader: TaxiiReader, root: string): Promise<View[]> => {
    const heads = await headsOf(reader, root)
    const counts = await store.countObjects({ logs: heads.map(({ log }) => log), statuses: ['accepted'] })
    const types = counts.filter(({ count }) => count > 0).map(({ type }) => type)
    return viewsOf(heads, (author) => node.slugOf(author as LogHead['author']), types)
  }

  const openWritable = (reader: TaxiiReader, one: WritableCollection): OpenCollection | undefined => {
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
        org: reader.org,
        mayRead: async (log) => visibility.mayReadLog(reader, log),
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
      const read = (await views(reader, root)).map((view) => toCollection(root, view))
      const written = (await writable.list(root)).flatMap((one) => openWritable(reader, one) ?? [])
      return [...read, ...written].sort((a, b) => (a.id < b.id ? -1 : 1))
    },
    async collection(reader, root, name): Promise<OpenCollection | undefined> {
      const view = (await views(reader, root)).find(({ alias }) => alias === name || viewId(root, alias) === name)
      if (view) return openView(store, root, view)
      const found = await writable.find(name, root)
      return found && openWritable(reader, found)
    },
    status: (reader, root, id) => submissions.status(reader, root, id),
    async submit(reader, root, { id }, envelope) {
      return submissions.take(reader, await writableOf(root, id), envelope)
    },
    async remove(reader, root, { id }, _object, added) {
      const target = await writable.find(id, root)
      return target !== undefined && submissions.remove(reader, target, added)
    },
  }
}

const isOf = ({ alliances, community }: LogHead['audience'], slug: string) =>
  (alliances?.includes(slug) ?? false) || [community ?? []].flat().includes(slug)
