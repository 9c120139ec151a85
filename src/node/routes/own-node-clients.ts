import type { FastifyInstance } from 'fastify'
import Type, { type Static } from 'typebox'
import type { NodeContext } from '../node-context.ts'
import { profileOf } from '../own-profile.ts'
import { readDelegations } from '../data-directory.ts'
import { closed, Slug } from '../schemas.ts'

const Params = Type.Object({ slug: Slug })
const Enrol = Type.Object({ enrolment: Type.String({ minLength: 1, maxLength: 262_144 }) }, closed)

/** Clients that run nodes of their own: what they hand to their provider, and what they get back. */
export function ownNodeClientRoutes(app: FastifyInstance, node: NodeContext): void {
  const config = { scopes: [] }
  const tags = ['alliances']

  app.get(
    '/api/v1/profile',
    { config, schema: { summary: 'How this organisation would stand in a charter as a client: its keys', tags } },
    async () => {
      const { id, slug, name, nation, kind, sectors, root, firstRoot, delegations } = profileOf(
        { delegations: await readDelegations(node.dir) },
        node.config,
      )
      const first = firstRoot === undefined ? {} : { firstRoot }
      return { id, slug, name, nation, kind, sectors, root, ...first, delegations }
    },
  )

  app.get<{ Params: Static<typeof Params> }>(
    '/api/v1/alliances/:slug/enrolment',
    {
      config,
      schema: { summary: 'What a client with a node of its own needs to follow the charter', tags, params: Params },
    },
    (request) => {
      const address = node.config.publicUrl ?? node.url()
      return { enrolment: node.federation.alliances.enrolment(request.params.slug, address) }
    },
  )

  app.post<{ Body: Static<typeof Enrol> }>(
    '/api/v1/alliances/enrol',
    { config, schema: { summary: 'Follow the charter that lists this organisation as a client', tags, body: Enrol } },
    (request) => node.federation.alliances.enrol(request.body.enrolment),
  )
}
