import type { FastifyInstance } from 'fastify'
import Type, { type Static } from 'typebox'
import type { NodeContext } from '../node-context.ts'
import { After, closed, Limit } from '../schemas.ts'

const PAGE_ROWS = 1_000
const TelemetryQuery = Type.Object(
  {
    format: Type.Optional(Type.String({ pattern: '^[a-z0-9-]{1,40}$', default: 'auto' })),
    run: Type.Optional(Type.String({ maxLength: 200, description: 'Copied into the journal of matches' })),
  },
  closed,
)
const HitsQuery = Type.Object({ after: Type.Optional(After), limit: Type.Optional(Limit(PAGE_ROWS)) }, closed)

/** Telemetry in, matches out. */
export function telemetryRoutes(app: FastifyInstance, node: NodeContext): void {
  const tags = ['detection']

  app.get<{ Querystring: Static<typeof HitsQuery> }>(
    '/api/v1/hits',
    { config: { scopes: [] }, schema: { summary: 'Matches at this node, oldest first', tags, querystring: HitsQuery } },
    async (request) => {
      await node.events.settled()
      const { after = 0, limit = 100 } = request.query
      const rows = await node.store.journal('hits', { after, limit })
      return { hits: rows.map(({ sequence, value }) => ({ sequence, ...(value as object) })) }
    },
  )

  void app.register(async (raw) => {
    raw.removeAllContentTypeParsers()
    raw.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
    raw.post<{ Querystring: Static<typeof TelemetryQuery> }>(
      '/api/v1/telemetry',
      {
        config: { scopes: ['telemetry'] },
        bodyLimit: node.limits.telemetryBytes,
        schema: {
          summary: 'Match telemetry, one JSON event (or log line) per line',
          tags,
          querystring: TelemetryQuery,
          consumes: ['application/x-ndjson', 'text/plain'],
          response: { 200: Type.Object({ events: Type.Integer(), bad: Type.Integer(), hits: Type.Array(Type.Any()) }) },
        } as object,
      },
      async (request) => {
        const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
        const { format = 'auto', run } = request.query
        return node.telemetry.take(body, {
          format,
          reader: node.readerOf(request),
          ...(run === undefined ? {} : { run }),
        })
      },
    )
  })
}
