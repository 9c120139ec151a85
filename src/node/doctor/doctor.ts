import { readFile } from 'node:fs/promises'
import type { Millis } from '#base'
import { type DataDirectory, readRunning, type RunningNode } from '../data-directory.ts'
import { pinnedTls } from '../own-certificate.ts'
import { lookAtCertificate } from './certificate.ts'
import { lookAtDirectory, lookAtKeys } from './directory.ts'
import { lookAtDisk, lookAtLimits } from './disk.ts'
import { lookAtCharters, type SeenAlliance } from './charters.ts'
import type { Finding } from './finding.ts'
import { lookAtProxy } from './proxy.ts'
import { type Proxy, trusting } from './reach.ts'
import { isAlive, lookAtAddress, lookAtPeers, lookAtPort, type Peer } from './network.ts'

/** Longest wait for the node's own answer about its peers. */
const ASK_TIMEOUT_MS = 5_000

/** Looks at everything that a node stands on, and at the `proxy` that its links go through; never changes anything. */
export async function examine(dir: string, now: Millis, proxy?: Proxy): Promise<Finding[]> {
  const { findings, data } = await lookAtDirectory(dir)
  if (!data) return findings
  const { config } = data
  const read = (file: string | undefined) => (file ? readFile(file).catch(() => undefined) : undefined)
  const ca = await read(config.tls?.caFile)
  const running = await readRunning(dir)
  const isRunning = running !== undefined && isAlive(running.pid)
  return [
    ...findings,
    ...lookAtKeys(data, now),
    ...(await lookAtDisk(dir)),
    ...(await lookAtLimits()),
    ...(await lookAtPort(config, running)),
    ...(await lookAtCertificate(config, now)),
    ...(await lookAtAddress(config, isRunning, trusting(ca, await read(running?.certFile)))),
    ...(proxy ? await lookAtProxy(proxy) : []),
    ...(isRunning ? await lookAtPeers(await peersOf(data, running), trusting(ca), proxy) : []),
    ...(isRunning ? lookAtCharters(await charters(data, running)) : []),
  ]
}

/** The links of the running node. */
const peersOf = async (data: DataDirectory, running: RunningNode): Promise<Peer[]> =>
  (await askNode<{ links: Peer[] }>(data, running, '/api/v1/links')).links ?? []

/** Its alliances, with who differs. */
const charters = async (data: DataDirectory, running: RunningNode): Promise<SeenAlliance[]> =>
  (await askNode<{ alliances: SeenAlliance[] }>(data, running, '/api/v1/status')).alliances ?? []

/** What the running node answers; nothing where it does not. */
async function askNode<T>({ operatorToken }: DataDirectory, running: RunningNode, path: string): Promise<Partial<T>> {
  const { url } = running
  const pinned = await pinnedTls(running).catch(() => undefined)
  const { request } = url.startsWith('https:') ? await import('node:https') : await import('node:http')
  const text = await new Promise<string>((resolve) => {
    const asked = request(
      new URL(path, url),
      {
        headers: { authorization: `Bearer ${operatorToken}` },
        timeout: ASK_TIMEOUT_MS,
        agent: false,
        ...pinned,
      },
      (answer) => {
        const chunks: Buffer[] = []
        answer.on('data', (chunk: Buffer) => chunks.push(chunk))
        answer.on('end', () => resolve(answer.statusCode === 200 ? Buffer.concat(chunks).toString() : '{}'))
      },
    )
    asked.on('timeout', () => asked.destroy())
    asked.on('error', () => resolve('{}'))
    asked.end()
  })
  return JSON.parse(text) as Partial<T>
}
