/** Objects of a page where the server finds its own pages too large, and the factor from there. */
const FIRST = 500
const SMALLER = 4
/** Larger pages that are asked for where one holds only objects with one date added. */
const LARGER = [1_000, 10_000]

/**
 * A smaller page, for a server that answers 413 or gigabytes; undefined where one object is too much already.
 * @see https://github.com/OpenCTI-Platform/connectors/issues/2747, https://github.com/OpenCTI-Platform/opencti/issues/8697
 */
export function smallerPage(limit: number | undefined): number | undefined {
  if (limit === 1) return undefined
  return limit === undefined ? FIRST : Math.max(1, Math.floor(limit / SMALLER))
}

/** A larger page; undefined where it is as large as servers take. */
export const largerPage = (limit: number | undefined, rows: number): number | undefined =>
  LARGER.find((size) => size > Math.max(limit ?? 0, rows))
