import http from 'node:http'
import https from 'node:https'
import type { Socket } from 'node:net'
import tls from 'node:tls'
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

/** How the client reaches others. */
export interface OutboundOptions {
  /** Certificate authorities besides the system's. */
  ca?: Buffer
  /** Shown to servers that ask for a certificate. */
  cert?: Buffer
  key?: Buffer
  /** https goes through this proxy by CONNECT, with the credentials in its address, but for the hosts excepted. */
  proxy?: { url: string; except?: string }
}

/** Opens the client. @throws LINK_REFUSED where the proxy's address is none */
export function openOutbound({ ca, cert, key, proxy }: OutboundOptions): Outbound {
  const plain = new http.Agent({ keepAlive: true, maxFreeSockets: KEPT_CONNECTIONS })
  const secure = new https.Agent({
    keepAlive: true,
    maxFreeSockets: KEPT_CONNECTIONS,
    // Made once: the authorities would be read again for each connection.
    secureContext: tls.createSecureContext({
      minVersion: 'TLSv1.2',
      ...(ca ? { ca: [...tls.getCACertificates(), ca.toString()] } : {}),
      ...(cert && key ? { cert, key } : {}),
    }),
    ...(proxy ? { proxyEnv: { HTTPS_PROXY: proxyUrl(proxy.url), NO_PROXY: proxy.except ?? '' } } : {}),
  })
  const origins = new WeakMap<Socket, string>()
  /** Where one connection to a peer broke or fell silent, the kept ones have most likely too: each would cost a request's whole time. */
  const dropKept = (agent: http.Agent, origin: string) => {
    for (const socket of Object.values(agent.freeSockets).flatMap((kept) => kept ?? []))
      if (origins.get(socket) === origin) socket.destroy()
  }
  const transport: Transport = (address, request) =>
    new Promise((resolve, reject) => {
      const why = refusesAddress(address)
      if (why !== undefined) throw new NodeError('LINK_REFUSED', why)
      const base = new URL(address)
      const isSecure = base.protocol === 'https:'
      const agent = isSecure ? secure : plain
      const sent = (isSecure ? https : http).request(
        {
          agent,
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
        origins.set(socket, base.origin)
        if (!socket.connecting) return
        const timer = setTimeout(
          () => sent.destroy(new Error(`no connection within ${CONNECT_TIMEOUT_MS} ms`)),
          CONNECT_TIMEOUT_MS,
        )
        socket.once('connect', () => clearTimeout(timer))
        socket.once('close', () => clearTimeout(timer))
      })
      sent.on('error', (cause) => {
        dropKept(agent, base.origin)
        reject(isSecure && !sent.reusedSocket ? explained(cause) : cause)
      })
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

/** A server refuses a certificate only after the handshake counts as done here: it looks like a connection that breaks. */
function explained(cause: Error): Error {
  if ((cause as { code?: string }).code !== 'ECONNRESET' || !/hang up/.test(cause.message)) return cause
  const why = 'it ended the connection before it answered; does it ask for a certificate (tls.clientCertFile)?'
  return new Error(why, { cause })
}

/** The proxy's address; its credentials never stand in a message. */
function proxyUrl(text: string): string {
  const isProxy = URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)
  if (!isProxy)
    throw new NodeError('LINK_REFUSED', 'HTTPS_PROXY is no address of a proxy: give http://[user:password@]host:port.')
  return text
}
