import type { FastifyInstance } from 'fastify'
import Type, { type Static } from 'typebox'
import type { NodeContext } from '../node-context.ts'
import { After, closed, Limit } from '../schemas.ts'

const PAGE_ROWS = 1_000
const Page = Type.Object({ after: Type.Optional(After), limit: Type.Optional(Limit(PAGE_ROWS)) }, closed)
const Piece = Type.Object({ id: Type.String({ pattern: '^[1-9][0-9]{0,15}(-[1-9][0-9]{0,3})?$' }) })

/** What this node keeps against members: listed, and as files that whoever has no node can examine. */
export function evidenceRoutes(app: FastifyInstance, node: NodeContext): void {
  const config = { scopes: [] }
  const tags = ['evidence']
  const { evidence } = node.federation

  app.get<{ Querystring: Static<typeof Page> }>(
    '/api/v1/evidence',
    { config, schema: { summary: 'Evidence against members, oldest first', tags, querystring: Page } },
    async (request) => {
      const rows = await evidence.list(request.query)
      return { evidence: rows.map((row) => ({ ...row, slug: node.slugOf(row.accused) })) }
    },
  )

  app.get(
    '/api/v1/evidence/charters',
    { config, schema: { summary: 'Charters from version 1, by which signed statements can be examined', tags } },
    () => evidence.charters(),
  )

  app.get<{ Params: Static<typeof Piece> }>(
    '/api/v1/evidence/:id',
    { config, schema: { summary: 'One piece as a file, and what it comes to', tags, params: Piece } },
    async (request) => evidence.export(request.params.id),
  )
}
