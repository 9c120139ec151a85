/**
 * Starts the nodes of a scenario on this machine: one process each, demo keys, and a relay on every link that can be
 * cut and delayed. The same launcher serves `npm start`, drills from the command line, and the tests.
 */
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { once } from 'node:events'
import type { DrillNetwork, DrillNode, FaultProxy, Launcher } from '#drill'
import { openFaultProxy, type Scenario } from '#drill'
import { initDataDirectory, readDataDirectory } from '../data-directory.ts'
import { NodeError } from '../errors.ts'
import { type DemoMember, demoCharter } from './demo-charters.ts'
import { type NodeProcess, startNodeProcess } from './node-process.ts'

const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url))

/** How a rehearsal is set up. */
export interface RehearsalOptions {
  /** Folder that gets one data directory per member; must not hold nodes yet. */
  folder: string
  /** First port of the nodes' web pages; taken ports are passed over. Absent = any free port. */
  firstPort?: number
  /** Script and arguments that serve a node, before `--dir`; tests swap in a broken one. */
  serve?: readonly string[]
  now: () => number
  /** Gives the start up; what was started is stopped. */
  signal?: AbortSignal
}

/** A launcher that starts every member of a scenario as a process of this machine. */
export const rehearsalLauncher =
  (options: RehearsalOptions): Launcher =>
  async (scenario, progress) => {
    await using stack = new AsyncDisposableStack()
    progress('creating members')
    const members = await Promise.all(Object.keys(scenario.members).map((key) => createMember(options, scenario, key)))
    progress('starting nodes')
    const processes = new Map<string, NodeProcess>()
    let port = options.firstPort
    const ports: number[] = []
    for (const _ of members) {
      const free = port === undefined ? 0 : await freePort(port)
      ports.push(free)
      port = port === undefined ? undefined : free + 1
    }
    options.signal?.throwIfAborted()
    // Each is waited for, also where one failed: none may be started after the others were stopped.
    const starts = await Promise.allSettled(
      members.map(async ({ key }, i) => {
        const serve = options.serve ?? [MAIN, 'serve']
        const args = ['--dir', folderOf(options, key), '--port', String(ports[i]), '--rehearsal']
        processes.set(
          key,
          stack.use(await startNodeProcess([...serve, ...args], folderOf(options, key), options.signal)),
        )
      }),
    )
    for (const start of starts) if (start.status === 'rejected') throw start.reason
    progress('linking alliances')
    const nodes = new Map(members.map((member) => [member.key, drillNode(options, member, processes)]))
    await found(scenario, members, nodes, options)
    const relays = await linkAll(scenario, nodes, stack, options.signal)
    options.signal?.throwIfAborted()
    const kept = stack.move()
    return {
      nodes,
      ...faultsOn(relays),
      [Symbol.asyncDispose]: () => kept.disposeAsync(),
    }
  }

const folderOf = (options: RehearsalOptions, key: string) => join(options.folder, key)

interface Member extends DemoMember {
  operatorToken: string
}

async function createMember(options: RehearsalOptions, scenario: Scenario, key: string): Promise<Member> {
  const { slug, name, nation, kind } = scenario.members[key] as Scenario['members'][string]
  const dir = folderOf(options, key)
  await initDataDirectory({ dir, slug, name, nation, kind, port: 0, passphrase: '', demo: true, now: options.now() })
  const { config, delegations, operatorToken } = await readDataDirectory(dir)
  return { key, member: config.member, slug, name, nation, kind, rootKey: config.rootKey, delegations, operatorToken }
}

function drillNode(options: RehearsalOptions, member: Member, processes: Map<string, NodeProcess>): DrillNode {
  const { key, slug, operatorToken: token } = member
  const url = processes.get(key)?.url ?? ''
  return { key, member: member.member, slug, url, token, folder: folderOf(options, key) }
}

/** Installs the alliances' charters, voted by all their members, at each of them. */
async function found(
  scenario: Scenario,
  members: readonly Member[],
  nodes: ReadonlyMap<string, DrillNode>,
  { now, signal }: RehearsalOptions,
): Promise<void> {
  const charters = Object.entries(scenario.alliances).map(([alliance, keys]) => ({
    keys,
    charter: demoCharter(
      alliance,
      members.filter(({ key }) => keys.includes(key)),
      now(),
    ),
  }))
  for (const { keys, charter } of charters)
    for (const key of keys) await post(nodes.get(key), '/api/v1/alliances/bootstrap', { charters: [charter] }, signal)
}

/** One relay for each direction of each link; two members are linked if an alliance has both. */
async function linkAll(
  scenario: Scenario,
  nodes: ReadonlyMap<string, DrillNode>,
  stack: AsyncDisposableStack,
  signal: AbortSignal | undefined,
): Promise<Map<string, FaultProxy>> {
  const relays = new Map<string, FaultProxy>()
  for (const keys of Object.values(scenario.alliances)) {
    for (const from of keys) {
      for (const to of keys) {
        const [a, b] = [nodes.get(from), nodes.get(to)]
        if (!a || !b || from === to || relays.has(`${from} ${to}`)) continue
        const target = new URL(b.url)
        const relay = stack.use(await openFaultProxy({ host: target.hostname, port: () => Number(target.port) }))
        relays.set(`${from} ${to}`, relay)
        await post(a, '/api/v1/links', { member: b.slug, address: `http://127.0.0.1:${relay.port}` }, signal)
      }
    }
  }
  return relays
}

function faultsOn(relays: ReadonlyMap<string, FaultProxy>): Pick<DrillNetwork, 'cut' | 'heal' | 'delay'> {
  const both = (a: string, b: string, action: (relay: FaultProxy) => void) => {
    for (const name of [`${a} ${b}`, `${b} ${a}`]) {
      const relay = relays.get(name)
      if (relay) action(relay)
    }
  }
  return {
    cut: (a, b) => both(a, b, (relay) => relay.cut()),
    heal: (a, b) => both(a, b, (relay) => relay.heal()),
    delay: (a, b, ms) => both(a, b, (relay) => relay.delay(ms)),
  }
}

async function post(
  node: DrillNode | undefined,
  path: string,
  body: unknown,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (!node) return
  const response = await fetch(node.url + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${node.token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
    ...(signal ? { signal } : {}),
  })
  if (!response.ok)
    throw new NodeError(
      'REHEARSAL_FAILED',
      `${node.slug} answered ${response.status} to ${path}: ${await response.text()}`,
    )
}

/** The first port from `port` on that nothing listens on. */
async function freePort(port: number): Promise<number> {
  for (let candidate = port; candidate < port + 200; candidate++) {
    const server = createServer()
    try {
      server.listen(candidate, '127.0.0.1')
      await once(server, 'listening')
      return candidate
    } catch {
      continue
    } finally {
      server.close()
    }
  }
  return 0
}
