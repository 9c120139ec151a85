/** Work on the same ids goes one after the other; work on different ids side by side. */
export class TurnsById {
  readonly #inFlight = new Map<string, Promise<unknown>>()

  async take<T>(ids: readonly string[], work: () => Promise<T>): Promise<T> {
    for (;;) {
      const others = new Set(ids.flatMap((id) => this.#inFlight.get(id) ?? []))
      if (others.size === 0) break
      await Promise.allSettled(others)
    }
    const running = work()
    for (const id of ids) this.#inFlight.set(id, running)
    try {
      return await running
    } finally {
      for (const id of ids) this.#inFlight.delete(id)
    }
  }
}
