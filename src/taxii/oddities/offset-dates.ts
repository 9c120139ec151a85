import { parseTimestamp } from '#base'

/**
 * X-TAXII-Date-Added-Last with an offset (`+00:00`), as Python writes it. Sent back as it is, its plus becomes a space and
 * the server refuses it. @see https://github.com/OpenCTI-Platform/opencti/issues/5681
 */
export function addedAfterOf(header: string | null): string | undefined {
  const text = header?.trim().replace(/\+00:?00$/, 'Z')
  return text !== undefined && parseTimestamp(text) ? text : undefined
}
