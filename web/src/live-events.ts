import { useEffect, useState } from 'react'
import { askNode } from './node-api.ts'

const RECONNECT_MS = 2_000
/** Events come in bursts (a drill, a first sync): the page asks again at most this often. */
const SETTLE_MS = 400

/**
 * Listens to the node's events and calls `onNews` after each burst; returns whether the stream stands.
 *
 * Read with fetch, not EventSource, because the token travels in a header and never in an address.
 */
export function useLiveEvents(token: string, onNews: () => void): boolean {
  const [isLive, setLive] = useState(false)
  useEffect(() => {
    const stop = new AbortController()
    let timer: ReturnType<typeof setTimeout> | undefined
    const news = () => {
      timer ??= setTimeout(() => {
        timer = undefined
        onNews()
      }, SETTLE_MS)
    }
    const listen = async (): Promise<void> => {
      while (!stop.signal.aborted) {
        try {
          const response = await askNode('/api/v1/events', token, stop.signal)
          setLive(true)
          news()
          const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
          for (;;) {
            const read = await reader?.read()
            if (!read || read.done) break
            if (/^(event|data):/m.test(read.value)) news()
          }
        } catch {
          // The next round tries again; the header shows that the page is not live meanwhile.
        }
        setLive(false)
        await new Promise((resolve) => setTimeout(resolve, RECONNECT_MS))
      }
    }
    void listen()
    return () => {
      stop.abort()
      clearTimeout(timer)
    }
  }, [token, onNews])
  return isLive
}
