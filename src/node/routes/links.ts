import type { FastifyInstance } from 'fastify'
import Type, { type Static } from 'typebox'
import type { MemberId } from '#base'
import { NodeError } from '../errors.ts'
import type { NodeContext } from '../node-context.ts'
import { closed } from '../schemas.ts'

const AddLink = Type.Object(
  {
    member: Type.String({ minLength: 1, maxLength: 100, description: 'Id or slug of the peer' }),
    address: Type.String({ pattern: '^https?://[^\\s]{1,2000}$' }),
  },
  closed,
)

/** Addresses of peers. */
export function linkListRoutes(app: FastifyInstance, node: NodeContext): void {
  const config = { scopes: [] }
  const tags = ['links']

  app.get('/api/v1/links', { config, schema: { summary: 'Links and their state', tags } }, () => ({
    links: node.federation.links(),
  }))

  app.post<{ Body: Static<typeof AddLink> }>(
    '/api/v1/links',
    { config, schema: { summary: 'Set the address of a peer', tags, body: AddLink } },
    async (request, reply) => {
      const { member } = request.body
      const isKnown = node.directory.member(member as MemberId) ?? node.directory.register().org(member)
      if (!isKnown)
        throw new NodeError('NOT_FOUND', `No charter names a member "${member}"; noroshi alliance members lists them.`)
      await node.federation.addLink(request.body.member, request.body.address.replace(/\/+$/, ''))
      return reply.code(201).send({ links: node.federation.links() })
    },
  )

  app.delete<{ Params: { member: string } }>(
    '/api/v1/links/:member',
    {
      config,
      schema: {
        summary: 'Drop the link to a peer',
        tags,
        params: Type.Object({ member: Type.String({ maxLength: 100 }) }),
      },
    },
    async (request, reply) => {
      const known = node.federation
        .links()
        .some(({ peer, slug }) => peer === request.params.member || slug === request.params.member)
      if (!known) throw new NodeError('NOT_FOUND', `There is no link to ${request.params.member}.`)
      await node.federation.removeLink(request.params.member)
      return reply.code(204).send()
    },
  )
}
