/** Pages that are remembered by their rows. */
const REMEMBERED = 100_000
/** Times that a page with rows of an earlier one is borne with: a server that is written to may shift its rows. */
const BORNE = 3

/**
 * A server whose `next` leads in circles: it names one again that was followed, or shows pages again and again under new
 * names. @see https://github.com/OpenCTI-Platform/connectors/issues/1683
 */
export class Circles {
  readonly #nexts = new Set<string>()
  readonly #pages = new Set<string>()
  #repeated = 0

  /** Whether going on by this `next`, after these rows, would lead nowhere. */
  close(next: string, rows: readonly { key: string }[]): boolean {
    const page = `${rows.length} ${rows[0]?.key} ${rows.at(-1)?.key}`
    if (rows.length > 0 && this.#pages.has(page)) this.#repeated++
    if (this.#pages.size < REMEMBERED) this.#pages.add(page)
    if (this.#nexts.has(next) || this.#repeated >= BORNE) return true
    if (this.#nexts.size < REMEMBERED) this.#nexts.add(next)
    return false
  }

  clear(): void {
    this.#nexts.clear()
  }
}
