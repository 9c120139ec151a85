import type { FastifyInstance } from 'fastify'
import Type from 'typebox'
import type { NodeContext } from '../node-context.ts'
import { Slug } from '../schemas.ts'
import {
  AddSource,
  type AddSourceBody,
  ChangeSource,
  type ChangeSourceBody,
  type ShownSource,
} from '../sources/source.ts'

const Named = Type.Object({ name: Slug })

/** Collections of other servers that the node takes from: set up, run, and what they did not take. */
export function taxiiSourceRoutes(app: FastifyInstance, { sources }: NodeContext): void {
  const config = { scopes: [] }
  const tags = ['taxii']
  const route = (summary: string, more: object = {}) => ({ config, schema: { summary, tags, params: Named, ...more } })

  app.get(
    '/api/v1/taxii/sources',
    { config, schema: { summary: 'Sources, and how far each has come', tags } },
    async () => ({ sources: (await sources.list()).map(briefly) }),
  )

  app.post<{ Body: AddSourceBody }>(
    '/api/v1/taxii/sources',
    { config, schema: { summary: 'Take from a collection of another server', tags, body: AddSource } },
    async (request, reply) => reply.code(201).send(briefly(await sources.add(request.body))),
  )

  app.get<{ Params: { name: string } }>(
    '/api/v1/taxii/sources/:name',
    route('A source, its last run, and what was not taken and why'),
    async (request) => shown(await sources.find(request.params.name)),
  )

  app.patch<{ Params: { name: string }; Body: ChangeSourceBody }>(
    '/api/v1/taxii/sources/:name',
    route('Change a source', { body: ChangeSource }),
    async (request) => briefly(await sources.change(request.params.name, request.body)),
  )

  app.delete<{ Params: { name: string } }>(
    '/api/v1/taxii/sources/:name',
    route('Take no more from a source'),
    async (request, reply) => {
      await sources.remove(request.params.name)
      return reply.code(204).send()
    },
  )

  app.post<{ Params: { name: string } }>(
    '/api/v1/taxii/sources/:name/run',
    route('Run a source now'),
    async (request, reply) => reply.code(202).send({ run: await sources.run(request.params.name) }),
  )
}

/** Without the inner state of the client. */
function shown({ state: { position: _position, about: _about, judged: _judged, ...state }, ...source }: ShownSource) {
  return { ...source, state }
}

/** Without the examples of what was lost. */
function briefly(source: ShownSource) {
  const { state, ...rest } = shown(source)
  const { losses: _losses, run, ...brief } = state
  return { ...rest, state: { ...brief, ...(run ? { run: { ...run, losses: undefined, notes: undefined } } : {}) } }
}
