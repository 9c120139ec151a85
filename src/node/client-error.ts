import type { Socket } from 'node:net'

/** What HTTP itself could not read, by the code that Node gives it; anything else is a bad request. */
const KNOWN: Readonly<Record<string, readonly [status: number, title: string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'Request header fields too large'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'Request timeout'],
}

/**
 * Answers a request that broke off before any route: as problem details whose members are a TAXII error resource too,
 * because the address may not have been read. @see RFC 9457, TAXII 2.1 section 3.6.1
 */
export function answerClientError(error: { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return
  if (socket.writable) {
    const [status, title] = KNOWN[error.code ?? ''] ?? [400, 'Bad request']
    const body = JSON.stringify({ title, status, http_status: String(status) })
    const lines = [
      `HTTP/1.1 ${status} ${title}`,
      'content-type: application/problem+json',
      `content-length: ${Buffer.byteLength(body)}`,
      'connection: close',
    ]
    socket.write(`${lines.join('\r\n')}\r\n\r\n${body}`)
  }
  socket.destroySoon()
}
