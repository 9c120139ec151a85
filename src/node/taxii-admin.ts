import { randomUUID } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import Type, { type Static } from 'typebox'
import { MAX_COLLECTIONS, type WritableCollection, type WritableCollections } from '#taxii'
import { NodeError } from './errors.ts'
import type { NodeContext } from './node-context.ts'
import { closed, Slug, Target, Tlp } from './schemas.ts'
import { NODE_ROOT } from './taxii-backend.ts'
import type { TaxiiSubmissions } from './taxii-submissions.ts'

const Alias = Type.String({ pattern: '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$' })
const Create = Type.Object(
  {
    alias: Alias,
    title: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
    description: Type.Optional(Type.String({ maxLength: 2_000 })),
    root: Type.Optional(Slug),
    to: Type.Optional(Type.Array(Target, { maxItems: 100 })),
    tlp: Type.Optional(Tlp),
  },
  closed,
)
const GrantBody = Type.Object(
  {
    token: Type.Optional(Type.String({ maxLength: 64, description: 'Id of a token' })),
    org: Type.Optional(Type.String({ maxLength: 100, description: 'Id or slug of an organisation' })),
    can: Type.Union([Type.Literal('read'), Type.Literal('write'), Type.Literal('nothing')]),
  },
  closed,
)
const EndBody = Type.Object({ tlp: Type.Optional(Tlp), drop: Type.Optional(Type.Boolean()) }, closed)
/** Aliases of views. */
const TAKEN = /^(everything$|tlp-|author-|type-)/
/** Waiting objects on one page at most. */
const MAX_LISTED = 1_000
const WaitingQuery = Type.Object(
  {
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_LISTED })),
    cursor: Type.Optional(Type.String({ minLength: 1, maxLength: 200, description: '"next" of the page before' })),
  },
  closed,
)
/** Grants of one collection. */
const MAX_GRANTS = 1_000

/** The operator's side of TAXII: writable collections, who may use them, and what waits in quarantine. */
export function taxiiAdminRoutes(
  app: FastifyInstance,
  node: NodeContext,
  { writable, submissions }: { writable: WritableCollections; submissions: TaxiiSubmissions },
): void {
  const config = { scopes: [] }
  const tags = ['taxii']
  const find = async (name: string): Promise<WritableCollection> => {
    const found = await writable.find(name)
    if (!found) throw new NodeError('NOT_FOUND', `There is no collection ${name}.`)
    return found
  }

  app.get('/api/v1/taxii/collections', { config, schema: { summary: 'Writable collections', tags } }, async () => ({
    collections: await writable.list(),
  }))

  app.post<{ Body: Static<typeof Create> }>(
    '/api/v1/taxii/collections',
    { config, schema: { summary: 'Create a writable collection', tags, body: Create } },
    async (request, reply) => {
      const { alias, title = alias, description, root = NODE_ROOT, to = [], tlp } = request.body
      const all = await writable.list()
      if (TAKEN.test(alias) || all.some((one) => one.alias === alias))
        throw new NodeError('INPUT_INVALID', `alias: ${alias} is the name of another collection.`)
      if (all.length >= MAX_COLLECTIONS)
        throw new NodeError('INPUT_INVALID', `This node already has ${MAX_COLLECTIONS} collections.`)
      if (root !== NODE_ROOT && node.directory.register().alliance(root) === undefined)
        throw new NodeError('INPUT_INVALID', `root: this node knows no alliance ${root}.`)
      node.publisher.checkAudience(to)
      const collection: WritableCollection = {
        id: randomUUID(),
        alias,
        title,
        ...(description === undefined ? {} : { description }),
        root,
        to,
        ...(tlp === undefined ? {} : { tlp }),
        grants: [],
        created: node.now(),
      }
      await writable.put(collection)
      return reply.code(201).send(collection)
    },
  )

  app.post<{ Params: { name: string }; Body: Static<typeof GrantBody> }>(
    '/api/v1/taxii/collections/:name/grants',
    { config, schema: { summary: 'Who may write to a collection, or read it', tags, body: GrantBody } },
    async (request) => {
      const collection = await find(request.params.name)
      const { token, org, can } = request.body
      if ((token === undefined) === (org === undefined))
        throw new NodeError('INPUT_INVALID', 'Name either a token or an organisation.')
      const who = token === undefined ? organisation(node, org as string) : tokenId(node, token, can)
      const grants = collection.grants.filter((grant) => grant.who !== who)
      if (can !== 'nothing') grants.push({ who, can })
      if (grants.length > MAX_GRANTS)
        throw new NodeError('INPUT_INVALID', `A collection has ${MAX_GRANTS} grants at most.`)
      const changed = { ...collection, grants }
      await writable.put(changed)
      return changed
    },
  )

  app.get<{ Querystring: Static<typeof WaitingQuery> }>(
    '/api/v1/taxii/quarantine',
    { config, schema: { summary: 'Objects that wait: submitted, and of sources', tags, querystring: WaitingQuery } },
    async (request) => {
      const { limit = MAX_LISTED, cursor } = request.query
      const { rows, next } = await submissions.quarantined(limit, cursor)
      const quarantined = rows.map(({ key, value: { json, ...about } }) => ({
        key,
        ...about,
        object: JSON.parse(json) as unknown,
      }))
      return { quarantined, ...(next === undefined ? {} : { next }) }
    },
  )

  app.post<{ Params: { key: string }; Body: Static<typeof EndBody> }>(
    '/api/v1/taxii/quarantine/:key',
    { config, schema: { summary: 'Publish a quarantined object with a marking, or drop it', tags, body: EndBody } },
    async (request) => {
      const { tlp, drop = false } = request.body
      if ((tlp === undefined) !== drop) throw new NodeError('INPUT_INVALID', 'Give either "tlp", or "drop": true.')
      const { key } = request.params
      const ended = await node.sources.endWaiting(key, tlp)
      if (ended) return { ended }
      const waiting = await submissions.waiting(key)
      if (!waiting) throw new NodeError('NOT_FOUND', 'Nothing with this key waits.')
      const target = tlp === undefined ? undefined : { ...(await find(waiting.collection)), tlp }
      return { ended: await submissions.endQuarantine(key, target) }
    },
  )
}

function organisation(node: NodeContext, name: string): string {
  if (name === node.config.slug || name === node.config.member) return node.config.member
  const found = node.directory.register().org(name)
  if (!found) throw new NodeError('INPUT_INVALID', `org: no charter names an organisation "${name}".`)
  return found.id
}

function tokenId(node: NodeContext, id: string, can: 'read' | 'write' | 'nothing'): string {
  const found = node.tokens.list().find((token) => token.id === id)
  if (!found) throw new NodeError('INPUT_INVALID', `token: there is no token ${id}; noroshi token list shows them.`)
  if (can === 'write' && found.scope !== 'publish' && found.scope !== 'operator')
    throw new NodeError(
      'INPUT_INVALID',
      `token: ${id} has the scope ${found.scope}; only one of the scope publish writes.`,
    )
  return id
}
