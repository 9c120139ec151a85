import type { JsonObject } from '#base'
import type { LossReport } from './loss.ts'

/** Names of the formats that can be read. */
export type ImportFormat = 'misp' | 'csv' | 'xlsx' | 'text' | 'shadowserver'

/** Names of the formats that can be written. */
export type ExportFormat = 'misp' | 'csv' | 'xlsx' | 'stix' | 'text'

/** What a reader is told besides the bytes. */
export interface ReadContext {
  /** Says where the content is from; part of the ids that are made, so that two sources never meet in one object. */
  source: string
  /** RFC 3339 time for content that carries none. */
  now: string
  losses: LossReport
  /** Encoding of a table or text, instead of the one that is recognised. */
  encoding?: string
  /** Takes proposals to MISP events too, as notes. */
  proposals?: boolean
}

/** An organisation that the input names as one to share with, such as in a sharing group of MISP. */
export interface SharedWith {
  name: string
  /** Empty where the input has none. */
  uuid: string
}

/** What a format's reader understood. */
export interface Reading {
  objects: JsonObject[]
  /** First rows of what was understood, for a person to check: one line each. */
  preview: string[]
  /** What was noticed about the whole: encoding, delimiter, columns, distribution. */
  notes: string[]
  /** Whom the input itself names as recipients: a suggestion, which decides nothing. */
  sharedWith?: SharedWith[]
}

/** A format that can be read; a new one is a file in `formats/` and a line in `registry.ts`. */
export interface Reader {
  name: ImportFormat
  /** Whether the input is of this format, by its first bytes, in an encoding that may be named. */
  detects(bytes: Uint8Array, encoding?: string): boolean
  /** @throws EXCHANGE_SYNTAX, EXCHANGE_ENCODING, EXCHANGE_TOO_LARGE, EXCHANGE_EMPTY */
  read(bytes: Uint8Array, context: ReadContext): Reading
}

/** A written export: its text, or its bytes where it is none, and what did not fit into the format. */
export interface Writing {
  text: string
  bytes?: Uint8Array
  losses: LossReport
}

/** A format that can be written; a new one is a file in `formats/` and a line in `registry.ts`. */
export interface Writer {
  name: ExportFormat
  write(objects: readonly JsonObject[], context: { now: string }): Writing
}
