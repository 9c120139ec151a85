// The registry of ways out (sharing rules, section 6): how each is walked in a world, and which routes and commands it
// covers. `registry.test.ts` fails on a route or a command that is neither here nor excused with a reason.
import { EXPORT_FORMATS, writeOutput } from '#exchange'
import type { LinkResponse } from '#federation'
import type { Reply } from './door.ts'
import { absentId } from './markers.ts'
import type { Stage } from './stage.ts'
import type { Server } from './world-plan.ts'

/** Something that a reader was told. */
export interface Told {
  way: string
  bytes: Buffer
}

/** Who walks: an organisation with a token of a server. */
export interface Walk {
  stage: Stage
  server: Server
  reader: string
  token: string
  /** Counts up over a run, so that what is too much for every world comes in turn. */
  turn: number
}

/** One way out. */
export interface WayOut {
  name: string
  /** `METHOD route`, as the server lists them. */
  routes: readonly string[]
  /** Commands of the command line that tell what this way tells. */
  commands?: readonly string[]
  /** Where it is walked. */
  walked: 'worlds' | 'named cases' | 'worlds and named cases'
}

export const WAYS_OUT: readonly WayOut[] = [
  {
    name: 'API: listing, search and pages',
    routes: ['GET /api/v1/objects'],
    commands: ['objects', 'export'],
    walked: 'worlds',
  },
  { name: 'API: one object', routes: ['GET /api/v1/objects/:id'], commands: ['objects'], walked: 'worlds' },
  { name: 'API: counts', routes: ['GET /api/v1/counts'], walked: 'worlds and named cases' },
  {
    name: 'API: members and alliances',
    routes: ['GET /api/v1/members', 'GET /api/v1/alliances'],
    commands: ['alliance'],
    walked: 'worlds',
  },
  {
    name: 'API: situation, graph neighbours and statistics of the web page',
    routes: ['GET /api/v1/situation'],
    walked: 'worlds',
  },
  {
    name: 'TAXII: discovery, roots, collections, objects, manifest, versions, status',
    routes: ['GET /taxii2', 'GET /taxii2*', 'HEAD /taxii2', 'HEAD /taxii2*', 'OPTIONS /taxii2', 'OPTIONS /taxii2*'],
    commands: ['taxii'],
    walked: 'worlds',
  },
  {
    name: 'TAXII: what a submission or a removal answers',
    routes: [
      'POST /taxii2*',
      'DELETE /taxii2*',
      'POST /taxii2',
      'DELETE /taxii2',
      'PUT /taxii2',
      'PUT /taxii2*',
      'PATCH /taxii2',
      'PATCH /taxii2*',
    ],
    commands: ['taxii'],
    walked: 'worlds and named cases',
  },
  {
    name: 'link: snapshots, entries, consistency, checkpoints, stream, heads, gossip, charters',
    routes: ['GET *', 'POST *'],
    commands: ['link'],
    walked: 'worlds',
  },
  { name: 'event stream of the web page', routes: ['GET /api/v1/events'], walked: 'worlds and named cases' },
  {
    name: 'matches of telemetry',
    routes: ['POST /api/v1/telemetry'],
    commands: ['watch'],
    walked: 'worlds and named cases',
  },
  {
    name: 'what a publication answers',
    routes: ['POST /api/v1/publish'],
    commands: ['publish', 'import'],
    walked: 'named cases',
  },
  { name: 'what a recall answers', routes: ['POST /api/v1/recall'], commands: ['recall'], walked: 'worlds' },
  {
    name: 'submissions of clients',
    routes: [
      'POST /api/v1/submissions',
      'GET /api/v1/submissions',
      'GET /api/v1/submissions/:id',
      'POST /api/v1/submissions/:id/messages',
      'POST /api/v1/submissions/:id/withdraw',
    ],
    commands: ['submit', 'submission'],
    walked: 'named cases',
  },
  { name: 'metrics and health', routes: ['GET /metrics', 'GET /healthz', 'GET /readyz'], walked: 'worlds' },
  {
    name: 'air-gap files',
    routes: ['POST /api/v1/air-gap/exports', 'GET /api/v1/air-gap/jobs/:id'],
    commands: ['export', 'import', 'air-gap'],
    walked: 'named cases',
  },
  {
    name: 'who holds it, receipts, journals and evidence, for the node’s operator alone',
    routes: [
      'GET /api/v1/objects/:id/standing',
      'GET /api/v1/receipts',
      'GET /api/v1/journal',
      'POST /api/v1/evidence',
      'GET /api/v1/evidence',
      'GET /api/v1/evidence/charters',
      'GET /api/v1/evidence/:id',
      'GET /api/v1/hits',
    ],
    commands: ['who', 'evidence', 'verify', 'watch'],
    walked: 'worlds',
  },
  {
    name: 'drill reports, for the node’s operator alone',
    routes: [
      'GET /api/v1/drills',
      'GET /api/v1/drills/:id',
      'GET /api/v1/drills/:id/report.html',
      'GET /api/v1/drills/:id/report.md',
      'GET /api/v1/drills/:id/report.json',
    ],
    commands: ['drill'],
    walked: 'worlds and named cases',
  },
  {
    name: 'what waits at a node, and how it is set up, for its operator alone',
    routes: [
      'GET /api/v1/status',
      'GET /api/v1/links',
      'GET /api/v1/retention',
      'GET /api/v1/tokens',
      'GET /api/v1/taxii/collections',
      'GET /api/v1/taxii/quarantine',
      'GET /api/v1/taxii/sources',
      'GET /api/v1/taxii/sources/:name',
      'GET /api/v1/alliances/:slug/requests',
    ],
    commands: ['status', 'link', 'retention', 'token', 'taxii', 'doctor', 'tasks', 'quota'],
    walked: 'worlds',
  },
  { name: 'backups handed to others', routes: [], commands: ['backup'], walked: 'named cases' },
  { name: 'logs', routes: [], commands: ['serve'], walked: 'worlds' },
  { name: 'error messages', routes: [], walked: 'worlds and named cases' },
]

