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

/** What an air-gap file carries. */
export interface AirGapFile {
  /** Full snapshot for the reader. */
  snapshot: Envelope
  charters: { charter: JsonObject; votes: Envelope[] }[]
  /** Ascending by log and `from`. */
  parts: AirGapEntries[]
  /** Receipts and acknowledgements. */
  statements: Envelope[]
}

const MAGIC = utf8('noroshi/air-gap/v1\n')
/** Longest line of JSON, in bytes: a snapshot of 400,000 logs. */
const LINE_MAX_BYTES = 67_108_864
const NEWLINE = 0x0a

/** The bytes of an air-gap file, to be encrypted to its reader. */
export function encodeAirGap(file: AirGapFile): Uint8Array {
  const chunks = [MAGIC, line({ snapshot: file.snapshot, charters: file.charters })]
  for (const { log, from, to, checkpoint, frames } of file.parts)
    chunks.push(line({ log, from, to, checkpoint }), ...frames.map(encodeFrame))
  if (file.statements.length > 0) chunks.push(line({ statements: file.statements }))
  return concat(...chunks)
}

/**
 * Reads an air-gap file. Only its form is checked here: signatures, checkpoints and roots are for the reader to verify as
 * on a link.
 * @throws LogError AIR_GAP_INVALID, FRAME_INVALID, STATEMENT_INVALID
 */
export function decodeAirGap(bytes: Uint8Array): AirGapFile {
  if (!Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).subarray(0, MAGIC.length).equals(MAGIC))
    throw invalid('does not begin as an air-gap file of version 1; is it still encrypted?')
  let at = MAGIC.length
  const next = (): JsonObject => {
    const end = bytes.indexOf(NEWLINE, at)
    if (end < 0) throw invalid('ends in the middle of a line')
    const value = jsonOf(bytes.subarray(at, end))
    at = end + 1
    return value
  }
  const file: AirGapFile = { ...headerOf(next()), parts: [], statements: [] }
  while (at < bytes.length) {
    const head = next()
    if (file.statements.length > 0) throw invalid('has a part after its statements')
    if (hasExactly(head, ['statements'])) {
      file.statements = envelopes(head['statements'])
      continue
    }
    const part = partOf(head)
    for (let index = part.from; index < part.to; index++) {
      const { frame, end } = readFrame(bytes, at)
      part.frames.push(frame)
      at = end
    }
    const last = file.parts.at(-1)
    if (last && (part.log < last.log || (part.log === last.log && part.from < last.to)))
      throw invalid('has parts that do not ascend by log and `from`')
    file.parts.push(part)
  }
  return file
}

function headerOf(value: JsonObject): Pick<AirGapFile, 'snapshot' | 'charters'> {
  const { snapshot, charters } = value
  if (!hasExactly(value, ['snapshot', 'charters']) || !Array.isArray(charters))
    throw invalid('has no header of `snapshot` and `charters`')
  return {
    snapshot: parseEnvelope(snapshot),
    charters: charters.map((item) => {
      if (!hasExactly(item, ['charter', 'votes']) || !isJsonObject(item['charter']))
        throw invalid('has a charter that is not {charter, votes}')
      return { charter: item['charter'], votes: envelopes(item['votes']) }
    }),
  }
}

function partOf(value: JsonObject): AirGapEntries {
  const { log, from, to, checkpoint } = value
  if (!hasExactly(value, ['log', 'from', 'to', 'checkpoint']) || !isHash(log) || typeof checkpoint !== 'string')
    throw invalid('has a part that is not {log, from, to, checkpoint}')
  if (!isCount(from) || !isCount(to) || from >= to) throw invalid('has a part whose `from` is not below its `to`')
  return { log, from, to, checkpoint, frames: [] }
}

function envelopes(value: Json | undefined): Envelope[] {
  if (!Array.isArray(value)) throw invalid('has statements that are no array')
  return value.map((item) => parseEnvelope(item))
}

function jsonOf(bytes: Uint8Array): JsonObject {
  let value: Json
  try {
    value = parseJson(bytes, { maxBytes: LINE_MAX_BYTES })
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
