import type { FastifyInstance } from 'fastify'
import Type, { type Static } from 'typebox'
import { NodeError } from '../errors.ts'
import type { NodeContext } from '../node-context.ts'
import { Slug } from '../schemas.ts'

const REPORT_BYTES = 16_777_216
const Params = Type.Object({ id: Slug })
const State = Type.Union([Type.Literal('running'), Type.Literal('passed'), Type.Literal('failed')])
const DrillBody = Type.Object({
  title: Type.Optional(Type.Any()),
  state: State,
  started: Type.Optional(Type.Integer()),
  exposure: Type.Optional(Type.Array(Type.Any(), { maxItems: 10_000 })),
  metrics: Type.Optional(Type.Any()),
  reports: Type.Optional(
    Type.Object({
      html: Type.Optional(Type.String()),
      markdown: Type.Optional(Type.String()),
      json: Type.Optional(Type.Any()),
    }),
  ),
})

/** A report is a page of its own: its charts' script may run, but reach nothing. */
const REPORT_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; sandbox allow-scripts"

/** Results of drills that a director stored here. */
export function drillRoutes(app: FastifyInstance, node: NodeContext): void {
  const config = { scopes: [] }
  const tags = ['drills']

  app.get('/api/v1/drills', { config, schema: { summary: 'Drills, newest first', tags } }, async () => ({
    drills: await node.drills.list(),
  }))

  app.put<{ Params: Static<typeof Params>; Body: Static<typeof DrillBody> }>(
    '/api/v1/drills/:id',
    {
      config,
      bodyLimit: REPORT_BYTES,
      schema: { summary: 'Store the state or the result of a drill', tags, params: Params, body: DrillBody },
    },
    async (request, reply) => {
      await node.drills.store(request.params.id, request.body)
      return reply.code(204).send()
    },
  )

  app.get<{ Params: Static<typeof Params> }>(
    '/api/v1/drills/:id',
    { config, schema: { summary: 'One drill', tags, params: Params } },
    async (request) => {
      const drill = await node.drills.find(request.params.id)
      if (!drill) throw new NodeError('NOT_FOUND', 'There is no such drill.')
      return drill
    },
  )

  for (const [file, member, type] of [
    ['report.html', 'html', 'text/html; charset=utf-8'],
    ['report.md', 'markdown', 'text/markdown; charset=utf-8'],
    ['report.json', 'json', 'application/json'],
  ] as const) {
    app.get<{ Params: Static<typeof Params> }>(
      `/api/v1/drills/:id/${file}`,
      { config, schema: { summary: `After-action report, ${file}`, tags, params: Params } },
      async (request, reply) => {
        const drill = await node.drills.find(request.params.id)
        const report = drill?.reports?.[member]
        if (report === undefined) throw new NodeError('NOT_FOUND', 'There is no such report.')
        if (member === 'html') reply.header('content-security-policy', REPORT_POLICY)
        return reply.type(type).send(typeof report === 'string' ? report : JSON.stringify(report))
      },
    )
  }
}
