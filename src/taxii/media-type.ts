/**
 * Media types as clients write them: with or without version, in lists with q-values, with spaces and quotes.
 * @see TAXII 2.1 section 1.6.8
 */

/** Media type of every answer. */
export const TAXII_TYPE = 'application/taxii+json;version=2.1'
/** Media type of the objects in collections. */
export const STIX_TYPE = 'application/stix+json;version=2.1'

const VERSION = '2.1'
const NAME = 'application/taxii+json'
/** How exactly a media range names ours. */
const RANGES: Readonly<Record<string, number>> = { '*/*': 1, 'application/*': 2, [NAME]: 3 }

interface MediaRange {
  name: string
  version: string | undefined
  quality: number
}

/** Whether an Accept header takes TAXII 2.1; an absent one takes everything. The most exact range decides. */
export function acceptsTaxii(header: string | undefined): boolean {
  if (header === undefined || header.trim() === '') return true
  const ranks = header
    .split(',')
    .map(parseRange)
    .filter(({ version }) => version === undefined || version === VERSION)
    .map(({ name, version, quality }) => ({ rank: (RANGES[name] ?? 0) * 2 + (version ? 1 : 0), quality }))
    .filter(({ rank }) => rank > 1)
  const best = Math.max(0, ...ranks.map(({ rank }) => rank))
  return ranks.some(({ rank, quality }) => rank === best && quality > 0)
}

/** Whether a Content-Type header names TAXII 2.1, with or without its version. */
export function isTaxiiType(header: string | undefined): boolean {
  const { name, version } = parseRange(header ?? '')
  return name === NAME && (version === undefined || version === VERSION)
}

function parseRange(text: string): MediaRange {
  const [name = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase())
  const range: MediaRange = { name, version: undefined, quality: 1 }
  for (const parameter of parameters) {
    const [key = '', value = ''] = parameter.split('=').map((part) => part.trim().replace(/^"(.*)"$/, '$1'))
    if (key === 'version') range.version = value
    if (key === 'q') range.quality = Number.isFinite(Number(value)) ? Number(value) : 0
  }
  return range
}
