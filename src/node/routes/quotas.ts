import type { FastifyInstance } from 'fastify'
import Type, { type Static } from 'typebox'
import type { MemberId } from '#base'
import { QUOTA_NAMES } from '#log'
import { NodeError } from '../errors.ts'
import type { NodeContext } from '../node-context.ts'
import { closed } from '../schemas.ts'

const Limit = Type.Optional(
  Type.Union([Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }), Type.Null()], {
    description: 'null goes back to the limit of the node',
  }),
)
const Change = Type.Object(Object.fromEntries(QUOTA_NAMES.map((name) => [name, Limit])), {
  ...closed,
  minProperties: 1,
})
const Params = Type.Object({ member: Type.String({ minLength: 1, maxLength: 100, description: 'Id or slug' }) })

/** What each author may bring to this node, and what is held of it. */
export function quotaRoutes(app: FastifyInstance, node: NodeContext): void {
  const config = { scopes: [] }
  const tags = ['links']

  app.get(
    '/api/v1/quotas',
    { config, schema: { summary: 'Quotas of authors, and what is held of each', tags } },
    () => ({
      quotas: node.federation.quotas(),
    }),
  )

  app.patch<{ Params: Static<typeof Params>; Body: Static<typeof Change> }>(
    '/api/v1/quotas/:member',
    { config, schema: { summary: 'Set limits of one author, at once', tags, params: Params, body: Change } },
    async (request) => {
      const { member } = request.params
      const known = node.directory.member(member as MemberId)
      if (!known || known.id === node.config.member)
        throw new NodeError('NOT_FOUND', `No charter names another member "${member}"; noroshi quota list shows who.`)
      return { quota: await node.federation.setQuota(known.id, request.body) }
    },
  )
}
