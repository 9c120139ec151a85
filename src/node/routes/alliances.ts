import type { FastifyInstance, FastifyReply } from 'fastify'
import Type, { type Static, type TSchema } from 'typebox'
import type { Admission, Amendment, VotedCharter } from '#federation'
import type { Envelope } from '#log'
import { QUOTA_NAMES } from '#log'
import { NodeError } from '../errors.ts'
import type { NodeContext } from '../node-context.ts'
import { isSignatureNeeded, type RootSignatures } from '../remote-root.ts'
import { closed, Slug, Time } from '../schemas.ts'

const Signing = {
  time: Type.Optional(Time),
  afterRestore: Type.Optional(
    Type.Boolean({
      description: 'After a restore: this member voted for no other charter of that version since the backup',
    }),
  ),
  signatures: Type.Optional(
    Type.Array(
      Type.Object({ bytes: Type.String({ maxLength: 100_000 }), sig: Type.String({ maxLength: 100 }) }, closed),
      { maxItems: 16 },
    ),
  ),
}
const Rules = Type.Object(
  {
    quorum: Type.Optional(Type.Union([Type.Integer({ minimum: 1 }), Type.Literal('majority')])),
    receipts: Type.Optional(Type.Union([Type.Literal('author'), Type.Literal('alliance')])),
    greenDefault: Type.Optional(Type.Union([Type.Literal('community'), Type.Literal('cyber-defence')])),
    backfill: Type.Optional(Type.Union([Type.Literal('everything'), Type.Literal('joining')])),
  },
  closed,
)
const Create = Type.Object({ alliance: Slug, rules: Type.Optional(Rules), ...Signing }, closed)
const Invite = Type.Object(
  {
    address: Type.Optional(Type.String({ pattern: '^https?://', maxLength: 2_048 })),
    validMs: Type.Optional(Type.Integer({ minimum: 60_000 })),
  },
  closed,
)
const Join = Type.Object({ invitation: Type.String({ minLength: 1, maxLength: 65_536 }) }, closed)
const Approve = Type.Object(
  {
    member: Type.Optional(
      Type.String({ maxLength: 100, description: 'Who asked to join: after comparing the words with them' }),
    ),
    words: Type.Optional(Type.String({ maxLength: 200, description: 'The words that the new member read out' })),
    version: Type.Optional(Type.Integer({ minimum: 1 })),
    charter: Type.Optional(
      Type.String({ pattern: '^[0-9a-f]{64}$', description: 'Hash of the charter that was read' }),
    ),
    standing: Type.Optional(Type.Union(['active', 'observer', 'candidate'].map((name) => Type.Literal(name)))),
    backfill: Type.Optional(Type.Literal('everything')),
    ...Signing,
  },
  closed,
)
const Name = Type.String({ minLength: 1, maxLength: 100, description: 'Slug or id of a member' })
const Level = Type.Union(['clear', 'green', 'amber', 'amber+strict', 'red'].map((level) => Type.Literal(level)))
const RootKey = Type.String({ pattern: '^[A-Za-z0-9+/]{43}=$' })
const Statements = Type.Array(Type.Object({}, { additionalProperties: true }), { maxItems: 1_000 })
const Client = Type.Object(
  {
    id: Type.String({ maxLength: 100, description: 'identity--…; noroshi alliance client add makes it' }),
    slug: Slug,
    name: Type.String({ minLength: 1, maxLength: 2_048 }),
    kind: Slug,
    sectors: Type.Array(Slug, { maxItems: 100 }),
    nation: Type.String({ pattern: '^[A-Z]{2}$' }),
    root: Type.Optional(RootKey),
    firstRoot: Type.Optional(RootKey),
    delegations: Type.Optional(Statements),
  },
  closed,
)
const OrNone = <T extends TSchema>(schema: T) => Type.Optional(Type.Union([schema, Type.Null()]))
const Quota = Type.Object(
  Object.fromEntries(QUOTA_NAMES.map((name) => [name, Type.Optional(Type.Integer({ minimum: 1 }))])),
  { ...closed, minProperties: 1 },
)
const Row = Type.Object(
  {
    name: Type.Optional(Type.String({ minLength: 1, maxLength: 2_048 })),
    nation: Type.Optional(Type.String({ pattern: '^[A-Z]{2}$' })),
    kind: Type.Optional(Slug),
    sectors: Type.Optional(Type.Array(Slug, { maxItems: 100 })),
    address: OrNone(Type.String({ pattern: '^https?://', maxLength: 2_048 })),
    maxTlp: OrNone(Level),
    tlpVersion: OrNone(Type.Union([Type.Literal('1.0'), Type.Literal('2.0')])),
    cyberCommunity: OrNone(Type.Boolean()),
    quota: OrNone(Quota),
    networks: OrNone(Type.Array(Type.String({ maxLength: 253 }), { maxItems: 1_000 })),
    clients: OrNone(Type.Array(Client, { maxItems: 1_000 })),
  },
  closed,
)
const RulesChange = Type.Object(
  {
    ...Rules.properties,
    carriers: Type.Optional(Type.Array(Name, { maxItems: 1_000 })),
    observers: OrNone(Level),
    candidates: OrNone(Level),
  },
  closed,
)
const Change = Type.Union([
  Type.Object({ change: Type.Literal('leave') }, closed),
  Type.Object({ change: Type.Literal('keys') }, closed),
  Type.Object(
    {
      change: Type.Literal('standing'),
      member: Name,
      standing: Type.Union(['active', 'suspended', 'observer', 'candidate', 'left'].map((name) => Type.Literal(name))),
    },
    closed,
  ),
  Type.Object({ change: Type.Literal('row'), member: Name, set: Row }, closed),
  Type.Object({ change: Type.Literal('rules'), set: RulesChange }, closed),
])
const Amend = Type.Object(
  {
    amendment: Change,
    rival: Type.Optional(Type.Boolean({ description: 'Also while another proposal for the same version waits' })),
    ...Signing,
  },
  closed,
)
const Settle = Type.Object({ side: Type.String({ pattern: '^[0-9a-f]{4,64}$' }), ...Signing }, closed)
const NextRootKey = Type.Object(
  {
    root: RootKey,
    delegations: Statements,
    lost: Type.Optional(Type.Boolean({ description: 'The key before can’t sign: the others alone vote' })),
    ...Signing,
  },
  closed,
)
const Params = Type.Object({ slug: Slug })
const CHARTER_BYTES = 16_777_216

