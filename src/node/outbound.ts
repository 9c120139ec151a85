import http from 'node:http'
import https from 'node:https'
import type { Transport } from '#federation'
import { isLoopback } from './config.ts'
import { NodeError } from './errors.ts'

/** Idle connections to one peer that are kept for the next request. */
const KEPT_CONNECTIONS = 4
/** A connection that is not established by then counts as failed. */
const CONNECT_TIMEOUT_MS = 10_000

/** An HTTP client for links; dispose to close its kept connections. */
export interface Outbound extends Disposable {
  transport: Transport
}

/** Why links may not go to an address; undefined where they may. */
export function refusesAddress(address: string): string | undefined {
  if (!URL.canParse(address)) return `${address} is no address of a node: give https://host[:port].`
  const { protocol, hostname, origin } = new URL(address)
  if (protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname))) return undefined
  return `${origin}: links need https, except on this machine.`
}

/** Opens the client; `ca` adds certificate authorities to the system's. */
export function openOutbound(options: { ca?: Buffer }): Outbound {
  const plain = new http.Agent({ keepAlive: true, maxFreeSockets: KEPT_CONNECTIONS })
  const secure = new https.Agent({
    keepAlive: true,
    maxFreeSockets: KEPT_CONNECTIONS,
    minVersion: 'TLSv1.2',
    ...(options.ca ? { ca: options.ca } : {}),
  })
  const transport: Transport = (address, request) =>
    new Promise((resolve, reject) => {
      const why = refusesAddress(address)
      if (why !== undefined) throw new NodeError('LINK_REFUSED', why)
      const base = new URL(address)
      const isSecure = base.protocol === 'https:'
      const sent = (isSecure ? https : http).request(
        {
          agent: isSecure ? secure : plain,
          hostname: base.hostname.replace(/^\[|\]$/g, ''),
          port: base.port || (isSecure ? 443 : 80),
          method: request.method,
          path: request.target,
          headers: { ...request.headers, 'content-length': String(request.body.length) },
          signal: request.signal,
        },
        (answer) => {
          answer.on('error', () => undefined)
          const headers = Object.fromEntries(
            Object.entries(answer.headers).map(([name, value]) => [name, String(value)]),
          )
          resolve({ status: answer.statusCode ?? 0, headers, body: answer })
        },
      )
      sent.setNoDelay(true)
      sent.on('socket', (socket) => {
        if (!socket.connecting) return
        const timer = setTimeout(
          () => sent.destroy(new Error(`no connection within ${CONNECT_TIMEOUT_MS} ms`)),
          CONNECT_TIMEOUT_MS,
        )
        socket.once('connect', () => clearTimeout(timer))
        socket.once('close', () => clearTimeout(timer))
      })
      sent.on('error', reject)
      sent.end(request.body)
    })
  return {
    transport,
    [Symbol.dispose]() {
      plain.destroy()
      secure.destroy()
    },
  }
}
