// Real node processes in alliances, every link through a relay of its own.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { initDataDirectory, readConfig } from '#node'
import type { Envelope } from '#log'
import { type DemoMember, demoCharter } from '../../src/node/rehearsal/demo-charters.ts'
import { type NodeProcess, startNodeProcess } from '../../src/node/rehearsal/node-process.ts'
import { type FaultRelay, openFaultRelay } from './fault-relay.ts'
import { type Alliances, linksOf } from './plan.ts'

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
/** Processes that start at once: more only wait for the same processors. */
const STARTS_AT_ONCE = 4
/** A busy machine may need longer than a start is given. */
const START_TRIES = 3
const ASK_MS = 10_000

export interface Fleet extends AsyncDisposable {
  readonly slugs: readonly string[]
  /** Who calls whom. */
  readonly links: readonly (readonly [from: string, to: string])[]
  dir(slug: string): string
  isUp(slug: string): boolean
  relay(from: string, to: string): FaultRelay
  relays(): FaultRelay[]
  kill(slug: string): Promise<void>
  start(slug: string): Promise<void>
  /** Ends all processes in order. */
  stop(): Promise<void>
  /** A request of the operator; rejects where the node does not answer. */
  ask(slug: string, path: string, body?: unknown): Promise<Response>
}

/** Limits of links in `noroshi.json`. */
export type LinkLimits = Readonly<
  Partial<Record<'linkRequestMs' | 'linkKeepaliveMs' | 'linkIdleMs' | 'linkBackoffMs', number>>
>

/** Creates the members, starts them, installs the charters that all voted for, and links everybody. */
export async function openFleet(folder: string, alliances: Alliances, limits: LinkLimits = {}): Promise<Fleet> {
  const slugs = [...new Set(Object.values(alliances).flat())]
  // Each process is ended with this one, by a listener of its own.
  process.setMaxListeners(slugs.length + process.getMaxListeners())
  const dir = (slug: string) => join(folder, slug)
  const running = new Map<string, NodeProcess>()
  const tokens = new Map<string, string>()
  const members = new Map<string, DemoMember>()
  const relays = new Map<string, FaultRelay>()
  await inTurns(slugs, async (slug) => {
    await mkdir(dir(slug), { recursive: true })
    members.set(slug, await createMember(dir(slug), slug, limits))
    tokens.set(slug, (await readFile(join(dir(slug), 'operator.token'), 'utf8')).trim())
  })
  const start = async (slug: string) => {
    const command = [MAIN, 'serve', '--dir', dir(slug), '--port', '0', '--rehearsal']
    for (let tries = 1; !running.has(slug); tries++) {
      try {
        running.set(slug, await startNodeProcess(command, dir(slug)))
      } catch (error) {
        if (tries === START_TRIES) throw error
      }
    }
  }
  const ask = (slug: string, path: string, body?: unknown) => {
    const url = running.get(slug)?.url
    if (url === undefined) return Promise.reject(new Error(`${slug} does not run`))
    return fetch(url + path, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${tokens.get(slug)}`, 'content-type': 'application/json' },
      signal: AbortSignal.timeout(ASK_MS),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  }
  const must = async (slug: string, path: string, body: unknown) => {
    const answer = await ask(slug, path, body)
    if (!answer.ok) throw new Error(`${slug} ${path}: ${answer.status} ${await answer.text()}`)
  }
  const stop = async () => {
    await Promise.all([...running.values()].map((node) => node[Symbol.asyncDispose]()))
    running.clear()
  }
  try {
    await inTurns(slugs, start)
    for (const [alliance, among] of Object.entries(alliances)) {
      const charter = demoCharter(
        alliance,
        among.map((slug) => members.get(slug)!),
        Date.now(),
      )
      await inTurns(among, (slug) => must(slug, '/api/v1/alliances/bootstrap', { charters: [charter] }))
    }
    await inTurns(linksOf(alliances), async ([from, to]) => {
      const relay = await openFaultRelay(() => Number(new URL(running.get(to)?.url ?? 'http://x:0').port) || undefined)
      relays.set(`${from} ${to}`, relay)
      await must(from, '/api/v1/links', { member: to, address: `http://127.0.0.1:${relay.port}` })
    })
  } catch (error) {
    await stop()
    throw error
  }
  return {
    slugs,
    links: linksOf(alliances),
    dir,
    ask,
    start,
    stop,
    isUp: (slug) => running.has(slug),
    relay: (from, to) => relays.get(`${from} ${to}`)!,
    relays: () => [...relays.values()],
    async kill(slug) {
      const node = running.get(slug)
      running.delete(slug)
      await node?.kill()
    },
    async [Symbol.asyncDispose]() {
      await stop()
      for (const relay of relays.values()) await relay[Symbol.asyncDispose]()
    },
  }
}

async function createMember(dir: string, slug: string, limits: LinkLimits): Promise<DemoMember> {
  const nation = slug.slice(0, 2).toUpperCase()
  const name = `Member ${slug}`
  const kind = 'national-csirt'
  await initDataDirectory({ dir, slug, name, nation, kind, port: 0, passphrase: '', demo: true, now: Date.now() })
  const config = await readConfig(dir)
  await writeFile(join(dir, 'noroshi.json'), JSON.stringify({ ...config, limits }))
  const { member, rootKey } = config
  const delegations = JSON.parse(await readFile(join(dir, 'keys/delegations.json'), 'utf8')) as Envelope[]
  return { key: slug, member, slug, name, nation, kind, rootKey, delegations }
}

async function inTurns<T>(list: readonly T[], work: (one: T) => Promise<unknown>): Promise<void> {
  const left = [...list]
  await Promise.all(
    Array.from({ length: STARTS_AT_ONCE }, async () => {
      for (let next = left.shift(); next !== undefined; next = left.shift()) await work(next)
    }),
  )
}
