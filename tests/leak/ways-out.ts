// Every way out of a node, as a reader walks it: what comes back is text, and whoever finds a canary in it has the object.
import { randomBytes } from 'node:crypto'
import { decodeFrames, signLinkRequest } from '#log'
import { ask, connection, type World } from '../alliance/world.ts'
import type { Secret } from './small-world.ts'
import { addressesOf, tellTaxii } from './taxii-ways-out.ts'

/** What one way out gave: its name and everything it said. */
export interface Told {
  way: string
  text: string
}

/** Statuses, headers and bodies, without what differs between any two answers. */
async function textOf(response: Response): Promise<string> {
  const headers = [...response.headers].filter(([name]) => name !== 'date')
  return `${response.status} ${JSON.stringify(headers)} ${await response.text()}`
}

/** Everything that the REST surface tells a reader with this token. */
export async function tellAll(
  world: World,
  server: string,
  token: string,
  secrets: readonly Secret[],
): Promise<Told[]> {
  const told: Told[] = []
  const get = async (path: string) =>
    told.push({ way: `GET ${path}`, text: await textOf(await ask(world, server, path, { token })) })
  const pages: string[] = []
  for (let cursor = ''; ;) {
    const response = await ask(world, server, `/api/v1/objects?limit=3${cursor}`, { token })
    const text = await response.text()
    pages.push(text.replace(/"next":"[^"]*"/, '"next":""'))
    const { next } = JSON.parse(text) as { next?: string }
    if (next === undefined) break
    cursor = `&cursor=${encodeURIComponent(next)}`
  }
  told.push({ way: 'GET /api/v1/objects, all pages', text: pages.join('\n') })
  for (const order of ['newest', 'oldest']) await get(`/api/v1/objects?limit=1000&order=${order}`)
  await get('/api/v1/objects?limit=1000&type=indicator')
  for (const versions of ['latest', 'revoked', 'conflict']) await get(`/api/v1/objects?limit=1000&versions=${versions}`)
  await get('/api/v1/objects?limit=1000&since=1')
  await get('/api/v1/counts')
  await get('/api/v1/members')
  await get('/api/v1/alliances')
  for (const path of [
    'status',
    'links',
    'hits',
    'receipts',
    'journal?stream=published',
    'journal?stream=hits',
    'drills',
    'tokens',
  ])
    await get(`/api/v1/${path}`)
  await get('/metrics')
  const situation = await ask(world, server, '/api/v1/situation', { token })
  told.push({ way: 'GET /api/v1/situation', text: (await situation.text()).replace(/"now":\d+/, '') })
  for (const { id } of secrets) {
    const text = await textOf(await ask(world, server, `/api/v1/objects/${id}`, { token }))
    told.push({ way: 'GET /api/v1/objects/{id}', text: text.startsWith('200') ? text : '' })
    await get(`/api/v1/objects?id=${id}&limit=10`)
  }
  const taxii = await tellTaxii(
    world,
    server,
    token,
    secrets.map(({ id }) => id),
  )
  for (const { way, response } of taxii)
    told.push({ way: way.replace(/\w[\w-]*--[\w-]+/g, 'ID'), text: await textOf(response) })
  return told
}

/** Whether the answer for an object is, byte for byte, that for one that never was. */
export async function answersAsAbsent(world: World, server: string, token: string, id: string): Promise<boolean> {
  const absent = id.replace(/--.*/, '--00000000-0000-4000-8000-00000000dead')
  const paths = [`/api/v1/objects/`, `/api/v1/objects?limit=10&id=`]
  const pairs = [
    ...paths.map((path) => [path + id, path + absent]),
    ...addressesOf(id).map((path) => [`/taxii2${path}`, `/taxii2${path.replace(id, absent)}`]),
  ]
  for (const pair of pairs) {
    const [one, other] = await Promise.all(pair.map(async (path) => textOf(await ask(world, server, path, { token }))))
    if (one !== other) return false
  }
  return true
}

/** Addresses whose indicators match telemetry that is handed in with this token. */
export async function matched(world: World, server: string, token: string, secrets: readonly Secret[]): Promise<Told> {
  const body = secrets.map(({ address }) => JSON.stringify(connection(address))).join('\n')
  const response = await ask(world, server, '/api/v1/telemetry', {
    method: 'POST',
    body,
    token,
    headers: { 'content-type': 'application/x-ndjson' },
  })
  return { way: 'POST /api/v1/telemetry', text: await response.text() }
}

/** Everything that a peer gets over the link, by every log that the server holds, whoever it is for. */
export async function tellPeer(world: World, server: string, peer: string): Promise<{ told: Told[]; absent: Told[] }> {
  const get = (target: string) => linkRequest(world, server, peer, target)
  const snapshot = await (await get('/link/v1/logs')).text()
  const told: Told[] = [{ way: 'link snapshot', text: snapshot }]
  const absent: Told[] = []
  for (const author of ['jp-nco', 'us-cisa', 'ph-ncert', 'th-ncsa']) {
    const response = await get(`/link/v1/logs?author=${world.node(author).config.member}`)
    told.push({ way: `link snapshot of ${author}`, text: await response.text() })
  }
  const never = 'f'.repeat(64)
  for (const { log, size } of await world.node(server).store.logs()) {
    for (const what of [`entries?from=0&to=${size}`, `consistency?from=1&to=${size}`, 'checkpoint']) {
      const response = await get(`/link/v1/logs/${log}/${what}`)
      const bytes = Buffer.from(await response.clone().arrayBuffer())
      told.push({
        way: `link ${what.replace(/\?.*/, '')}`,
        text: entriesText(what, response.ok ? bytes : Buffer.alloc(0)),
      })
      if (response.ok) continue
      const [one, other] = [await textOf(response), await textOf(await get(`/link/v1/logs/${never}/${what}`))]
      if (one !== other)
        absent.push({ way: `link ${what}`, text: `${one.slice(0, 100)} differs from ${other.slice(0, 100)}` })
    }
  }
  told.push({ way: 'link stream', text: await streamStart(await get('/link/v1/stream')) })
  return { told, absent }
}

function entriesText(what: string, bytes: Buffer): string {
  if (what.startsWith('entries')) decodeFrames(new Uint8Array(bytes))
  return bytes.toString('latin1')
}

const STREAM_MS = 300

/** What a stream says in its first moments. */
async function streamStart(response: Response): Promise<string> {
  const reader = response.body?.getReader()
  let text = ''
  const deadline = Date.now() + STREAM_MS
  while (reader && Date.now() < deadline) {
    const left = new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), deadline - Date.now()))
    const got = await Promise.race([reader.read(), left])
    if (!got || got.done) break
    text += Buffer.from(got.value).toString('latin1')
  }
  await reader?.cancel()
  return text
}

async function linkRequest(world: World, server: string, peer: string, target: string): Promise<Response> {
  const from = world.node(peer)
  const to = world.node(server)
  const headers = signLinkRequest(
    { method: 'GET', target, body: new Uint8Array() },
    {
      from: from.config.member,
      to: to.config.member,
      created: Math.floor(Date.now() / 1_000),
      nonce: randomBytes(16).toString('hex'),
      signer: from.nodeKey,
    },
  )
  return fetch(to.url() + target, { headers })
}
