import { lookup } from 'node:dns/promises'
import http from 'node:http'
import https from 'node:https'
import { connect } from 'node:net'
import tls from 'node:tls'

/** A peer that does not answer by then is called out of reach. */
const REACH_TIMEOUT_MS = 5_000

/** The way out that links take, and the hosts (comma-separated) that they go to directly. */
export interface Proxy {
  url: string
  except?: string
}

/** How far a look at an address came, and what its clock said. */
export type Reach =
  | { stage: 'answered'; status: number; clockOffsetMs: number | null }
  | { stage: 'name' | 'connection' | 'certificate' | 'answer' | 'proxy'; message: string }

/** Goes to an address step by step: name, connection, certificate, answer; or through a proxy, which takes them all. */
export async function reach(address: string, trust: tls.ConnectionOptions = {}, proxy?: Proxy): Promise<Reach> {
  const url = new URL('/healthz', address)
  const isSecure = url.protocol === 'https:'
  if (isSecure && proxy) return reachThrough(proxy, url, trust)
  const { host, port } = socketOf(url)
  const failed = await connects(host, port)
  if (failed) return failed
  if (isSecure) {
    try {
      const servername = /^[\d.]+$|:/.test(host) ? {} : { servername: host }
      await connected(tls.connect({ host, port, ...servername, ...trust }), 'secureConnect')
    } catch (error) {
      return { stage: 'certificate', message: messageOf(error) }
    }
  }
  return answered(url, trust)
}

/** Whether a host has a name that leads somewhere, and takes connections there; undefined where both hold. */
export async function connects(host: string, port: number): Promise<Exclude<Reach, { stage: 'answered' }> | undefined> {
  try {
    await lookup(host)
  } catch (error) {
    return { stage: 'name', message: messageOf(error) }
  }
  try {
    await connected(connect({ host, port }))
  } catch (error) {
    return { stage: 'connection', message: messageOf(error) }
  }
  return undefined
}

/** Host and port that an address stands for. */
export function socketOf({ hostname, port, protocol }: URL): { host: string; port: number } {
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || (protocol === 'https:' ? 443 : 80)) }
}

async function reachThrough(
  { url: proxy, except = '' }: Proxy,
  url: URL,
  trust: tls.ConnectionOptions,
): Promise<Reach> {
  const agent = new https.Agent({ proxyEnv: { HTTPS_PROXY: proxy, NO_PROXY: except } })
  try {
    return await answered(url, trust, agent)
  } finally {
    agent.destroy()
  }
}

/** What the system trusts, and these certificates besides. */
export const trusting = (...certificates: (Buffer | undefined)[]): tls.ConnectionOptions => {
  const own = certificates.filter((one) => one !== undefined)
  return own.length > 0 ? { ca: [...tls.rootCertificates, ...own], allowPartialTrustChain: true } : {}
}

function connected(socket: ReturnType<typeof connect>, event: 'connect' | 'secureConnect' = 'connect'): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    socket.setTimeout(REACH_TIMEOUT_MS, () => socket.destroy(new Error(`no answer within ${REACH_TIMEOUT_MS} ms`)))
    socket.once(event, () => resolve())
    socket.once('error', reject)
  }).finally(() => socket.destroy())
}

async function answered(url: URL, trust: tls.ConnectionOptions, agent: https.Agent | false = false): Promise<Reach> {
  const { request } = url.protocol === 'https:' ? https : http
  const sent = Date.now()
  return new Promise((resolve) => {
    const asked = request(url, { timeout: REACH_TIMEOUT_MS, agent, ...trust }, (answer) => {
      answer.resume()
      const date = Date.parse(answer.headers.date ?? '')
      // The header is cut to the second: half of one is its mean error.
      const offset = Number.isNaN(date) ? null : Math.round(date + 500 - (sent + Date.now()) / 2)
      resolve({ stage: 'answered', status: answer.statusCode ?? 0, clockOffsetMs: offset })
    })
    asked.on('timeout', () => asked.destroy(new Error(`no answer within ${REACH_TIMEOUT_MS} ms`)))
    asked.on('error', (error) => resolve({ stage: stageOf(error), message: messageOf(error) }))
    asked.end()
  })
}

/** Where a request ended, by the code of its error. */
function stageOf(error: Error): Exclude<Reach['stage'], 'answered'> {
  const { code = '' } = error as { code?: string }
  if (code === 'ERR_PROXY_TUNNEL' || code === 'ERR_PROXY_INVALID_CONFIG') return 'proxy'
  return /CERT|SIGNATURE|ALTNAME/.test(code) ? 'certificate' : 'answer'
}

const messageOf = (error: unknown) => {
  const { message, code } = error as { message?: string; code?: string }
  return message || code || String(error)
}
