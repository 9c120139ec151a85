import type { Json, LogId } from '#base'

/** Names of the events on `/api/v1/events`. */
export type LiveEventName =
  | 'published'
  | 'mirrored'
  | 'armed'
  | 'hit'
  | 'link'
  | 'drill'
  | 'alarm'
  | 'recalled'
  | 'alliance'

/** One live event; with a log, whoever may read the log may hear of it; without one, only the operator. */
export interface LiveEvent {
  name: LiveEventName
  log?: LogId
  data: Json
}

/** Hands live events to open streams; a slow reader loses events, never holds up the node. */
export class EventHub {
  readonly #listeners = new Set<(event: LiveEvent) => void>()

  get size(): number {
    return this.#listeners.size
  }

  emit(event: LiveEvent): void {
    for (const listener of this.#listeners) listener(event)
  }

  /** Calls the listener for every event until the returned function is called. */
  listen(listener: (event: LiveEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}