/** Routes for the operator alone that a reader is refused whole: their answer must be the same whatever is here. */
export const OPERATOR_READS = WAYS_OUT.filter(({ name }) => name.endsWith('operator alone')).flatMap(
  ({ routes }) => routes,
)

const PAGE = 25

/** What the REST surface tells without naming an object. */
export async function walkApi({
  stage,
  server,
  token,
  turn,
}: Walk): Promise<{ list: Buffer; told: Told[]; rows: number }> {
  const told: Told[] = []
  const get = async (path: string, headers: Record<string, string> = {}) => {
    const answer = await stage.ask(server, path, { token, headers })
    told.push({ way: `GET ${path}`, bytes: wholeOf(answer) })
    return answer
  }
  const pages: Buffer[] = []
  let rows = 0
  for (let cursor = ''; ;) {
    const { body } = await get(`/api/v1/objects?limit=${PAGE}${cursor}`)
    pages.push(body)
    const { objects = [], next } = JSON.parse(body.toString()) as { objects?: unknown[]; next?: string }
    rows += objects.length
    if (next === undefined) break
    cursor = `&cursor=${encodeURIComponent(next)}`
  }
  const { body } = await get('/api/v1/counts')
  const { total } = JSON.parse(body.toString()) as { total?: number }
  if (total !== rows) told.push({ way: `counts say ${total} where ${rows} are listed`, bytes: Buffer.alloc(0) })
  await get('/api/v1/situation')
  const others = [
    () => get('/api/v1/objects?order=newest&limit=1000'),
    () => get('/api/v1/objects?versions=latest&limit=1000'),
    () => get('/api/v1/objects?versions=revoked&limit=1000'),
    () => get('/api/v1/objects?versions=conflict&limit=1000'),
    () => get('/api/v1/objects?type=marking-definition&limit=1000'),
    () => get('/api/v1/objects?since=1&limit=1000'),
    () => get('/api/v1/members'),
    () => get('/api/v1/alliances'),
    () => get('/api/v1/openapi.json'),
  ]
  for (const k of [0, 4]) await others[(turn + k) % others.length]?.()
  if (turn % 3 === 0) {
    const { body: bundle } = await get('/api/v1/objects?limit=1000', { accept: 'application/stix+json' })
    const formats = EXPORT_FORMATS.filter((format) => format !== 'stix')
    const format = formats[turn % formats.length] as (typeof EXPORT_FORMATS)[number]
    const { objects } = JSON.parse(bundle.toString()) as { objects: never[] }
    told.push({ way: `export as ${format}`, bytes: exported(format, objects) })
  }
  const own = OPERATOR_READS.filter((route) => route.startsWith('GET'))
  const route = (own[turn % own.length] ?? '').slice('GET '.length)
  await get(route.replace(/:(id|name|slug)/, route.includes('objects') ? absentId('indicator') : 'x1'))
  return { list: Buffer.concat(pages), told, rows }
}

function exported(format: (typeof EXPORT_FORMATS)[number], objects: never[]): Buffer {
  const written = writeOutput(objects, format, { now: '2026-01-01T00:00:00.000Z' }) as unknown
  return Buffer.from(
    JSON.stringify(written, (_name, value: unknown) =>
      value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value,
    ),
  )
}

