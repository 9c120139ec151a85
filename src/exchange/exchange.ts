import type { JsonObject } from '#base'
import { admissible } from './admission.ts'
import { encodeText } from './encoder.ts'
import { ExchangeError } from './error.ts'
import type { ExportFormat, ImportFormat, SharedWith, Writing } from './format.ts'
import { INPUT_MAX_BYTES } from './limits.ts'
import { type Loss, LossReport } from './loss.ts'
import { READERS, WRITERS } from './registry.ts'

/** How an input is to be read. */
export interface ReadOptions {
  format?: ImportFormat | 'auto'
  /** Says where the content is from, such as a file's name. */
  source: string
  /** RFC 3339 time for content that carries none. */
  now: string
  /** Leaves objects as they were translated, also where they are not valid STIX, as some of MISP's own converters are. */
  asTranslated?: boolean
  /** Encoding of a table or text, one of `ENCODINGS`, instead of the one that is recognised. */
  encoding?: string
  /** Takes proposals to MISP events too, as notes that detect nothing. */
  proposals?: boolean
}

/** What was understood of an input. */
export interface Understood {
  format: ImportFormat
  objects: JsonObject[]
  /** Objects by type. */
  counts: Record<string, number>
  preview: string[]
  notes: string[]
  /** Whom the input itself names as recipients. */
  sharedWith: SharedWith[]
  losses: { total: number; listed: Loss[] }
}

/**
 * Reads an input of any known format into STIX 2.1 objects, with a report of what was not taken and why. The same
 * input, source and time give the same objects.
 * @throws EXCHANGE_TOO_LARGE, EXCHANGE_FORMAT_UNKNOWN, EXCHANGE_SYNTAX, EXCHANGE_ENCODING, EXCHANGE_EMPTY
 */
export function readInput(bytes: Uint8Array, { format = 'auto', asTranslated, ...how }: ReadOptions): Understood {
  if (bytes.length > INPUT_MAX_BYTES)
    throw new ExchangeError(
      'EXCHANGE_TOO_LARGE',
      `The input has ${bytes.length} bytes, more than ${INPUT_MAX_BYTES}; split it.`,
    )
  if (bytes.length === 0) throw new ExchangeError('EXCHANGE_EMPTY', 'The input is empty.')
  const reader = READERS.find((one) => (format === 'auto' ? one.detects(bytes, how.encoding) : one.name === format))
  if (!reader)
    throw new ExchangeError(
      'EXCHANGE_FORMAT_UNKNOWN',
      `No format ${format}; known are ${READERS.map(({ name }) => name).join(', ')}.`,
    )
  const losses = new LossReport()
  const { objects: translated, preview, notes, sharedWith = [] } = reader.read(bytes, { ...how, losses })
  const objects = asTranslated ? translated : admissible(translated, losses)
  const counts: Record<string, number> = {}
  for (const { type } of objects) counts[String(type)] = (counts[String(type)] ?? 0) + 1
  return {
    format: reader.name,
    objects,
    counts,
    preview,
    notes,
    sharedWith,
    losses: { total: losses.total, listed: losses.listed },
  }
}

/**
 * Writes STIX 2.1 objects in another format, with a report of what does not fit into it; `encoding` is for CSV and text.
 * @throws EXCHANGE_FORMAT_UNKNOWN, EXCHANGE_ENCODING
 */
export function writeOutput(
  objects: readonly JsonObject[],
  format: ExportFormat,
  { encoding, ...context }: { now: string; encoding?: string },
): Writing {
  const writer = WRITERS.find(({ name }) => name === format)
  if (!writer)
    throw new ExchangeError(
      'EXCHANGE_FORMAT_UNKNOWN',
      `No format ${format}; known are ${WRITERS.map(({ name }) => name).join(', ')}.`,
    )
  const named = objects.filter(({ id, type }) => typeof id === 'string' && typeof type === 'string')
  const writing = writer.write(named, context)
  if (named.length < objects.length)
    writing.losses.add('objects', `${objects.length - named.length} without an id or a type`)
  if (encoding === undefined) return writing
  if (format !== 'csv' && format !== 'text')
    throw new ExchangeError('EXCHANGE_ENCODING', `${format} has one encoding only; leave --encoding out.`)
  return { ...writing, bytes: encodeText(writing.text, encoding, writing.losses) }
}
