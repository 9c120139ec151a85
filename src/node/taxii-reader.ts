import type { FastifyRequest } from 'fastify'
import type { NodeContext } from './node-context.ts'
import type { Reader } from './visibility.ts'

/** Who asks over TAXII. */
export interface TaxiiReader extends Reader {
  /** Its token allows to publish. */
  mayPublish: boolean
}

/** The reader for whom a TAXII request's token stands. */
export function taxiiReaderOf(node: NodeContext, request: FastifyRequest): TaxiiReader {
  const scope = request.token?.scope
  return { ...node.readerOf(request), mayPublish: scope === 'publish' || scope === 'operator' }
}
