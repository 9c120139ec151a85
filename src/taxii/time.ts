import { parseTimestamp } from '#base'
import type { Micros } from '#store'
import { TaxiiError } from './error.ts'

const MICRO_DIGITS = 6
/** Decimals that STIX writes. */
const STIX_DIGITS = 3
const LAST_SECONDS = 253_402_300_799

/**
 * Microseconds since 1970 of a timestamp with any number of decimals, later ones cut.
 * @throws TaxiiError TAXII_BAD_REQUEST
 */
export function toMicros(text: string, what: string): Micros {
  const { seconds, fraction } = instantOf(text, what)
  return Math.max(0, seconds * 1_000_000 + Number(fraction.slice(0, MICRO_DIGITS).padEnd(MICRO_DIGITS, '0')))
}

/** A TAXII timestamp, with six decimals. @see TAXII 2.1 section 1.6.3 */
export function fromMicros(micros: Micros): string {
  const seconds = Math.min(Math.floor(micros / 1_000_000), LAST_SECONDS)
  const fraction = String(micros % 1_000_000).padStart(MICRO_DIGITS, '0')
  return `${new Date(seconds * 1_000).toISOString().slice(0, 19)}.${fraction}Z`
}

/**
 * Key of an object's version, equal for equal instants.
 * @throws TaxiiError TAXII_BAD_REQUEST
 */
export function versionKey(text: string): string {
  const { seconds, fraction } = instantOf(text, 'match[version]')
  const whole = new Date(seconds * 1_000).toISOString().slice(0, 19)
  return fraction === '' ? whole : `${whole}.${fraction}`
}

/** The timestamp of a version key, as STIX writes it. */
export function fromVersionKey(key: string): string {
  const [instant, fraction = ''] = key.split('.')
  return `${instant}.${fraction.padEnd(STIX_DIGITS, '0')}Z`
}

function instantOf(text: string, what: string) {
  // Some clients send back "+00:00", whose plus a query decodes to a space.
  const instant = parseTimestamp(text.toUpperCase().replace(/[+ -]00:00$/, 'Z'))
  if (instant) return instant
  throw new TaxiiError('TAXII_BAD_REQUEST', `${what} is no timestamp like 2026-01-01T00:00:00.000000Z.`)
}
