/**
 * The manifest of a MISP feed: what events there are, each in a file of its own beside it.
 *
 * `{"5e6a…": {"info": "Beaconing", "timestamp": "1768446000", "date": "2026-01-15", "Orgc": {…}, "Tag": […]}}` says that
 * `5e6a….json` holds that event, and when it last changed.
 * @see https://www.misp-standard.org/rfc/misp-standard-core.html#name-manifest
 */
import { ExchangeError } from '../error.ts'
import { isObject, textOf, timeAt } from '../fields.ts'
import { parseForeignJson } from '../json-input.ts'
import type { LossReport } from '../loss.ts'

/** One event of a feed. */
export interface FeedEntry {
  uuid: string
  info: string
  /** RFC 3339 time of its last change; absent where the manifest has none. */
  modified?: string
}

/** Events of one manifest that are read. */
const ENTRIES_MAX = 100_000
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/**
 * The events that a manifest lists, the newest first. A name that is no uuid is left out, so that no file outside of the
 * feed is ever read.
 * @throws EXCHANGE_SYNTAX, EXCHANGE_TOO_LARGE, EXCHANGE_ENCODING
 */
export function parseManifest(bytes: Uint8Array, losses: LossReport): FeedEntry[] {
  const json = parseForeignJson(bytes)
  if (!isObject(json) || Object.values(json).some((one) => !isObject(one)))
    throw new ExchangeError('EXCHANGE_SYNTAX', 'The manifest is no JSON object of events by their uuids.')
  const all = Object.entries(json)
  if (all.length > ENTRIES_MAX)
    losses.add('manifest.json', `only the first ${ENTRIES_MAX} of its ${all.length} events are read`)
  const entries = all.slice(0, ENTRIES_MAX).flatMap(([uuid, entry]): FeedEntry[] => {
    if (!UUID.test(uuid) || !isObject(entry)) {
      losses.add(`manifest.json ${uuid.slice(0, 60)}`, 'it is no uuid, so no event of this feed')
      return []
    }
    const modified = timeAt(entry, 'timestamp')
    return [{ uuid: uuid.toLowerCase(), info: textOf(entry, 'info'), ...(modified === undefined ? {} : { modified }) }]
  })
  return entries.sort((a, b) => (a.modified === b.modified ? 0 : (a.modified ?? '') < (b.modified ?? '') ? 1 : -1))
}
