import { TaxiiClientError } from './error.ts'

const REDIRECTS = new Set([301, 302, 307, 308])

/** Where an answer sends the request; undefined for one that is no redirect. @throws TaxiiClientError TAXII_SERVER_ODD */
export function toRedirected(
  from: string,
  { status, headers }: { status: number; headers: Headers },
): string | undefined {
  if (!REDIRECTS.has(status)) return undefined
  const location = headers.get('location') ?? ''
  if (location === '' || !URL.canParse(location, from))
    throw new TaxiiClientError('TAXII_SERVER_ODD', `${from} redirects (${status}) to nowhere.`)
  const to = new URL(location, from)
  to.username = ''
  to.password = ''
  // A proxy that ends TLS lets the server behind it believe in http: the same host is asked by https again.
  if (new URL(from).protocol === 'https:' && to.protocol === 'http:' && to.hostname === new URL(from).hostname) {
    to.protocol = 'https:'
    to.port = new URL(from).port
  }
  return to.href
}

export const sameOrigin = (url: string, origin: string): boolean => new URL(url).origin === origin

/** @throws TaxiiClientError TAXII_TLS_REQUIRED */
export function requireTls(url: string): void {
  if (!URL.canParse(url)) throw new TaxiiClientError('TAXII_SERVER_ODD', `${url} is no address.`)
  const { protocol, hostname } = new URL(url)
  const isLoopback = hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname)
  if (protocol === 'https:' || (protocol === 'http:' && isLoopback)) return
  throw new TaxiiClientError(
    'TAXII_TLS_REQUIRED',
    `${url}: give an https address; plain http is for this machine alone.`,
  )
}
