// Real nodes of this process in alliances of their own, with demo keys: what serve and the rehearsal run, run here.
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Writable } from 'node:stream'
import { type CharterMember, type CharterStatement, signStatement, statementHash } from '#log'
import { initDataDirectory, type NodeOptions, type NoroshiNode, openNode, openRootSigner, readConfig } from '#node'

const DEMO_PASSPHRASE = 'noroshi demo'
const WAIT_LIMIT_MS = 30_000

export interface WorldOptions {
  /** Members' slugs by alliance. */
  alliances: Record<string, readonly string[]>
  /** Nodes of organisations that stand in no alliance. */
  others?: readonly string[]
  /** Clients of a member, by its slug. */
  clients?: Record<string, CharterMember['clients']>
  /** Kinds of members, by slug; national CSIRTs where absent. */
  kinds?: Record<string, string>
  seams?: NodeOptions['seams']
  /** Clock of all nodes. */
  now?: NodeOptions['now']
  tls?: NodeOptions['tls']
  /** More of how a member's node is opened. */
  options?: (slug: string) => Partial<NodeOptions>
  /** False: the members never link to each other. */
  links?: boolean
  logLevel?: string
}

export interface World extends AsyncDisposable {
  path: string
  node: (slug: string) => NoroshiNode
  /** Starts a member's node again after it was stopped; peers are told its new address. */
  restart: (slug: string) => Promise<NoroshiNode>
  stop: (slug: string) => Promise<void>
  dir: (slug: string) => string
  /** Everything that a member's node has logged. */
  log: (slug: string) => string
}

/** Opens every member, installs the charters that all of them voted for, and links those who share an alliance. */
export async function openWorld(options: WorldOptions): Promise<World> {
  const path = await mkdtemp(join(tmpdir(), 'noroshi-world-'))
  const slugs = [...new Set([...Object.values(options.alliances).flat(), ...(options.others ?? [])])]
  const nodes = new Map<string, NoroshiNode>()
  const logs = new Map<string, string>(slugs.map((slug) => [slug, '']))
  const dir = (slug: string) => join(path, slug)
  const open = async (slug: string) => {
    const logDestination = new Writable({
      write(chunk: Buffer, _encoding, done) {
        logs.set(slug, logs.get(slug) + chunk.toString())
        done()
      },
    })
    const { seams, now, tls, logLevel = 'debug' } = options
    const node = await openNode({
      dir: dir(slug),
      port: 0,
      rehearsal: true,
      logLevel,
      logDestination,
      webRoot: '/nowhere',
      ...(seams ? { seams } : {}),
      ...(now ? { now } : {}),
      ...(tls ? { tls } : {}),
      ...options.options?.(slug),
    })
    nodes.set(slug, node)
    return node
  }
  const linkAll = async () => {
    if (options.links === false) return
    for (const members of Object.values(options.alliances)) {
      for (const from of members)
        for (const to of members)
          if (from !== to) await nodes.get(from)?.federation.addLink(to, nodes.get(to)?.url() ?? '')
    }
  }
  for (const slug of slugs) {
    const nation = slug.slice(0, 2).toUpperCase()
    await initDataDirectory({
      dir: dir(slug),
      slug,
      name: `Member ${slug}`,
      nation,
      kind: options.kinds?.[slug] ?? 'national-csirt',
      passphrase: '',
      demo: true,
      now: Date.now(),
    })
    await open(slug)
  }
  for (const [alliance, members] of Object.entries(options.alliances)) {
    const voted = await charterOf(alliance, members, dir, options.clients ?? {})
    for (const slug of members) await nodes.get(slug)?.federation.alliances.bootstrapCharter(voted)
  }
  await linkAll()
  const stop = async (slug: string) => {
    await nodes.get(slug)?.[Symbol.asyncDispose]()
    nodes.delete(slug)
  }
  return {
    path,
    dir,
    node(slug) {
      const node = nodes.get(slug)
      if (!node) throw new Error(`${slug} does not run`)
      return node
    },
    stop,
    log: (slug) => logs.get(slug) ?? '',
    async restart(slug) {
      await stop(slug)
      const node = await open(slug)
      for (const members of Object.values(options.alliances)) {
        if (!members.includes(slug) || options.links === false) continue
        for (const other of members) {
          if (other === slug) continue
          await nodes.get(other)?.federation.addLink(slug, node.url())
          if (nodes.has(other)) await node.federation.addLink(other, nodes.get(other)?.url() ?? '')
        }
      }
      return node
    },
    async [Symbol.asyncDispose]() {
      for (const slug of nodes.keys()) await stop(slug)
      await rm(path, { recursive: true, force: true })
    },
  }
}

