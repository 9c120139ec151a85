import type { Json, JsonObject } from '#base'
import { ipv4Bits, ipv6Words } from '../atoms/address.ts'
import type { AddObservable, ObservableKind } from '../event.ts'

const VALUE_MAX = 8_192
const LIST_MAX = 1_000

/** Adds an address or, where it is none, a domain. */
export function addHost(value: Json | undefined, add: AddObservable): void {
  if (typeof value !== 'string' || value.length < 2 || value.length > VALUE_MAX) return
  if (ipv4Bits(value) !== undefined) add('ipv4', value)
  else if (value.includes(':')) {
    if (ipv6Words(value)) add('ipv6', value)
  } else if (value.includes('.')) add('domain', value)
}

/** Adds each host of a list. */
export function addHosts(values: Json | undefined, add: AddObservable): void {
  if (!Array.isArray(values)) return
  for (const value of values.slice(0, LIST_MAX)) addHost(value, add)
}

/** Adds a URL with its host. */
export function addUrl(value: Json | undefined, add: AddObservable): void {
  const url = toUrl(value)
  if (url) addParsed(value as string, url, add)
}

function toUrl(value: Json | undefined): URL | null {
  if (typeof value !== 'string' || value.length > VALUE_MAX || !value.includes('://')) return null
  // The URL parser would drop line breaks and tabs: such a text is no URL of a sensor.
  return /\s/.test(value) ? null : URL.parse(value)
}

function addParsed(value: string, { hostname }: URL, add: AddObservable): void {
  add('url', value)
  addHost(hostname.replace(/^\[|\]$/g, ''), add)
}

/**
 * Adds the URL of a request from its parts; the target may be absolute already. The host is what a `Host` field holds (RFC 9110
 * section 7.2): neither user nor number, which a URL parser would make an address that nobody saw.
 */
export function addRequest(scheme: string, host: Json | undefined, target: Json | undefined, add: AddObservable): void {
  const isAddress = typeof host === 'string' && ipv6Words(host) !== undefined
  if (typeof target === 'string' && target.includes('://') && URL.canParse(target)) addUrl(target, add)
  else if (typeof host === 'string' && typeof target === 'string' && target.startsWith('/')) {
    const value = `${scheme}://${isAddress ? `[${host}]` : host}${target}`
    const url = toUrl(value)
    if (url && (isAddress || isSameHost(host, url))) addParsed(value, url, add)
  }
  if (typeof host === 'string') addHost(isAddress ? host : withoutPort(host), add)
}

/** `name:443` and `[::1]:443` without the port; what has more colons and no brackets is left as it is. */
function withoutPort(host: string): string {
  const [, bracketed, plain] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d{1,5})?$/.exec(host) ?? []
  return bracketed ?? plain ?? host
}

/** Whether the URL goes to the host as it is written, and not to one that is made of it. */
const isSameHost = (host: string, { hostname }: URL): boolean =>
  !/[/\\@?#%]/.test(host) && (ipv4Bits(hostname) === undefined || hostname === withoutPort(host))

/** Adds an e-mail address, in angle brackets or bare. */
export function addEmail(value: Json | undefined, add: AddObservable): void {
  if (typeof value !== 'string' || value.length > VALUE_MAX) return
  const inner = /<([^<>]+)>/.exec(value)?.[1] ?? value
  if (inner.includes('@')) add('email', inner.trim())
}

/** Adds each address of a header's list. */
export function addEmails(value: Json | undefined, add: AddObservable): void {
  const list = Array.isArray(value) ? value : typeof value === 'string' ? value.split(',') : []
  for (const item of list.slice(0, LIST_MAX)) addEmail(item, add)
}

const FILE_KIND: Record<number, ObservableKind> = {
  32: 'file-md5',
  40: 'file-sha1',
  64: 'file-sha256',
  128: 'file-sha512',
}
const DIGEST = /(?<![\w.:@+-])[0-9a-fA-F]{32,128}(?![\w.:@+-])/g

/** Adds file hashes from a text such as `SHA1=…,MD5=…,IMPHASH=…`; import hashes are left out. */
export function addHashList(value: Json | undefined, add: AddObservable): void {
  if (typeof value !== 'string' || value.length > VALUE_MAX) return
  for (const part of value.split(',')) {
    if (/^\s*imphash\s*=/i.test(part)) continue
    for (const [digits] of part.matchAll(DIGEST)) {
      const kind = FILE_KIND[digits.length]
      if (kind) add(kind, digits)
    }
  }
}

/** Adds one digest under a kind. */
export function addDigest(kind: ObservableKind, value: Json | undefined, add: AddObservable): void {
  if (typeof value === 'string' && value.length <= VALUE_MAX && value !== '') add(kind, value)
}

/** The first of these fields that the event has. */
export function first(raw: JsonObject, ...names: string[]): Json | undefined {
  const name = names.find((candidate) => raw[candidate] !== undefined)
  return name === undefined ? undefined : raw[name]
}
