import { randomUUID } from 'node:crypto'
import type { FastifyInstance, FastifyReply } from 'fastify'
import Type, { type Static } from 'typebox'
import { fromUtf8, type Json, type JsonObject } from '#base'
import { TLP_LEVELS } from '#log'
import type { LogHead, ObjectRow, Page } from '#store'
import { attributionsOf } from '../attribution.ts'
import { NodeError } from '../errors.ts'
import { proofOf } from '../grant-statements.ts'
import type { NodeContext } from '../node-context.ts'
import type { Publisher } from '../publish.ts'
import { closed, Cursor, Limit, Time } from '../schemas.ts'
import { type Reader, tlpLabel } from '../visibility.ts'

/** Objects that are in use. A quarantined, rejected or recalled one is nobody's to read. */
const READABLE = ['accepted'] as const

const ObjectView = Type.Object({
  object: Type.Any({ description: 'The STIX object exactly as its author published it' }),
  publisher: Type.String({ description: 'Id of the member that signed it' }),
  slug: Type.Optional(Type.String({ description: 'Slug of the publisher' })),
  creator: Type.Optional(Type.String({ description: 'created_by_ref' })),
  by: Type.String({ description: 'Who says it; of a third party: "X, republished by Y"' }),
  modified: Type.Optional(Type.String({ description: 'Time of the version; absent where the object has none' })),
  revoked: Type.Boolean(),
  tlp: Type.String(),
  alliances: Type.Array(Type.String()),
  published: Time,
  arrived: Time,
  granted: Type.Optional(
    Type.Object(
      {
        by: Type.String({ description: 'Id of the member that granted it' }),
        until: Type.Union([Time, Type.Null()]),
        holds: Type.Boolean({ description: 'Signed by a seal key of that member' }),
        statement: Type.Any({ description: 'The signed grant' }),
      },
      { description: 'Where it stands by a grant of its source: never passed on further' },
    ),
  ),
  refused: Type.Optional(
    Type.String({ description: 'Code with which the version was refused; of conflicts, to the operator alone' }),
  ),
})

const VERSIONS = ['all', 'latest', 'revoked', 'conflict'] as const
const Versions = Type.Union(
  VERSIONS.map((one) => Type.Literal(one)),
  {
    default: 'all',
    description:
      'all: every version, so that who follows the listing misses none. latest: the newest of each publisher’s object, of what the reader may see. revoked: those of them that are revoked. conflict: versions that contradict another with the same id and time; of one publisher by anything, of several by more than their markings.',
  },
)
/** Media type of the answer that is a STIX bundle of the objects alone. */
const BUNDLE_TYPE = 'application/stix+json'

