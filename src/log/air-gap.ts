/**
 * Content of an air-gap file, before it is encrypted to its reader: a line of header, then parts. A part of entries is a
 * line of JSON followed by frames; a part of statements is a line alone.
 *
 *     noroshi/air-gap/v1
 *     {"charters":[…],"snapshot":{…}}
 *     {"checkpoint":"noroshi/v1/…","from":0,"log":"af77…","to":8}
 *     <frames of entries 0 to 7>{"statements":[…]}
 * @see docs/wire.md, Air-gap file
 */
import {
  canonicalJson,
  concat,
  isHash,
  isJsonObject,
  type Json,
  type JsonObject,
  type LogId,
  parseJson,
  utf8,
} from '#base'
import { LogError } from './error.ts'
import { hasExactly, isCount } from './fields.ts'
import { encodeFrame, type Frame, readFrame } from './frames.ts'
import { type Envelope, parseEnvelope } from './statement.ts'

/** Entries [from, to) of a log under the checkpoint of size `to`. */
export interface AirGapEntries {
  log: LogId
  from: number
  to: number
  /** Signed note of size `to`. */
  checkpoint: string
  frames: Frame[]
}

/** What stands before the parts. */
export interface AirGapHeader {
  /** Full snapshot for the reader. */
  snapshot: Envelope
  charters: { charter: JsonObject; votes: Envelope[] }[]
  /** Delegations and ends of the author's keys that no charter lists yet; left out where there are none. */
  keys?: Envelope[]
}

/** A line after the header: what the frames that follow it are, or the statements. */
export type AirGapLine = { part: Omit<AirGapEntries, 'frames'> } | { statements: Envelope[] }

/** What an air-gap file carries. */
export interface AirGapFile extends AirGapHeader {
  /** Ascending by log and `from`. */
  parts: AirGapEntries[]
  /** Receipts and acknowledgements. */
  statements: Envelope[]
}

/** The first bytes of an air-gap file. */
export const AIR_GAP_MAGIC: Uint8Array = utf8('noroshi/air-gap/v1\n')
/** Longest line of JSON, in bytes: a snapshot of 400,000 logs. */
export const AIR_GAP_LINE_BYTES = 67_108_864
const NEWLINE = 0x0a

/** The bytes of an air-gap file, to be encrypted to its reader. */
export function encodeAirGap(file: AirGapFile): Uint8Array {
  const chunks = [AIR_GAP_MAGIC, encodeAirGapHeader(file)]
  for (const { frames, ...part } of file.parts) chunks.push(encodeAirGapLine({ part }), ...frames.map(encodeFrame))
  if (file.statements.length > 0) chunks.push(encodeAirGapLine({ statements: file.statements }))
  return concat(...chunks)
}

/** The line of the header. */
export function encodeAirGapHeader({ snapshot, charters, keys }: AirGapHeader): Uint8Array {
  return line({ snapshot, charters, ...(keys && keys.length > 0 ? { keys } : {}) })
}

/** The line before a part's frames, or that of the statements. */
export function encodeAirGapLine(one: AirGapLine): Uint8Array {
  if ('statements' in one) return line({ statements: one.statements })
  const { log, from, to, checkpoint } = one.part
  return line({ log, from, to, checkpoint })
}

/**
 * Reads an air-gap file. Only its form is checked here: signatures, checkpoints and roots are for the reader to verify as
 * on a link.
 * @throws LogError AIR_GAP_INVALID, FRAME_INVALID, STATEMENT_INVALID
 */
export function decodeAirGap(bytes: Uint8Array): AirGapFile {
  if (
    !Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      .subarray(0, AIR_GAP_MAGIC.length)
      .equals(AIR_GAP_MAGIC)
  )
    throw invalid('does not begin as an air-gap file of version 1; is it still encrypted?')
  let at = AIR_GAP_MAGIC.length
  const next = (): Uint8Array => {
    const end = bytes.indexOf(NEWLINE, at)
    if (end < 0) throw invalid('ends in the middle of a line')
    const found = bytes.subarray(at, end)
    at = end + 1
    return found
  }
  const file: AirGapFile = { ...decodeAirGapHeader(next()), parts: [], statements: [] }
  while (at < bytes.length) {
    const head = decodeAirGapLine(next())
    if (file.statements.length > 0) throw invalid('has a part after its statements')
    if ('statements' in head) {
      file.statements = head.statements
      continue
    }
    const part: AirGapEntries = { ...head.part, frames: [] }
    for (let index = part.from; index < part.to; index++) {
      const { frame, end } = readFrame(bytes, at)
      part.frames.push(frame)
      at = end
    }
    const last = file.parts.at(-1)
    requireAscending(last, part)
    file.parts.push(part)
  }
  return file
}

/** The parts of a file ascend. @throws LogError AIR_GAP_INVALID */
export function requireAscending(
  last: Pick<AirGapEntries, 'log' | 'to'> | undefined,
  part: Pick<AirGapEntries, 'log' | 'from'>,
): void {
  if (last && (part.log < last.log || (part.log === last.log && part.from < last.to)))
    throw invalid('has parts that do not ascend by log and `from`')
}

/** The header out of its line, without the line's end. @throws LogError AIR_GAP_INVALID, STATEMENT_INVALID */
export function decodeAirGapHeader(bytes: Uint8Array): AirGapHeader {
  const value = jsonOf(bytes)
  const { snapshot, charters, keys } = value
  const names = keys === undefined ? ['snapshot', 'charters'] : ['snapshot', 'charters', 'keys']
  if (!hasExactly(value, names) || !Array.isArray(charters)) throw invalid('has no header of `snapshot` and `charters`')
  return {
    ...(keys === undefined ? {} : { keys: envelopes(keys) }),
    snapshot: parseEnvelope(snapshot),
    charters: charters.map((item) => {
      if (!hasExactly(item, ['charter', 'votes']) || !isJsonObject(item['charter']))
        throw invalid('has a charter that is not {charter, votes}')
      return { charter: item['charter'], votes: envelopes(item['votes']) }
    }),
  }
}

/** What a line after the header says, without the line's end. @throws LogError AIR_GAP_INVALID, STATEMENT_INVALID */
export function decodeAirGapLine(bytes: Uint8Array): AirGapLine {
  const value = jsonOf(bytes)
  if (hasExactly(value, ['statements'])) return { statements: envelopes(value['statements']) }
  const { log, from, to, checkpoint } = value
  if (!hasExactly(value, ['log', 'from', 'to', 'checkpoint']) || !isHash(log) || typeof checkpoint !== 'string')
    throw invalid('has a part that is not {log, from, to, checkpoint}')
  if (!isCount(from) || !isCount(to) || from >= to) throw invalid('has a part whose `from` is not below its `to`')
  return { part: { log, from, to, checkpoint } }
}

function envelopes(value: Json | undefined): Envelope[] {
  if (!Array.isArray(value)) throw invalid('has statements that are no array')
  return value.map((item) => parseEnvelope(item))
}

function jsonOf(bytes: Uint8Array): JsonObject {
  let value: Json
  try {
    value = parseJson(bytes, { maxBytes: AIR_GAP_LINE_BYTES })
  } catch (cause) {
    throw new LogError('AIR_GAP_INVALID', `The air-gap file has a line that is refused: ${(cause as Error).message}`, {
      cause,
    })
  }
  if (!isJsonObject(value)) throw invalid('has a line that is no JSON object')
  return value
}

const line = (value: object) => utf8(`${canonicalJson(value as Json)}\n`)
const invalid = (what: string) => new LogError('AIR_GAP_INVALID', `The air-gap file ${what}`)
