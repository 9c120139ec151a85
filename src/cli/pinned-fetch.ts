import { request } from 'node:https'
import { Readable } from 'node:stream'
import type { PinnedTls } from '#node'

/** Statuses whose answers have no body, which `Response` insists on. */
const BODILESS = [204, 205, 304]

/** `fetch` from a server that is recognised by its certificate alone; for requests of this command line. */
export function pinnedFetch(pinned: PinnedTls = { checkServerIdentity: () => undefined }): typeof fetch {
  return async (input, init = {}) => {
    const { method = 'GET', signal, body } = init
    return new Promise<Response>((resolve, reject) => {
      const sent = request(
        input instanceof Request ? input.url : input,
        {
          ...pinned,
          agent: false,
          method,
          headers: init.headers as Record<string, string>,
          ...(signal ? { signal } : {}),
        },
        (answer) => {
          const status = answer.statusCode ?? 0
          const headers = Object.entries(answer.headers).map(([name, value]): [string, string] => [name, String(value)])
          const isBodiless = BODILESS.includes(status)
          if (isBodiless) answer.resume()
          const stream = isBodiless ? null : (Readable.toWeb(answer) as ReadableStream<Uint8Array>)
          resolve(new Response(stream, { status, headers }))
        },
      )
      sent.on('error', reject)
      sendBody(sent, body).catch((cause: unknown) => sent.destroy(cause as Error))
    })
  }
}

async function sendBody(sent: ReturnType<typeof request>, body: RequestInit['body']): Promise<void> {
  if (body === undefined || body === null) {
    sent.end()
    return
  }
  if (typeof body === 'string' || body instanceof Uint8Array) {
    sent.end(body)
    return
  }
  for await (const chunk of new Response(body).body ?? [])
    if (!sent.write(chunk)) await new Promise((resolve) => sent.once('drain', resolve))
  sent.end()
}