/** Objects, and counts of them: for each reader, those that stand in logs that it may see. */
export function objectRoutes(app: FastifyInstance, node: NodeContext): void {
  const config = { scopes: ['read', 'publish'] } as const
  const tags = ['objects']
  const ListQuery = Type.Object(
    {
      type: Type.Optional(Type.String({ maxLength: 250 })),
      id: Type.Optional(Type.Array(Type.String({ maxLength: 300 }), { maxItems: 100 })),
      versions: Type.Optional(Versions),
      since: Type.Optional(Time),
      order: Type.Optional(Type.Union([Type.Literal('oldest'), Type.Literal('newest')])),
      limit: Type.Optional(Limit(node.limits.pageObjects)),
      cursor: Type.Optional(Cursor),
    },
    closed,
  )

  app.get<{ Querystring: Static<typeof ListQuery> }>(
    '/api/v1/objects',
    {
      config,
      schema: {
        summary: 'Object versions, a page at a time',
        description: `In order of arrival. A page may hold fewer objects than asked for, even none: only one without "next" is the last. With "accept: ${BUNDLE_TYPE}" the answer is a bundle of the objects, with their authors' bytes; then the headers noroshi-next and noroshi-tlp hold the cursor and the strictest level.`,
        tags,
        querystring: ListQuery,
        response: { 200: Type.Object({ objects: Type.Array(ObjectView), next: Type.Optional(Type.String()) }) },
      },
    },
    async (request, reply) => {
      const reader = node.readerOf(request)
      const heads = await node.visibility.logsFor(reader)
      const page = await pageOf(node, reader, heads, request.query)
      const next = page.next === undefined ? undefined : node.cursors.seal(page.next, reader.tokenId)
      if ((request.headers.accept ?? '').includes(BUNDLE_TYPE)) return sendBundle(reply, heads, page.rows, next)
      const tail = next === undefined ? '' : `,"next":${JSON.stringify(next)}`
      return reply.type('application/json').send(`{"objects":[${await rowsText(node, heads, page.rows)}]${tail}}`)
    },
  )

  app.get<{ Params: { id: string } }>(
    '/api/v1/objects/:id',
    {
      config,
      schema: {
        summary: 'All versions of one object, newest first',
        tags,
        params: Type.Object({ id: Type.String({ maxLength: 256 }) }),
        response: { 200: Type.Object({ id: Type.String(), versions: Type.Array(ObjectView) }) },
      },
    },
    async (request, reply) => {
      const reader = node.readerOf(request)
      const rows = await versionsOf(node, reader, request.params.id)
      if (!rows) throw new NodeError('NOT_FOUND', 'There is no such object.')
      return reply
        .type('application/json')
        .send(`{"id":${JSON.stringify(request.params.id)},"versions":[${await rowsText(node, rows.heads, rows.rows)}]}`)
    },
  )

  app.get<{ Params: { id: string }; Querystring: { elsewhere?: boolean } }>(
    '/api/v1/objects/:id/standing',
    {
      config: { scopes: [] },
      schema: {
        summary: 'Own entries in which an object stands or stood, with recalls and their acknowledgements',
        description:
          'With "elsewhere=true" also entries of others that hold it, with the receipts that their authors show; each author is asked.',
        tags,
        params: Type.Object({ id: Type.String({ maxLength: 256 }) }),
        querystring: Type.Object({ elsewhere: Type.Optional(Type.Boolean()) }, closed),
      },
    },
    async (request) => {
      const { id } = request.params
      const held = await node.publisher.standing(id)
      const standing = [...held, ...(await takenBack(node, id, held))]
      const own = await Promise.all(standing.map((entry) => withRecall(node, entry)))
      if (!request.query.elsewhere) return { standing: own }
      return { standing: own, elsewhere: await heldOfOthers(node, node.readerOf(request), id) }
    },
  )

  app.get(
    '/api/v1/counts',
    {
      config,
      schema: {
        summary: 'Object versions by type',
        tags,
        response: { 200: Type.Object({ total: Type.Integer(), types: Type.Record(Type.String(), Type.Integer()) }) },
      },
    },
    async (request) => {
      const heads = await node.visibility.logsFor(node.readerOf(request))
      const counts = await node.store.countObjects({ logs: heads.map(({ log }) => log), statuses: READABLE })
      const types = Object.fromEntries(counts.map(({ type, count }) => [type, count]))
      return { total: counts.reduce((sum, { count }) => sum + count, 0), types }
    },
  )
}

type Standing = Awaited<ReturnType<Publisher['standing']>>[number]

/** An own entry with its recall, if it was taken back: when, why, and which recipients acknowledged it. */
async function withRecall(node: NodeContext, { recalled, ...place }: Standing) {
  const entry = { ...place, entitled: await entitledTo(node, place.log), ...(await grantedTo(node, place.log)) }
  if (!recalled) return entry
  const { log, index } = entry
  const acks = await node.federation.recallAcks(log, index)
  const rows = await node.store.journal<JsonObject>('recalls', { newestFirst: true, limit: RECALL_ROWS })
  const row = rows.find(({ value }) => value['own'] === true && value['log'] === log && value['index'] === index)
  return {
    ...entry,
    recall: {
      ...(row ? { time: row.value['time'], reason: row.value['reason'] } : {}),
      acknowledged: acks.map(({ member, withheld, purged, arrived, via }) => ({
        member,
        slug: node.slugOf(member),
        withheld,
        purged,
        arrived,
        ...(via ? { via } : {}),
      })),
    },
  }
}