async function charterOf(
  alliance: string,
  slugs: readonly string[],
  dir: (slug: string) => string,
  clients: NonNullable<WorldOptions['clients']>,
) {
  const time = Date.now()
  const members: CharterMember[] = []
  for (const slug of slugs) {
    const { profile } = await readProfile(dir(slug))
    members.push({ ...profile, joined: time, ...(clients[slug] ? { clients: clients[slug] } : {}) })
  }
  members.sort((a, b) => (a.id < b.id ? -1 : 1))
  const charter: CharterStatement = {
    type: 'charter',
    alliance,
    version: 1,
    previous: null,
    members,
    rules: { quorum: 'majority', receipts: 'author', greenDefault: 'community', carriers: [] },
    time,
  }
  const hash = statementHash({ ...charter } as never)
  const votes = []
  for (const slug of slugs) {
    const root = await openRootSigner(dir(slug), DEMO_PASSPHRASE)
    const { member } = await readConfig(dir(slug))
    votes.push(signStatement('vote', { member, alliance, charter: hash, time }, [root]))
  }
  return { charter, votes }
}

async function readProfile(dir: string): Promise<{ profile: CharterMember }> {
  const { readFile } = await import('node:fs/promises')
  const { member: id, slug, name, nation, kind, sectors, rootKey: root } = await readConfig(dir)
  const delegations = JSON.parse(
    await readFile(join(dir, 'keys/delegations.json'), 'utf8'),
  ) as CharterMember['delegations']
  return { profile: { id, slug, name, nation, kind, sectors, root, delegations, standing: 'active', joined: 0 } }
}

/** A request to a node, with the operator's token unless another is given. */
export async function ask(
  world: World,
  slug: string,
  path: string,
  init: RequestInit & { token?: string } = {},
): Promise<Response> {
  const { readFile } = await import('node:fs/promises')
  const token = init.token ?? (await readFile(join(world.dir(slug), 'operator.token'), 'utf8')).trim()
  return fetch(world.node(slug).url() + path, {
    ...init,
    headers: { authorization: `Bearer ${token}`, ...(init.headers as object) },
  })
}

export interface Published {
  published: { id: string; log: string; index: number; recipients: string[] }[]
  refused: { id: string; code: string }[]
}

/** Publishes objects at a node. */
export async function publish(
  world: World,
  slug: string,
  objects: readonly object[],
  marking: { tlp?: string; to?: readonly string[] } = {},
): Promise<Published> {
  const response = await ask(world, slug, '/api/v1/publish', {
    method: 'POST',
    body: JSON.stringify({ objects, ...marking }),
    headers: { 'content-type': 'application/json' },
  })
  if (!response.ok) throw new Error(await response.text())
  return (await response.json()) as Published
}

/** Matches telemetry at a node. */
export async function telemetry(
  world: World,
  slug: string,
  events: readonly object[],
  query = '',
): Promise<{ events: number; bad: number; hits: { indicator?: string; rule?: string; value: string }[] }> {
  const body = events.map((event) => JSON.stringify(event)).join('\n')
  const response = await ask(world, slug, `/api/v1/telemetry${query}`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/x-ndjson' },
  })
  if (!response.ok) throw new Error(await response.text())
  return (await response.json()) as Awaited<ReturnType<typeof telemetry>>
}

/** Waits until the condition holds. */
export async function until(
  what: string,
  condition: () => Promise<boolean> | boolean,
  limitMs = WAIT_LIMIT_MS,
): Promise<void> {
  const deadline = Date.now() + limitMs
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not within ${limitMs} ms: ${what}`)
    await sleep(25)
  }
}

/** Whether a node's operator can read an object. */
export const holds = async (world: World, slug: string, id: string): Promise<boolean> =>
  (await ask(world, slug, `/api/v1/objects/${id}`)).status === 200

/** Rows of a journal. */
export async function journal<T>(world: World, slug: string, stream: string): Promise<T[]> {
  const { rows } = (await (await ask(world, slug, `/api/v1/journal?stream=${stream}&limit=1000`)).json()) as {
    rows: { value: T }[]
  }
  return rows.map(({ value }) => value)
}

/** A Zeek connection to an address. */
export const connection = (address: string, time = Date.now()) => ({
  ts: time / 1_000,
  uid: 'C1',
  'id.orig_h': '10.0.0.5',
  'id.orig_p': 50_000,
  'id.resp_h': address,
  'id.resp_p': 443,
  proto: 'tcp',
})

/** A valid indicator for an address. */
export function indicator(
  address: string,
  more: Record<string, unknown> = {},
): Record<string, unknown> & { id: string } {
  return {
    type: 'indicator',
    spec_version: '2.1',
    id: `indicator--${randomUUID()}`,
    created: '2026-01-01T00:00:00.000Z',
    modified: '2026-01-01T00:00:00.000Z',
    name: `Address ${address}`,
    pattern: `[ipv4-addr:value = '${address}']`,
    pattern_type: 'stix',
    valid_from: '2026-01-01T00:00:00Z',
    ...more,
  }
}
