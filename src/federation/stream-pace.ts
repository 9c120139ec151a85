import type { Context } from './context.ts'
import type { StreamEvent } from './event-stream.ts'

/** Bytes of events that one peer's stream brings per second on average; the largest snapshots and a busy hour fit in. */
const BYTES_PER_SECOND = 2 * 1_024 * 1_024
/** What may come at once. */
const BURST_BYTES = 64 * 1_024 * 1_024
/** What an event costs besides its bytes. */
const EVENT_BYTES = 1_024

/** Events as they come, and no faster than one peer may bring them: what it sends on waits in its own socket. */
export async function* paced(
  { now, timers }: Pick<Context, 'now' | 'timers'>,
  events: AsyncIterable<StreamEvent>,
): AsyncGenerator<StreamEvent> {
  let [left, at] = [BURST_BYTES, now()]
  for await (const event of events) {
    const passed = Math.max(0, now() - at) / 1_000
    left = Math.min(BURST_BYTES, left + passed * BYTES_PER_SECOND) - EVENT_BYTES - event.data.length
    at = now()
    if (left < 0) {
      const waitMs = Math.ceil((-left / BYTES_PER_SECOND) * 1_000)
      await new Promise<void>((resolve) => timers.set(waitMs, resolve))
    }
    yield event
  }
}
