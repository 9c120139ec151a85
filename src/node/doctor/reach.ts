import { lookup } from 'node:dns/promises'
import { connect } from 'node:net'
import tls from 'node:tls'

/** A peer that does not answer by then is called out of reach. */
const REACH_TIMEOUT_MS = 5_000

/** How far a look at an address came, and what its clock said. */
export type Reach =
  | { stage: 'answered'; status: number; clockOffsetMs: number | null }
  | { stage: 'name' | 'connection' | 'certificate' | 'answer'; message: string }

/** Goes to an address step by step: name, connection, certificate, answer. */
export async function reach(address: string, trust: tls.ConnectionOptions = {}): Promise<Reach> {
  const url = new URL('/healthz', address)
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const isSecure = url.protocol === 'https:'
  const port = Number(url.port || (isSecure ? 443 : 80))
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

async function answered(url: URL, trust: tls.ConnectionOptions): Promise<Reach> {
  const { request } = url.protocol === 'https:' ? await import('node:https') : await import('node:http')
  const sent = Date.now()
  return new Promise((resolve) => {
    const asked = request(url, { timeout: REACH_TIMEOUT_MS, agent: false, ...trust }, (answer) => {
      answer.resume()
      const date = Date.parse(answer.headers.date ?? '')
      // The header is cut to the second: half of one is its mean error.
      const offset = Number.isNaN(date) ? null : Math.round(date + 500 - (sent + Date.now()) / 2)
      resolve({ stage: 'answered', status: answer.statusCode ?? 0, clockOffsetMs: offset })
    })
    asked.on('timeout', () => asked.destroy(new Error(`no answer within ${REACH_TIMEOUT_MS} ms`)))
    asked.on('error', (error) => resolve({ stage: 'answer', message: messageOf(error) }))
    asked.end()
  })
}

const messageOf = (error: unknown) => {
  const { message, code } = error as { message?: string; code?: string }
  return message || code || String(error)
}
