import type { FastifyInstance } from 'fastify'
import Type, { type Static } from 'typebox'
import { fromUtf8, type Json, type JsonObject } from '#base'
import type { LogHead, ObjectRow } from '#store'
import { NodeError } from '../errors.ts'
import type { NodeContext } from '../node-context.ts'
import type { Publisher } from '../publish.ts'
import { closed, Cursor, Limit, Time } from '../schemas.ts'
import { type Reader, tlpLabel } from '../visibility.ts'

/** Objects that are in use. A quarantined, rejected or recalled one is nobody's to read. */
const READABLE = ['accepted'] as const

const ObjectView = Type.Object({
  object: Type.Any({ description: 'The STIX object exactly as its author published it' }),
  publisher: Type.String(),
  slug: Type.Optional(Type.String()),
  tlp: Type.String(),
  alliances: Type.Array(Type.String()),
  published: Time,
  arrived: Time,
})

/** Objects, and counts of them: for each reader, those that stand in logs that it may see. */
export function objectRoutes(app: FastifyInstance, node: NodeContext): void {
  const config = { scopes: ['read', 'publish'] } as const
  const tags = ['objects']
  const ListQuery = Type.Object(
    {
      type: Type.Optional(Type.String({ maxLength: 250 })),
      id: Type.Optional(Type.String({ maxLength: 300 })),
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
        tags,
        querystring: ListQuery,
        response: { 200: Type.Object({ objects: Type.Array(ObjectView), next: Type.Optional(Type.String()) }) },
      },
    },
    async (request, reply) => {
      const reader = node.readerOf(request)
      const { type, id, since, order, limit = 100, cursor } = request.query
      const heads = await node.visibility.logsFor(reader)
      const page = await node.store.objects({
        logs: heads.map(({ log }) => log),
        statuses: READABLE,
        limit,
        ...(type === undefined ? {} : { types: [type] }),
        ...(id === undefined ? {} : { ids: [id] }),
        ...(since === undefined ? {} : { since }),
        ...(order === undefined ? {} : { order }),
        ...(cursor === undefined ? {} : { cursor: node.cursors.open(cursor, reader.tokenId) }),
      })
      const next =
        page.next === undefined ? '' : `,"next":${JSON.stringify(node.cursors.seal(page.next, reader.tokenId))}`
      return reply.type('application/json').send(`{"objects":[${rowsText(node, heads, page.rows)}]${next}}`)
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
        .send(`{"id":${JSON.stringify(request.params.id)},"versions":[${rowsText(node, rows.heads, rows.rows)}]}`)
    },
  )

  app.get<{ Params: { id: string } }>(
    '/api/v1/objects/:id/standing',
    {
      config: { scopes: [] },
      schema: {
        summary: 'Own entries in which an object stands or stood, with recalls and their acknowledgements',
        tags,
        params: Type.Object({ id: Type.String({ maxLength: 256 }) }),
      },
    },
    async (request) => {
      const { id } = request.params
      const held = await node.publisher.standing(id)
      const standing = [...held, ...(await takenBack(node, id, held))]
      return { standing: await Promise.all(standing.map((entry) => withRecall(node, entry))) }
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
async function withRecall(node: NodeContext, { recalled, ...entry }: Standing) {
  if (!recalled) return entry
  const { log, index } = entry
  const acks = await node.federation.recallAcks(log, index)
  const rows = await node.store.journal<JsonObject>('recalls', { newestFirst: true, limit: RECALL_ROWS })
  const row = rows.find(({ value }) => value['own'] === true && value['log'] === log && value['index'] === index)
  return {
    ...entry,
    recall: {
      ...(row ? { time: row.value['time'], reason: row.value['reason'] } : {}),
      acknowledged: acks.map(({ member, withheld, purged, arrived }) => ({
        member,
        slug: node.slugOf(member),
        withheld,
        purged,
        arrived,
      })),
    },
  }
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

/** JSON of the rows; the object's own text is passed through, never re-serialised. */
function rowsText(node: NodeContext, heads: readonly LogHead[], rows: readonly ObjectRow[]): string {
  const headOf = new Map(heads.map((head) => [head.log, head]))
  return rows
    .map((row) => {
      const head = headOf.get(row.log) as LogHead
      const about: Record<string, Json> = {
        publisher: row.publisher,
        slug: node.slugOf(row.publisher),
        tlp: tlpLabel(head.audience.tlp),
        alliances: [...(head.audience.alliances ?? [])],
        published: row.entryTime,
        arrived: row.arrived,
      }
      return `{"object":${fromUtf8(row.json)},${JSON.stringify(about).slice(1)}`
    })
    .join(',')
}
