import type { FastifyInstance } from 'fastify'
import Type, { type Static } from 'typebox'
import type { Json, JsonObject } from '#base'
import { signStatement } from '#log'
import { JOURNALS } from '../events.ts'
import type { NodeContext } from '../node-context.ts'
import { After, closed, HashText, Limit } from '../schemas.ts'

const PAGE_ROWS = 1_000
const Stream = Type.Union(JOURNALS.map((name) => Type.Literal(name)))
const Rows = Type.Object({
  rows: Type.Array(Type.Object({ sequence: Type.Integer(), time: Type.Integer(), value: Type.Any() })),
})
const JournalQuery = Type.Object(
  { stream: Stream, after: Type.Optional(After), limit: Type.Optional(Limit(PAGE_ROWS)) },
  closed,
)
const EvidenceBody = Type.Object(
  {
    drill: Type.String({ minLength: 1, maxLength: 100 }),
    stream: Stream,
    after: Type.Optional(After),
    limit: Type.Optional(Limit(PAGE_ROWS)),
  },
  closed,
)

/** What happened at this node, for its operator: journals, receipts, signed evidence of both. */
export function journalRoutes(app: FastifyInstance, node: NodeContext): void {
  const config = { scopes: [] }
  const tags = ['evidence']
  const rowsOf = async ({ stream, after = 0, limit = 100 }: { stream: string; after?: number; limit?: number }) => {
    await node.events.settled()
    return node.store.journal(stream, { after, limit })
  }

  app.get<{ Querystring: Static<typeof JournalQuery> }>(
    '/api/v1/journal',
    {
      config,
      schema: { summary: 'Rows of a journal, oldest first', tags, querystring: JournalQuery, response: { 200: Rows } },
    },
    async (request) => ({ rows: await rowsOf(request.query) }),
  )

  app.post<{ Body: Static<typeof EvidenceBody> }>(
    '/api/v1/evidence',
    {
      config,
      schema: { summary: 'Rows of a journal, signed by this node as evidence of a drill', tags, body: EvidenceBody },
    },
    async (request) => {
      const { drill, stream, ...page } = request.body
      const data = { stream, rows: (await rowsOf({ stream, ...page })) as unknown as Json }
      const fields: JsonObject = { member: node.config.member, drill, kind: 'journal', data, time: node.now() }
      return signStatement('evidence', fields, [node.nodeKey])
    },
  )

  app.get<{ Querystring: { log?: string } }>(
    '/api/v1/receipts',
    {
      config,
      schema: {
        summary: 'Receipts of own logs, oldest arrival first',
        tags,
        querystring: Type.Object({ log: Type.Optional(HashText) }, closed),
        response: { 200: Type.Object({ receipts: Type.Array(Type.Any()) }) },
      },
    },
    async (request) => {
      const receipts = await node.federation.receipts(request.query.log)
      return {
        receipts: receipts.map(({ claimed, ...receipt }) => ({
          ...receipt,
          slug: node.slugOf(receipt.member),
          time: claimed,
        })),
      }
    },
  )
}
