/**
 * A server that does not know `next` answers the same page again, with `more` still true; and one that reads `added_after`
 * as "at or after" answers rows of the page before. What came with the page before is left out; a page with nothing new is
 * the sign to go on another way, or to stop.
 * @see https://github.com/OpenCTI-Platform/opencti/issues/7789, https://github.com/OpenCTI-Platform/connectors/issues/7604
 */
export class LastPage {
  #keys = new Set<string>()

  /** Which of the objects did not come with the page before: their positions. */
  fresh(objects: readonly Record<string, unknown>[]): number[] {
    const keys = objects.map((object, i) =>
      typeof object['id'] === 'string' ? `${object['id']} ${String(object['modified'] ?? '')}` : `#${i}`,
    )
    const found = keys.flatMap((key, i) => (this.#keys.has(key) ? [] : [i]))
    if (found.length > 0) this.#keys = new Set(keys)
    return found
  }
}