/** Founding, inviting, joining, approving; what needs the root key is answered with the bytes to sign. */
export function allianceRoutes(app: FastifyInstance, node: NodeContext): void {
  const config = { scopes: [] }
  const tags = ['alliances']
  const { alliances } = node.federation
  const answer = (reply: FastifyReply, result: unknown) =>
    reply.code(isSignatureNeeded(result) ? 202 : 200).send(result)

  /** A root key that nothing but its words vouches for is voted for by whoever compared them. */
  const vote = async (slug: string, { version, charter, words }: Read, signing: RootSignatures) => {
    const waiting = await alliances.proposals(slug)
    const proposal = charter === undefined ? waiting[0] : waiting.find(({ hash }) => hash === charter)
    const unsigned = (proposal?.roots ?? []).filter((root) => !root.isSigned && root.member !== node.directory.self)
    for (const root of unsigned) {
      if (words === undefined)
        throw new NodeError(
          'ALLIANCE_REFUSED',
          `This gives ${root.slug} a root key that the one before did not sign. Call its people, let them read the twelve words of the key to you, and vote with --words.`,
        )
      if (wordsOf(words) !== wordsOf(root.words))
        throw new NodeError(
          'ALLIANCE_REFUSED',
          `The words differ from those of ${root.slug}'s next root key: it may be somebody else's. Do not vote for it.`,
        )
    }
    return node.root.run(signing, (root) => alliances.approve(slug, root, version, charter), slug)
  }

  app.post<{ Body: Static<typeof Create> }>(
    '/api/v1/alliances',
    { config, schema: { summary: 'Found an alliance; 202 asks for a signature of the root key', tags, body: Create } },
    async (request, reply) => {
      const { alliance, rules = {}, ...signing } = request.body
      return answer(reply, await node.root.run(signing, (root) => alliances.create(alliance, rules, root), alliance))
    },
  )

  app.post<{ Params: Static<typeof Params>; Body: Static<typeof Invite> | undefined }>(
    '/api/v1/alliances/:slug/invitations',
    { config, schema: { summary: 'A one-time invitation for one new member', tags, params: Params } },
    async (request, reply) => {
      const address = request.body?.address ?? node.config.publicUrl ?? node.url()
      return reply.code(201).send(await alliances.invite(request.params.slug, { ...request.body, address }))
    },
  )

  app.post<{ Body: Static<typeof Join> }>(
    '/api/v1/alliances/join',
    {
      config,
      schema: { summary: 'Ask to join with an invitation; compare the words with the inviter', tags, body: Join },
    },
    (request) => alliances.join(request.body.invitation.trim()),
  )

  app.get<{ Params: Static<typeof Params> }>(
    '/api/v1/alliances/:slug/requests',
    {
      config,
      schema: {
        summary:
          'Join requests, proposals that wait beside the charter in force, and whether this member’s own join is in force',
        tags,
        params: Params,
      },
    },
    async (request) => {
      const { slug } = request.params
      const isMember = alliances.list().some(({ alliance }) => alliance === slug)
      return {
        member: isMember || (await alliances.joined(slug).catch(() => false)),
        requests: await alliances.joinRequests(slug),
        proposals: await alliances.proposals(slug),
        current: node.directory.charter(slug)?.charter ?? null,
        sides: await alliances.sides(slug),
      }
    },
  )

  app.post<{ Params: Static<typeof Params>; Body: Static<typeof Approve> }>(
    '/api/v1/alliances/:slug/approve',
    {
      config,
      schema: {
        summary: 'Admit a member, or vote for the proposal that waits; 202 asks for a signature',
        tags,
        params: Params,
        body: Approve,
      },
    },
    async (request, reply) => {
      const { slug } = request.params
      const { member, words, version, charter, standing, backfill, ...signing } = request.body
      if (member === undefined) return answer(reply, await vote(slug, { version, charter, words }, signing))
      const waiting = (await alliances.joinRequests(slug)).find(
        (one) => one.member.id === member || one.member.slug === member,
      )
      if (!waiting)
        throw new NodeError(
          'NOT_FOUND',
          `Nobody named ${member} asks to join ${slug}; noroshi alliance requests ${slug} shows who does.`,
        )
      if (words !== undefined && wordsOf(words) !== wordsOf(waiting.words))
        throw new NodeError(
          'ALLIANCE_REFUSED',
          `The words differ from those of ${waiting.member.slug}'s request: somebody may stand between. Do not admit; invite again.`,
        )
      return answer(
        reply,
        await node.root.run(
          signing,
          (root) => alliances.confirm(slug, waiting.member.id, root, { standing, backfill } as Admission),
          slug,
        ),
      )
    },
  )

  app.post<{ Params: Static<typeof Params>; Body: Static<typeof Amend> }>(
    '/api/v1/alliances/:slug/amendments',
    {
      config,
      schema: {
        summary: 'Propose the next charter with one change, and vote for it; 202 asks for a signature',
        tags,
        params: Params,
        body: Amend,
      },
    },
    async (request, reply) => {
      const { amendment, rival, ...signing } = request.body
      const { slug } = request.params
      const change = amendment as Amendment
      return answer(reply, await node.root.run(signing, (root) => alliances.amend(slug, change, root, rival), slug))
    },
  )

  app.post<{ Params: Static<typeof Params>; Body: Static<typeof Settle> }>(
    '/api/v1/alliances/:slug/settle',
    {
      config,
      schema: {
        summary: 'Propose to go on from one side of a fork; 202 asks for a signature',
        tags,
        params: Params,
        body: Settle,
      },
    },
    async (request, reply) => {
      const { side, ...signing } = request.body
      const { slug } = request.params
      return answer(reply, await node.root.run(signing, (root) => alliances.settle(slug, side, root), slug))
    },
  )

  app.post<{ Params: Static<typeof Params>; Body: Static<typeof NextRootKey> }>(
    '/api/v1/alliances/:slug/root',
    {
      config,
      schema: {
        summary: 'Propose this member’s next root key; without `lost`, 202 asks for a signature of the one before',
        tags,
        params: Params,
        body: NextRootKey,
      },
    },
    async (request, reply) => {
      const { root: next, delegations, lost = false, ...signing } = request.body
      const { slug } = request.params
      const change = { root: next, delegations: delegations as unknown as Envelope[] }
      if (lost) return alliances.changeRoot(slug, change, undefined)
      return answer(reply, await node.root.run(signing, (root) => alliances.changeRoot(slug, change, root), slug))
    },
  )

  app.post<{ Body: { charters: VotedCharter[] } }>(
    '/api/v1/alliances/bootstrap',
    {
      config,
      bodyLimit: CHARTER_BYTES,
      schema: {
        summary: 'Install complete, voted charters, oldest first',
        tags,
        body: Type.Object({ charters: Type.Array(Type.Any(), { minItems: 1, maxItems: 1_000 }) }, closed),
      },
    },
    async (request, reply) => {
      await alliances.bootstrapCharter(request.body.charters)
      return reply.code(204).send()
    },
  )
}

interface Read {
  version?: number | undefined
  charter?: string | undefined
  words?: string | undefined
}

const wordsOf = (text: string) =>
  text
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter(Boolean)
    .join(' ')
