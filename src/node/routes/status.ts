import type { FastifyInstance } from 'fastify'
import Type from 'typebox'
import { toBase64 } from '#base'
import type { NodeContext } from '../node-context.ts'

const LinkView = Type.Object({
  peer: Type.String(),
  member: Type.String(),
  state: Type.String(),
  lagEntries: Type.Integer(),
  clockOffsetMs: Type.Union([Type.Integer(), Type.Null()]),
  clockBoundMs: Type.Union([Type.Integer(), Type.Null()]),
})

/** How the node is doing, for its operator; the situation page, for every reader. */
export function statusRoutes(app: FastifyInstance, node: NodeContext): void {
  app.get(
    '/api/v1/status',
    {
      config: { scopes: [] },
      schema: {
        summary: 'Member, links and totals of this node',
        tags: ['node'],
        response: {
          200: Type.Object({
            member: Type.String(),
            nodes: Type.Array(Type.Any()),
            links: Type.Array(LinkView),
            logs: Type.Integer(),
            entries: Type.Integer(),
          }),
        },
      },
    },
    async () => {
      const { config } = node
      const totals = await node.store.totals()
      const links = node.federation.links()
      return {
        member: config.member,
        slug: config.slug,
        name: config.name,
        nation: config.nation,
        kind: config.kind,
        key: toBase64(node.nodeKey.publicKey),
        now: node.now(),
        started: node.started,
        nodes: [{ url: node.url(), version: node.version, started: node.started, demo: config.demo === true }],
        alliances: node.federation.charterStandings().map(({ alliance, version, hash, members }) => ({
          slug: alliance,
          version,
          hash,
          members: node.directory.charters().find(({ charter }) => charter.alliance === alliance)?.charter.members
            .length,
          seen: members,
        })),
        links: links.map((link) => ({
          peer: link.slug,
          member: link.peer,
          address: link.address,
          state: link.state,
          lagEntries: link.lagEntries,
          clockOffsetMs: link.clockOffsetMs,
          clockBoundMs: link.clockBoundMs,
          lastSeen: link.lastSeen,
          ...(link.lastError === undefined ? {} : { lastError: link.lastError }),
          ...(link.quota ? { quota: link.quota } : {}),
        })),
        logs: totals.logs,
        ownLogs: totals.ownLogs,
        entries: totals.entries,
        objects: totals.objects,
        bytes: totals.bytes,
        armed: node.arming.summary(),
        sources: await node.sources.health(),
        ...(node.notSigning() === undefined ? {} : { notSigning: node.notSigning() }),
      }
    },
  )

  app.get(
    '/api/v1/situation',
    {
      config: { scopes: ['read'] },
      schema: { summary: 'Members, arrivals, matches and the last drill, for the web page', tags: ['situation'] },
    },
    async (request) => node.situation.of(node.readerOf(request)),
  )

  app.get(
    '/api/v1/members',
    { config: { scopes: ['read', 'publish'] }, schema: { summary: 'Members of the alliances', tags: ['alliances'] } },
    async (request) => {
      const { members } = node.situation.peopleOf(node.readerOf(request))
      return { members }
    },
  )

  app.get(
    '/api/v1/alliances',
    {
      config: { scopes: ['read', 'publish'] },
      schema: { summary: 'Alliances with their members', tags: ['alliances'] },
    },
    async (request) => {
      const { alliances } = node.situation.peopleOf(node.readerOf(request))
      return { alliances }
    },
  )
}
