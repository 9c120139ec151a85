import { PassThrough } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import Type, { type Static } from 'typebox'
import { TLP_LEVELS } from '#log'
import { NodeError, toNodeError } from '../errors.ts'
import type { NodeContext } from '../node-context.ts'
import { toProblem } from '../problem.ts'
import type { PublishOptions } from '../publication.ts'
import { cutObjects } from '../raw-objects.ts'
import { closed, HashText, ObjectId, Slug, SLUG_PATTERN, Target, TARGET_PATTERN, Tlp } from '../schemas.ts'

const PublishQuery = Type.Object(
  {
    tlp: Type.Optional(Tlp),
    to: Type.Optional(Type.Array(Target, { maxItems: 100 })),
    drill: Type.Optional(Slug),
    dryRun: Type.Optional(Type.Boolean()),
  },
  closed,
)
const PublishAnswer = Type.Object({
  dryRun: Type.Optional(Type.Literal(true)),
  published: Type.Array(
    Type.Object({
      id: Type.String(),
      log: Type.Optional(Type.String()),
      index: Type.Optional(Type.Integer()),
      audience: Type.Any(),
      recipients: Type.Array(Type.Any()),
    }),
  ),
  refused: Type.Array(Type.Object({ id: Type.String(), code: Type.String(), message: Type.String() })),
})
const REASONS = ['error', 'legal', 'marking', 'other', 'personal-data', 'source-protection', 'superseded'] as const
const RecallBody = Type.Object(
  {
    id: Type.Optional(ObjectId),
    log: Type.Optional(HashText),
    index: Type.Optional(Type.Integer({ minimum: 1 })),
    reason: Type.Union(REASONS.map((reason) => Type.Literal(reason))),
  },
  closed,
)
const NDJSON = 'application/x-ndjson'

/** Publishing and taking back. */
export function publishRoutes(app: FastifyInstance, node: NodeContext): void {
  const config = { scopes: ['publish'] } as const
  const tags = ['publish']

  app.post<{ Body: Static<typeof RecallBody> }>(
    '/api/v1/recall',
    { config, schema: { summary: 'Take back an object, or one entry', tags, body: RecallBody } },
    (request) => node.recallWork.takeBack(request.body),
  )

  void app.register(async (raw) => {
    raw.removeAllContentTypeParsers()
    raw.addContentTypeParser(
      ['application/json', NDJSON, 'application/stix+json', 'application/ndjson'],
      { parseAs: 'buffer' },
      (_request, body, done) => done(null, body),
    )
    raw.post<{ Querystring: Static<typeof PublishQuery> }>(
      '/api/v1/publish',
      {
        config,
        bodyLimit: node.limits.publishBytes,
        schema: {
          summary: 'Publish STIX objects',
          description:
            'The body is an object, a bundle, an array, newline-delimited objects, or {"objects": […]|"bundle": …, "tlp", "to", "drill", "dryRun"}. ' +
            `With "accept: ${NDJSON}" progress lines come before the answer.`,
          tags,
          querystring: PublishQuery,
          consumes: ['application/json', NDJSON, 'application/stix+json'],
          response: { 200: PublishAnswer },
        } as object,
      },
      async (request, reply) => {
        const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
        const { objects, envelope } = await cutObjects(body)
        const behind = await node.visibility.behind(node.readerOf(request))
        const options = { ...optionsOf(envelope, request.query), ...behind }
        if ((request.headers.accept ?? '').includes(NDJSON)) return streamed(node, request, reply, objects, options)
        return node.publisher.publish(objects, options)
      },
    )
  })
}

/** Publishes while telling how far it is; the last line is the answer, or problem details. */
function streamed(
  node: NodeContext,
  request: FastifyRequest,
  reply: FastifyReply,
  objects: Awaited<ReturnType<typeof cutObjects>>['objects'],
  options: PublishOptions,
): FastifyReply {
  const lines = new PassThrough()
  const line = (value: unknown) => lines.write(`${JSON.stringify(value)}\n`)
  node.publisher
    .publish(objects, options, (done, total) => line({ progress: { done, total } }))
    .then(line, (error: unknown) => {
      const { code, partCode, message, expose } = toNodeError(error)
      node.events.failed(`${request.method} ${request.routeOptions.url}`, error)
      line({ problem: toProblem(code, expose ? message : undefined, partCode) })
    })
    .finally(() => lines.end())
  return reply.type(NDJSON).send(lines)
}

function optionsOf(envelope: Record<string, unknown>, query: Static<typeof PublishQuery>): PublishOptions {
  const from = { ...envelope, ...query } as Record<string, unknown>
  const { tlp, to, drill, dryRun } = from
  const bad = (name: string) =>
    new NodeError('INPUT_INVALID', `${name}: does not fit; /api/v1/openapi.json describes it.`)
  if (tlp !== undefined && !TLP_LEVELS.some((level) => level === tlp)) throw bad('tlp')
  if (to !== undefined && !(Array.isArray(to) && to.length <= 100 && to.every(isTarget))) throw bad('to')
  if (drill !== undefined && !(typeof drill === 'string' && SLUG_PATTERN.test(drill))) throw bad('drill')
  if (dryRun !== undefined && typeof dryRun !== 'boolean') throw bad('dryRun')
  return {
    ...(tlp === undefined ? {} : { tlp: tlp as NonNullable<PublishOptions['tlp']> }),
    ...(to === undefined ? {} : { to: to as string[] }),
    ...(drill === undefined ? {} : { drill: drill as string }),
    ...(dryRun === undefined ? {} : { dryRun }),
  }
}

const isTarget = (value: unknown) => typeof value === 'string' && TARGET_PATTERN.test(value)