/** What the TAXII surface tells without naming an object. */
export async function walkTaxii({ stage, server, token, turn }: Walk): Promise<{ list: Buffer; told: Told[] }> {
  const told: Told[] = []
  const get = async (path: string, method = 'GET') => {
    const answer = await stage.ask(server, `/taxii2${path}`, { token, method })
    told.push({ way: `${method} /taxii2${path}`, bytes: wholeOf(answer) })
    return answer
  }
  const { api_roots: urls = [] } = JSON.parse((await get('/')).body.toString()) as { api_roots?: string[] }
  const roots = urls.map((url) => new URL(url).pathname.replace('/taxii2', ''))
  const list: Buffer[] = []
  for (let next = ''; ;) {
    const { body } = await get(`/_node/collections/everything/objects/?match[version]=all&limit=60${next}`)
    list.push(body)
    const page = JSON.parse(body.toString()) as { next?: string }
    if (page.next === undefined) break
    next = `&next=${encodeURIComponent(page.next)}`
  }
  const root = roots[turn % roots.length] ?? '/_node/'
  await get(root)
  const { collections = [] } = JSON.parse((await get(`${root}collections/`)).body.toString()) as {
    collections?: { id: string; alias?: string }[]
  }
  const asked = collections.filter((_one, k) => (k + turn) % 6 === 0)
  for (const { id } of asked) {
    await get(`${root}collections/${id}/`)
    await get(`${root}collections/${id}/${turn % 2 === 0 ? 'manifest' : 'objects'}/?match[version]=all`)
  }
  await get(`${root}collections/everything/objects/`, 'HEAD')
  return { list: Buffer.concat(list), told }
}

/** Every address at which one object could be, for a reader that does not know whether it is. */
export const ADDRESSES: readonly { method: string; path: (id: string) => string }[] = [
  { method: 'GET', path: (id) => `/api/v1/objects?id=${id}&limit=10` },
  { method: 'GET', path: (id) => `/api/v1/objects?versions=latest&id=${id}&limit=10` },
  { method: 'GET', path: (id) => `/taxii2/_node/collections/everything/objects/${id}/` },
  { method: 'GET', path: (id) => `/taxii2/_node/collections/everything/objects/${id}/versions/` },
  { method: 'GET', path: (id) => `/taxii2/_node/collections/everything/objects/?match[id]=${id}` },
  { method: 'GET', path: (id) => `/taxii2/_node/collections/everything/manifest/?match[id]=${id}&match[version]=all` },
  { method: 'GET', path: (id) => `/taxii2/north/collections/everything/objects/${id}/` },
  { method: 'DELETE', path: (id) => `/taxii2/_node/collections/everything/objects/${id}/` },
  { method: 'GET', path: (id) => `/api/v1/objects/${id}/standing` },
]
export const ONE_OBJECT = { method: 'GET', path: (id: string) => `/api/v1/objects/${id}` }

/** Status, headers but for the date, and body: what must be equal for refused and absent. */
export const wholeOf = ({ status, headers, body }: Reply): Buffer =>
  Buffer.concat([Buffer.from(`${status} ${headText(headers)}\n`), body])

/** Headers that tell the clock, or how the connection goes on. */
const CLOCK_AND_SOCKET = new Set(['date', 'noroshi-time', 'connection', 'keep-alive'])

const headText = (headers: Record<string, string>) =>
  JSON.stringify(Object.entries(headers).filter(([name]) => !CLOCK_AND_SOCKET.has(name)))

/** What a member is told over the link: of its snapshot, and of every log that the server holds, asked for by name. */
export async function walkLink(
  { stage, server, reader: peer }: Omit<Walk, 'token' | 'turn'>,
  logs: readonly { log: string; size: number }[],
): Promise<{ entries: Buffer; told: Told[]; differ: string[] }> {
  const told: Told[] = []
  const differ: string[] = []
  const entries: Buffer[] = []
  const get = async (target: string, post?: string) => {
    const answer = await stage.link(server, peer, target, post)
    const bytes = bytesOf(answer)
    told.push({ way: `link ${target.replace(/[0-9a-f]{64}/, 'LOG')}`, bytes })
    return { answer, bytes }
  }
  await get('/link/v1/logs')
  const never = await get(`/link/v1/logs/${'f'.repeat(64)}/entries?from=0&to=9`)
  for (const { log, size } of logs) {
    const asked = await get(`/link/v1/logs/${log}/entries?from=0&to=${size}`)
    if (asked.answer.status === 200)
      entries.push('body' in asked.answer ? Buffer.from(asked.answer.body) : Buffer.alloc(0))
    else if (!asked.bytes.equals(never.bytes))
      differ.push(`entries: ${asked.bytes.toString()} and ${never.bytes.toString()}`)
    if (asked.answer.status === 200) continue
    for (const what of ['checkpoint', `consistency?from=1&to=${size}`, 'receipts?index=0']) {
      const { bytes } = await get(`/link/v1/logs/${log}/${what}`)
      if (!bytes.equals(never.bytes)) differ.push(`${what}: ${bytes.toString('latin1').slice(0, 200)}`)
    }
  }
  await get('/link/v1/heads')
  for (const alliance of ['north', 'south']) await get(`/link/v1/charters/${alliance}?from=1`)
  await get('/link/v1/gossip', JSON.stringify({ heads: logs.slice(0, 5) }))
  return { entries: Buffer.concat(entries), told, differ }
}

export function bytesOf(answer: LinkResponse): Buffer {
  const head = Buffer.from(`${answer.status} ${headText(answer.headers)}\n`)
  return 'body' in answer ? Buffer.concat([head, answer.body]) : head
}
