import type { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import Type, { type Static } from 'typebox'
import { AirGapJobs } from '../air-gap-jobs.ts'
import { NodeError } from '../errors.ts'
import type { NodeContext } from '../node-context.ts'
import { closed } from '../schemas.ts'

const Member = Type.String({ minLength: 1, maxLength: 100, description: 'Slug or id of a member' })
const Export = Type.Object(
  {
    to: Member,
    all: Type.Optional(Type.Boolean({ description: 'From the beginning, not from where the last ended' })),
  },
  closed,
)
const Written = Type.Object({ to: Member, sequence: Type.Integer({ minimum: 1 }) }, closed)
const JobId = Type.Object({ id: Type.String({ maxLength: 36 }) })

/** Files between nodes that no link joins, and the key to which they are encrypted. */
export function airGapRoutes(app: FastifyInstance, node: NodeContext): void {
  const config = { scopes: [] }
  const tags = ['air-gap']
  const jobs = new AirGapJobs(node)

  app.post<{ Body: Static<typeof Export> }>(
    '/api/v1/air-gap/exports',
    { config, schema: { summary: 'An encrypted file of what a member may mirror', tags, body: Export } },
    async (request, reply) => {
      const { to, all = false } = request.body
      const { id, file, stream } = await jobs.export(to, all)
      const { slug, sequence, logs, entries, statements } = file
      request.raw.on('close', () => stream.destroy())
      return reply
        .header('content-type', 'application/octet-stream')
        .header('noroshi-air-gap', JSON.stringify({ id, slug, sequence, logs, entries, statements }))
        .send(stream)
    },
  )

  app.post<{ Body: Static<typeof Written> }>(
    '/api/v1/air-gap/written',
    { config, schema: { summary: 'A file is on disk: the next begins where it ends', tags, body: Written } },
    async (request, reply) => {
      await node.federation.airGap.written(request.body.to, request.body.sequence)
      return reply.code(204).send()
    },
  )

  app.get<{ Params: Static<typeof JobId> }>(
    '/api/v1/air-gap/jobs/:id',
    { config, schema: { summary: 'How far a file is, or how it ended', tags, params: JobId } },
    async (request) => {
      const job = jobs.find(request.params.id)
      if (!job) throw new NodeError('NOT_FOUND', 'There is no such job.')
      return job
    },
  )

  void app.register(async (raw) => {
    raw.removeAllContentTypeParsers()
    raw.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
    raw.post(
      '/api/v1/air-gap/imports',
      {
        config,
        schema: {
          summary: 'Read a file; the answer names the job',
          tags,
          consumes: ['application/octet-stream'],
        } as object,
      },
      async (request, reply) => reply.code(202).send({ job: await jobs.import(request.body as Readable) }),
    )
  })
}
