/**
 * A server that does not know `next` answers the same page again, with `more` still true; and one that reads `added_after`
 * as "at or after" answers rows of the page before. What has come is left out; a page with nothing new is the sign to go
 * on another way, or to stop.
 * @see https://github.com/OpenCTI-Platform/opencti/issues/7789, https://github.com/OpenCTI-Platform/connectors/issues/7604
 */
export class SeenRows {
  #keys: Set<string>

  constructor(keys: readonly string[] = []) {
    this.#keys = new Set(keys)
  }

  get isEmpty(): boolean {
    return this.#keys.size === 0
  }

  /** The rows that have not come before. */
  fresh<Row extends { key: string }>(rows: readonly Row[]): Row[] {
    return rows.filter(({ key }) => !this.#keys.has(key))
  }

  /** Remembers the rows of a page, and forgets the others where a later page can't repeat them. */
  keep(rows: readonly { key: string }[], isMore: boolean): void {
    const keys = rows.map(({ key }) => key)
    this.#keys = new Set(isMore ? [...this.#keys, ...keys] : keys)
  }

  /** At most so many of them, the latest. */
  last(count: number): string[] {
    return [...this.#keys].slice(-count)
  }
}
