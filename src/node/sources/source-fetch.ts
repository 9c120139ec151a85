/**
 * Requests to other people's servers. Where a name leads is looked at when the connection is made, so that a server cannot
 * send the node to a machine of its own network, whether by its address, by a redirect or by its DNS.
 */
import { lookup as lookUp } from 'node:dns'
import http from 'node:http'
import https from 'node:https'
import { BlockList, isIP, type LookupFunction } from 'node:net'
import { pipeline, type Readable } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import type { ClientRequest, ClientResponse } from '#taxii'

/** A connection that is not established by then counts as failed. */
const CONNECT_TIMEOUT_MS = 10_000

/** What sources are asked through; dispose to close its connections. */
export interface SourceFetch extends Disposable {
  fetch: (url: string, request: ClientRequest) => Promise<ClientResponse>
}

/** Opens it; `ca` adds certificate authorities, `stop` ends every request. */
export function openSourceFetch(options: { ca?: Buffer; allowPrivate: boolean; stop: AbortSignal }): SourceFetch {
  const { ca, allowPrivate, stop } = options
  const plain = new http.Agent({ keepAlive: true, maxSockets: 1 })
  const secure = new https.Agent({ keepAlive: true, maxSockets: 1, minVersion: 'TLSv1.2', ...(ca ? { ca } : {}) })
  const lookup: LookupFunction = (hostname, asked, done) =>
    lookUp(hostname, { ...asked, all: true }, (error, found) => {
      if (error) return done(error, '', 0)
      const closed = found.find(({ address }) => isClosed(address, allowPrivate))
      if (closed) return done(closedError(hostname, closed.address), '', 0)
      if (asked.all === true) return done(null, found)
      const [first] = found
      return done(null, first?.address ?? '', first?.family ?? 0)
    })
  return {
    fetch: (address, { method, headers, body, signal }) =>
      new Promise((resolve, reject) => {
        const url = new URL(address)
        const hostname = url.hostname.replace(/^\[|\]$/g, '')
        if (isIP(hostname) !== 0 && isClosed(hostname, allowPrivate)) throw closedError(url.host, hostname)
        const isSecure = url.protocol === 'https:'
        const sent = (isSecure ? https : http).request(
          url,
          {
            agent: isSecure ? secure : plain,
            method,
            headers: {
              ...headers,
              'accept-encoding': 'gzip, deflate, br',
              ...(body ? { 'content-length': body.length } : {}),
            },
            lookup,
            signal: AbortSignal.any([signal, stop]),
          },
          (answer) => resolve(toResponse(answer)),
        )
        sent.on('socket', (socket) => {
          if (!socket.connecting) return
          const timer = setTimeout(
            () => sent.destroy(new Error(`no connection within ${CONNECT_TIMEOUT_MS / 1_000} s`)),
            CONNECT_TIMEOUT_MS,
          )
          const clear = () => clearTimeout(timer)
          socket.once('connect', clear).once('close', clear)
        })
        sent.on('error', reject)
        sent.end(body)
      }),
    [Symbol.dispose]() {
      plain.destroy()
      secure.destroy()
    },
  }
}

function toResponse(answer: http.IncomingMessage): ClientResponse {
  const headers = new Headers()
  for (const [name, value] of Object.entries(answer.headers))
    for (const one of [value ?? []].flat()) headers.append(name, one)
  const body = unpacked(answer, answer.headers['content-encoding'])
  body.on('error', () => undefined)
  return { status: answer.statusCode ?? 0, headers, body }
}

function unpacked(answer: http.IncomingMessage, encoding: string | undefined): Readable {
  const packed = encoding?.trim().toLowerCase()
  const unpack =
    packed === 'gzip' || packed === 'x-gzip'
      ? createGunzip()
      : packed === 'deflate'
        ? createInflate()
        : packed === 'br'
          ? createBrotliDecompress()
          : undefined
  return unpack ? pipeline(answer, unpack, () => undefined) : answer
}

const closedError = (host: string, address: string) =>
  new Error(
    `${host} leads to ${address}, which is not a public address; --allow-private permits those of your own network`,
  )

const own = new BlockList()
for (const [net, prefix] of [
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
] as const)
  own.addSubnet(net, prefix, 'ipv4')
own.addAddress('::1', 'ipv6')
own.addSubnet('fc00::', 7, 'ipv6')
/** Of no server, or of the machine's own neighbours (the metadata service of clouds among them). */
const nobodys = new BlockList()
for (const [net, prefix] of [
  ['0.0.0.0', 8],
  ['169.254.0.0', 16],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const)
  nobodys.addSubnet(net, prefix, 'ipv4')
for (const [net, prefix] of [
  ['::', 128],
  ['64:ff9b::', 96],
  ['2001:db8::', 32],
  ['fe80::', 10],
  ['ff00::', 8],
] as const)
  nobodys.addSubnet(net, prefix, 'ipv6')

/** Whether no source may be there. */
export function isClosed(address: string, allowPrivate: boolean): boolean {
  const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
  return nobodys.check(address, family) || (!allowPrivate && own.check(address, family))
}
