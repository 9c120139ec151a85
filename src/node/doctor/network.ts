import { createServer } from 'node:net'
import type { ConnectionOptions } from 'node:tls'
import { isLoopback, type NodeConfig } from '../config.ts'
import type { RunningNode } from '../data-directory.ts'
import { pinnedTls } from '../own-certificate.ts'
import { fail, type Finding, ok, warn } from './finding.ts'
import { type Proxy, type Reach, reach } from './reach.ts'

/** Requests over links are refused from there on. */
const CLOCK_FAIL_MS = 60_000
/** Below that, the Date header of an answer tells nothing. */
const CLOCK_WARN_MS = 2_000

/** A peer as the node, or the charter, knows it. */
export interface Peer {
  slug: string
  address: string
  state?: string
  lastError?: string
  clockOffsetMs?: number | null
  quota?: { state: 'slowed' | 'over'; what: string; since: number }
}

/** Whether the running node answers, or its port is free for it. */
export async function lookAtPort({ listen }: NodeConfig, running: RunningNode | undefined): Promise<Finding[]> {
  if (running && isAlive(running.pid)) {
    const found = await reach(running.url, await pinnedTls(running).catch(() => undefined))
    return [
      found.stage === 'answered'
        ? ok('port', `the node serves at ${running.url}`)
        : fail('port', `process ${running.pid} does not answer at ${running.url}`, 'Look into its log; restart it.'),
    ]
  }
  if (listen.port === 0) return [ok('port', 'the node is stopped; it takes any free port')]
  const error = await taken(listen)
  return [
    error === undefined
      ? warn('port', `the node is stopped; ${listen.host}:${listen.port} is free for it`, 'noroshi serve')
      : fail('port', `${listen.host}:${listen.port}: ${error}`, 'Stop the other program, or choose another port.'),
  ]
}

/** Whether others can be told where this node is, and find it there as far as this machine can tell. */
export async function lookAtAddress(
  config: NodeConfig,
  isRunning: boolean,
  trust: ConnectionOptions,
): Promise<Finding[]> {
  const { publicUrl, listen } = config
  if (publicUrl === undefined)
    return isLoopback(listen.host)
      ? [
          warn(
            'address',
            'no "publicUrl": peers on other machines cannot call this node',
            'Set "publicUrl" in noroshi.json; a node that only reaches outwards works without.',
          ),
        ]
      : [warn('address', 'no "publicUrl": peers are not told where this node is', 'Set "publicUrl" in noroshi.json.')]
  if (!isRunning) return [ok('address', `${publicUrl}; looked at while the node runs`)]
  const found = await reach(publicUrl, trust)
  return found.stage === 'answered' && found.status === 200
    ? [ok('address', `${publicUrl} leads here`)]
    : [
        warn(
          'address',
          `${publicUrl} cannot be reached from this machine: ${whyNot(found)}`,
          'If the address is behind a router, ask a peer; else check name, firewall and proxy.',
        ),
      ]
}

/** How far each peer can be reached, and what its clock says. */
export async function lookAtPeers(
  peers: readonly Peer[],
  trust: ConnectionOptions,
  proxy: Proxy | undefined,
): Promise<Finding[]> {
  const found = await Promise.all(peers.map(async (peer) => ({ peer, at: await reach(peer.address, trust, proxy) })))
  return [...found.map(({ peer, at }) => peerFinding(peer, at)), ...peers.flatMap(quotaFinding), ...clocks(found)]
}

function peerFinding({ slug, address, state, lastError }: Peer, found: Reach): Finding {
  if (found.stage !== 'answered')
    return fail('peer', `${slug} at ${address}: ${whyNot(found)}`, NEXT_STEPS[found.stage])
  if (state === 'down' || state === 'stale')
    return fail(
      'peer',
      `${slug} at ${address} answers, and the link is ${state}: ${lastError ?? 'no reason given'}`,
      'Both must stand in one charter, and be within a minute: noroshi alliance members, noroshi status.',
    )
  return ok('peer', `${slug} at ${address}${state === undefined ? ' answers' : `: ${state}`}`)
}

function quotaFinding({ slug, quota }: Peer): Finding[] {
  if (!quota) return []
  const since = `since ${new Date(quota.since).toISOString()}`
  const next = `Ask ${slug} what it publishes; noroshi quota list shows the limits, noroshi quota set ${slug} raises them.`
  return quota.state === 'over'
    ? [fail('quota', `${slug} has reached its quota of ${quota.what}, ${since}: nothing more of it is taken`, next)]
    : [warn('quota', `${slug} is slowed to its quota of ${quota.what}, ${since}: nothing is lost`, next)]
}

const NEXT_STEPS = {
  name: 'Check the name, and this machine’s name server.',
  connection: 'Ask the peer whether its node runs; check the firewalls between you.',
  certificate: 'A private authority is named by "tls.caFile" in noroshi.json; else the peer must renew.',
  proxy: 'Check user and password in HTTPS_PROXY, and whether the proxy permits this host; else name it in NO_PROXY.',
  answer: 'Something answers there that is no node: check the address and the proxy in front of it.',
} as const

const whyNot = (found: Reach) =>
  found.stage === 'answered' ? `it answers with ${found.status}` : `no ${found.stage} (${found.message})`

/** One clock that differs is that peer's; where most differ alike it is this machine's. */
function clocks(found: readonly { peer: Peer; at: Reach }[]): Finding[] {
  const offsets = found.flatMap(({ peer, at }) => {
    const measured = peer.clockOffsetMs ?? (at.stage === 'answered' ? at.clockOffsetMs : null)
    return measured === null ? [] : [{ slug: peer.slug, ms: measured }]
  })
  if (offsets.length === 0) return []
  const off = offsets.filter(({ ms }) => Math.abs(ms) > CLOCK_WARN_MS)
  if (off.length === 0) return [ok('clock', `agrees with ${offsets.length} of ${offsets.length} peers`)]
  const isOurs = off.length * 2 > offsets.length
  const worst = Math.max(...off.map(({ ms }) => Math.abs(ms)))
  const list = off
    .map(({ slug, ms }) => `${slug} ${ms > 0 ? '+' : '−'}${Math.round(Math.abs(ms) / 1_000)} s`)
    .join(', ')
  const what = isOurs ? `this machine’s differs from most peers (${list})` : `differs at ${list}`
  const next = isOurs
    ? 'Set this machine’s clock by NTP (timedatectl set-ntp true); links refuse what is 60 s off.'
    : 'Tell them: links refuse what is 60 s off.'
  return [worst > CLOCK_FAIL_MS ? fail('clock', what, next) : warn('clock', what, next)]
}

function taken({ host, port }: NodeConfig['listen']): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    server.listen(port, host, () => server.close(() => resolve(undefined)))
  })
}

/** Whether a process of that id runs. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