/** Entries of others that hold an object, each with what its author shows of its receipts. */
async function heldOfOthers(node: NodeContext, reader: Reader, id: string) {
  const { rows = [] } = (await versionsOf(node, reader, id)) ?? {}
  const others = rows.filter(({ publisher }) => publisher !== node.config.member).slice(0, ELSEWHERE_MOST)
  return Promise.all(
    others.map(async ({ log, index, publisher, entryTime }) => {
      const { state, receipts } = await node.federation.shownReceipts(log, index)
      return {
        log,
        index,
        author: publisher,
        slug: node.slugOf(publisher),
        published: entryTime,
        state,
        receipts: receipts.map(({ kind, member, arrived }) => ({ kind, member, slug: node.slugOf(member), arrived })),
      }
    }),
  )
}

/** Whom a grant names, where the entry stands by one. */
async function grantedTo(node: NodeContext, log: Standing['log']): Promise<{ granted?: string[] }> {
  const { grantees } = (await node.store.log(log))?.audience ?? {}
  const register = node.directory.register()
  return grantees ? { granted: grantees.map((id) => register.org(id)?.slug ?? id) } : {}
}

/** Members that may have a log now, and how this node's link to each is. */
async function entitledTo(node: NodeContext, log: Standing['log']) {
  const head = await node.store.log(log)
  if (!head) return []
  const links = new Map(node.federation.links().map((link) => [link.peer, link]))
  return node.visibility.recipients(head.audience, head.author).map(({ member, slug }) => {
    const link = links.get(member)
    return { member, slug, link: link?.state ?? 'none', lastSeen: link?.lastSeen ?? null }
  })
}

/** Own entries of an object that were taken back and are gone from the store: the journals still name them. */
async function takenBack(node: NodeContext, id: string, held: readonly Standing[]): Promise<Standing[]> {
  const recalls = await node.store.journal<JsonObject>('recalls', { newestFirst: true, limit: RECALL_ROWS })
  const place = (row: { log?: unknown; index?: unknown }) => `${String(row.log)} ${String(row.index)}`
  const gone = new Set(recalls.filter(({ value }) => value['own'] === true).map(({ value }) => place(value)))
  for (const entry of held) gone.delete(place(entry))
  const found: Standing[] = []
  for (let after = 0; gone.size > 0;) {
    const rows = await node.store.journal<JsonObject>('published', { after, limit: RECALL_ROWS })
    for (const { value } of rows) {
      if (!gone.delete(place(value)) || value['id'] !== id) continue
      const { log, index, time } = value as unknown as { log: Standing['log']; index: number; time: number }
      found.push({ log, index, published: time, recalled: true })
    }
    const last = rows.at(-1)
    if (!last) break
    after = last.sequence
  }
  return found
}

/** Rows of the journal of recalls in which the time and the reason are looked for. */
const RECALL_ROWS = 10_000
const VERSIONS_LIMIT = 1_000
/** Entries of others for which their authors are asked at once. */
const ELSEWHERE_MOST = 20

async function versionsOf(
  node: NodeContext,
  reader: Reader,
  id: string,
): Promise<{ heads: LogHead[]; rows: ObjectRow[] } | undefined> {
  const heads = await node.visibility.logsFor(reader)
  const { rows } = await node.store.objects({
    logs: heads.map(({ log }) => log),
    statuses: READABLE,
    ids: [id],
    limit: VERSIONS_LIMIT,
  })
  if (rows.length === 0) return undefined
  rows.sort((a, b) => (a.modified === b.modified ? b.entryTime - a.entryTime : a.modified < b.modified ? 1 : -1))
  return { heads, rows }
}

