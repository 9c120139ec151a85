import type { FastifyInstance } from 'fastify'
import Type, { type Static } from 'typebox'
import { NodeError } from '../errors.ts'
import type { NodeContext } from '../node-context.ts'
import { closed, Time } from '../schemas.ts'

const Scope = Type.Union(
  (['operator', 'read', 'publish', 'submit', 'telemetry', 'metrics'] as const).map((scope) => Type.Literal(scope)),
)
const Program = Type.Object(
  {
    caveats: Type.Optional(
      Type.Boolean({
        description: 'The program keeps to the caveats of Noroshi’s marking extension, and passes them on',
      }),
    ),
    tlpVersion: Type.Optional(Type.Literal(1, { description: 'It knows TLP 1.0 alone' })),
  },
  { ...closed, description: 'What the program behind the token knows of markings' },
)
const TokenView = Type.Object({
  id: Type.String(),
  name: Type.String(),
  scope: Scope,
  org: Type.Optional(Type.String()),
  program: Type.Optional(Program),
  created: Time,
  expires: Type.Optional(Time),
})
const Create = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 200 }),
    scope: Scope,
    org: Type.Optional(
      Type.String({ minLength: 1, maxLength: 100, description: 'Id or slug of the organisation that reads' }),
    ),
    program: Type.Optional(Program),
    expires: Type.Optional(Time),
  },
  closed,
)

/** Access of clients and machines. */
export function tokenRoutes(app: FastifyInstance, node: NodeContext): void {
  const config = { scopes: [] }
  const tags = ['tokens']

  app.get(
    '/api/v1/tokens',
    {
      config,
      schema: { summary: 'List tokens', tags, response: { 200: Type.Object({ tokens: Type.Array(TokenView) }) } },
    },
    () => ({
      tokens: node.tokens.list(),
    }),
  )

  app.post(
    '/api/v1/tokens',
    {
      config,
      schema: {
        summary: 'Create a token; its text is shown this once',
        tags,
        body: Create,
        response: { 201: Type.Object({ token: TokenView, text: Type.String() }) },
      },
    },
    async (request, reply) => {
      const { org, ...fields } = request.body as Static<typeof Create>
      const created = await node.tokens.create({
        ...fields,
        ...(org === undefined ? {} : { org: organisation(node, org) }),
      })
      return reply.code(201).send(created)
    },
  )

  app.delete<{ Params: { id: string } }>(
    '/api/v1/tokens/:id',
    {
      config,
      schema: { summary: 'Revoke a token', tags, params: Type.Object({ id: Type.String({ maxLength: 64 }) }) },
    },
    async (request, reply) => {
      if (!(await node.tokens.revoke(request.params.id)))
        throw new NodeError(
          'NOT_FOUND',
          `There is no token ${request.params.id}; noroshi token list shows those there are.`,
        )
      return reply.code(204).send()
    },
  )
}

/** Id of an organisation that the charters name, or of the node's own member. */
function organisation(node: NodeContext, idOrSlug: string): string {
  if (idOrSlug === node.config.slug || idOrSlug === node.config.member) return node.config.member
  const found = node.directory.register().org(idOrSlug)
  if (!found) throw new NodeError('INPUT_INVALID', `org: no charter names an organisation "${idOrSlug}".`)
  return found.id
}
