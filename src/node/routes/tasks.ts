import { randomBytes } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import Type, { type Static } from 'typebox'
import { NodeError } from '../errors.ts'
import { rememberExport } from '../exports.ts'
import type { NodeContext } from '../node-context.ts'
import { closed } from '../schemas.ts'

const ListQuery = Type.Object({ all: Type.Optional(Type.Boolean({ description: 'Also those that are done' })) }, closed)
const Export = Type.Object(
  {
    format: Type.String({ pattern: '^[a-z][a-z0-9-]{0,30}$' }),
    objects: Type.Integer({ minimum: 0 }),
    types: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 250 }), { minItems: 1, maxItems: 100 })),
  },
  closed,
)

/** What waits for a person; and what was exported, so that a recall can name it. */
export function taskRoutes(app: FastifyInstance, node: NodeContext): void {
  const config = { scopes: [] }
  const tags = ['tasks']

  app.get<{ Querystring: Static<typeof ListQuery> }>(
    '/api/v1/tasks',
    { config, schema: { summary: 'What waits for a person, oldest first', tags, querystring: ListQuery } },
    async (request) => ({
      tasks: (await node.tasks.list(request.query.all === true)).map((task) => ({
        ...task,
        recalled: { ...task.recalled, slug: node.slugOf(task.recalled.author) },
      })),
    }),
  )

  app.post<{ Params: { id: string } }>(
    '/api/v1/tasks/:id/done',
    {
      config,
      schema: { summary: 'Say that a task is done', tags, params: Type.Object({ id: Type.String({ maxLength: 64 }) }) },
    },
    async (request) => {
      const task = await node.tasks.finish(request.params.id)
      if (!task) throw new NodeError('NOT_FOUND', 'There is no such task.')
      return task
    },
  )

  app.post<{ Body: Static<typeof Export> }>(
    '/api/v1/exports',
    {
      config: { scopes: ['read', 'publish'] },
      schema: { summary: 'Remember that a file was made of what this node holds', tags, body: Export },
    },
    async (request) => {
      // What a client made of it is its own to replace; and it could crowd out what this member made.
      if (node.readerOf(request).org !== node.config.member) return { remembered: false }
      const by = request.token?.name ?? ''
      await rememberExport(node.store, { ...request.body, time: node.now(), by }, randomBytes(8))
      return { remembered: true }
    },
  )
}
