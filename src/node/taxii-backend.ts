/**
 * What the TAXII server stands on in a node: a root for each alliance that the reader may know and one for the node,
 * views over the logs that the reader may see.
 */
import type { LogHead } from '#store'
import {
  type ApiRoot,
  type OpenCollection,
  openView,
  type TaxiiBackend,
  toCollection,
  type View,
  viewId,
  viewsOf,
} from '#taxii'
import type { NodeContext } from './node-context.ts'
import type { TaxiiReader } from './taxii-reader.ts'

/** Name of the root of everything that this node serves; no alliance can have it. */
export const NODE_ROOT = '_node'

/** The TAXII surface of a node. */
export function openTaxiiBackend(node: NodeContext): TaxiiBackend<TaxiiReader> {
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

  return {
    title: `Noroshi: ${node.config.name}`,
    maxBytes: node.limits.publishBytes,
    maxPage: node.limits.pageObjects,
    roots: async (reader) => rootsOf(reader),
    collections: async (reader, root) =>
      (await views(reader, root)).map((view) => toCollection(root, view)).sort((a, b) => (a.id < b.id ? -1 : 1)),
    async collection(reader, root, name): Promise<OpenCollection | undefined> {
      const view = (await views(reader, root)).find(({ alias }) => alias === name || viewId(root, alias) === name)
      return view && openView(store, root, view)
    },
    status: async () => undefined,
    submit: () => Promise.reject(new Error('No collection of this node takes objects.')),
    remove: async () => false,
  }
}

const isOf = ({ alliances, community }: LogHead['audience'], slug: string) =>
  (alliances?.includes(slug) ?? false) || [community ?? []].flat().includes(slug)
