import type { IncomingMessage } from 'node:http'

/** How much of a body that is refused is read and let go, and for how long. */
const PASSED_OVER_BYTES = 536_870_912
const PASSED_OVER_MS = 30_000

/**
 * Reads the rest of a body that was refused, and lets it go: a client that is cut off while it still writes sees a broken
 * connection, and never the answer that says why.
 */
export async function passOverBody(request: IncomingMessage): Promise<void> {
  if (request.complete || request.destroyed) return
  await new Promise<void>((resolve) => {
    let left = PASSED_OVER_BYTES
    const timer = setTimeout(done, PASSED_OVER_MS)
    function take(chunk: Buffer): void {
      left -= chunk.length
      if (left < 0) done()
    }
    function done(): void {
      clearTimeout(timer)
      request.off('data', take)
      resolve()
    }
    request.on('data', take)
    for (const end of ['end', 'close', 'error']) request.once(end, done)
    request.resume()
  })
}
