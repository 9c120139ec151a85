import { parseTimestamp } from '#base'

/**
 * Dates added that are no timestamps of TAXII. With an offset (`+00:00`), as Python writes them: sent back so, the plus
 * becomes a space and the server refuses it. And as JavaScript prints a date (`Thu Feb 20 2020 22:10:20 GMT+0000 …`), as
 * the server of ATT&CK did. @see https://github.com/OpenCTI-Platform/opencti/issues/5681,
 * https://github.com/mitre-attack/attack-workbench-taxii-server/issues/32
 */
export function addedAfterOf(header: string | null): string | undefined {
  if (header === null) return undefined
  const text = header.trim().replace(/[+-]00:?00$/, 'Z')
  if (parseTimestamp(text)) return text
  const ms = header.length <= LONGEST ? Date.parse(header) : Number.NaN
  return Number.isNaN(ms) || ms < 0 || ms > LATEST_MS ? undefined : new Date(ms).toISOString()
}

/** Characters of the longest date that is read. */
const LONGEST = 100
/** The end of the year 9999, which timestamps of four digits reach. */
const LATEST_MS = 253_402_300_799_999