/** The grants of rows that stand in logs for grantees. */
async function proofsOf(
  node: NodeContext,
  heads: ReadonlyMap<string, LogHead>,
  rows: readonly ObjectRow[],
): Promise<Map<ObjectRow, Json>> {
  const proofs = new Map<ObjectRow, Json>()
  for (const row of rows) {
    const head = heads.get(row.log)
    if (head?.audience.grantees === undefined) continue
    const proof = await proofOf(node.store, node.directory, head, row)
    if (proof) proofs.set(row, proof as unknown as Json)
  }
  return proofs
}

interface Asked {
  type?: string
  id?: string[]
  versions?: (typeof VERSIONS)[number]
  since?: number
  order?: 'oldest' | 'newest'
  limit?: number
  cursor?: string
}

async function pageOf(
  node: NodeContext,
  reader: Reader,
  heads: readonly LogHead[],
  { type, id, versions = 'all', since, order, limit = 100, cursor }: Asked,
): Promise<Page<ObjectRow>> {
  const query = {
    logs: heads.map(({ log }) => log),
    limit,
    ...(type === undefined ? {} : { types: [type] }),
    ...(id === undefined ? {} : { ids: id }),
    ...(since === undefined ? {} : { since }),
    ...(order === undefined ? {} : { order }),
    ...(cursor === undefined ? {} : { cursor: node.cursors.open(cursor, reader.tokenId) }),
  }
  return versions === 'all'
    ? node.store.objects({ ...query, statuses: READABLE })
    : node.store.versions({ ...query, versions, withEvidence: reader.isOperator })
}

/** The objects in a bundle of their own. The bundle is a container: it gets a new id each time. @see STIX section 8 */
function sendBundle(
  reply: FastifyReply,
  heads: readonly LogHead[],
  rows: readonly ObjectRow[],
  next: string | undefined,
): FastifyReply {
  const levelOf = new Map(heads.map(({ log, audience }) => [log, TLP_LEVELS.indexOf(audience.tlp)]))
  const strictest = rows.reduce((level, { log }) => Math.max(level, levelOf.get(log) ?? -1), -1)
  if (strictest >= 0) reply.header('noroshi-tlp', tlpLabel(TLP_LEVELS[strictest] as string))
  if (next !== undefined) reply.header('noroshi-next', next)
  const objects = rows.map(({ json }) => fromUtf8(json)).join(',')
  return reply
    .type(`${BUNDLE_TYPE};version=2.1`)
    .send(`{"type":"bundle","id":"bundle--${randomUUID()}","objects":[${objects}]}`)
}

/** JSON of the rows; the object's own text is passed through, never re-serialised. */
async function rowsText(node: NodeContext, heads: readonly LogHead[], rows: readonly ObjectRow[]): Promise<string> {
  const headOf = new Map(heads.map((head) => [head.log, head]))
  const logs = heads.map(({ log }) => log)
  const attributionOf = await attributionsOf(node, logs, rows)
  const granted = await proofsOf(node, headOf, rows)
  return rows
    .map((row) => {
      const head = headOf.get(row.log) as LogHead
      const about: Record<string, Json> = {
        publisher: row.publisher,
        slug: node.slugOf(row.publisher),
        ...attributionOf(row),
        ...(row.modified === '' ? {} : { modified: `${row.modified}Z` }),
        revoked: row.revoked === true,
        tlp: tlpLabel(head.audience.tlp),
        alliances: [...(head.audience.alliances ?? [])],
        published: row.entryTime,
        arrived: row.arrived,
        ...(granted.has(row) ? { granted: granted.get(row) as Json } : {}),
        ...(row.status === 'rejected' ? { refused: row.code ?? '' } : {}),
      }
      return `{"object":${fromUtf8(row.json)},${JSON.stringify(about).slice(1)}`
    })
    .join(',')
}
