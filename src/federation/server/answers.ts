import { type Json, utf8 } from '#base'
import type { LinkResponse } from '../api.ts'
import { PROTOCOL, PROTOCOL_HEADER } from '../protocol.ts'

/** An answer in JSON. */
export function json(value: Json, status = 200): LinkResponse {
  return bytes(utf8(JSON.stringify(value)), 'application/json', status)
}

/** An answer of bytes. */
export function bytes(body: Uint8Array, type: string, status = 200): LinkResponse & { body: Uint8Array } {
  const headers = { 'content-type': type, 'cache-control': 'no-store', [PROTOCOL_HEADER]: PROTOCOL }
  return { status, headers, body }
}

/** A refusal that says no more than its status: the same bytes for everyone and every reason. @see RFC 9457 */
export function refusal(status: number, title: string): LinkResponse & { body: Uint8Array } {
  return bytes(utf8(JSON.stringify({ title, status })), 'application/problem+json', status)
}

/** For what does not exist and for what this reader may not know to exist. */
export const notFound = (): LinkResponse => refusal(404, 'Not found')
