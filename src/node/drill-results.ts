import type { Json, JsonObject } from '#base'
import type { Store } from '#store'
import type { NodeEvents } from './events.ts'

/** A drill as its director stored it. */
export interface DrillResult {
  title?: Json
  state: 'running' | 'passed' | 'failed'
  started?: number
  exposure?: Json[]
  metrics?: Json
  reports?: { html?: string; markdown?: string; json?: Json }
}

const COLLECTION = 'drills'

/** Keeps the results of drills; whatever members of its body a director stores come back. */
export class DrillResults {
  readonly #store: Store
  readonly #events: NodeEvents
  readonly #now: () => number

  constructor(options: { store: Store; events: NodeEvents; now: () => number }) {
    this.#store = options.store
    this.#events = options.events
    this.#now = options.now
  }

  async store(id: string, result: DrillResult): Promise<void> {
    const known = await this.find(id)
    const value = { ...result, started: result.started ?? known?.started ?? this.#now() }
    await this.#store.commit([{ op: 'put', collection: COLLECTION, key: id, value: value as unknown as JsonObject }])
    this.#events.drillStored(id, result.state)
  }

  async find(id: string): Promise<(DrillResult & { id: string }) | undefined> {
    const value = await this.#store.record<JsonObject>(COLLECTION, id)
    return value && { id, ...(value as unknown as DrillResult) }
  }

  /** All drills without their reports, newest first. */
  async list(): Promise<(Omit<DrillResult, 'reports'> & { id: string; reportUrl?: string })[]> {
    const rows = await Array.fromAsync(this.#store.records<JsonObject>(COLLECTION))
    return rows
      .map(({ key, value }) => {
        const { reports, ...drill } = value as unknown as DrillResult
        return {
          id: key,
          ...drill,
          ...(reports?.html === undefined ? {} : { reportUrl: `/api/v1/drills/${key}/report.html` }),
        }
      })
      .sort((a, b) => (b.started ?? 0) - (a.started ?? 0))
  }

  async latest() {
    return (await this.list())[0] ?? null
  }
}
