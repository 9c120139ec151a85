import type { JsonObject } from '#base'
import { toTimestamp } from '#base'
import { LineScan } from './atoms/line-scan.ts'
import type { Detector } from './detector.ts'
import type { Format, Origin } from './event.ts'
import { type BadLine, formatsFor, LINE_MAX, readLine } from './formats/registry.ts'
import type { Hit, HitEnd } from './rule.ts'

/** Most bad lines listed by number; the rest is counted. */
export const BAD_LINES_MAX = 1_000

/** What happened to the lines of one input. */
export interface MatchReport {
  lines: number
  events: number
  hits: number
  badLines: number
  /** The first bad lines: number (from 1) and reason. */
  bad: { line: number; reason: BadLine }[]
}

const NO_BYTES = new Uint8Array(0)

/** Input of one file or request. */
export interface MatchInput {
  /** One of `FORMAT_NAMES`; `auto` tells each line's format by its content. */
  format?: string
  file?: string
  /**
   * Whose telemetry it is: events of two streams never stand in one match. Where it is given, events that name no host
   * or sensor are the stream's; else they are the file's.
   */
  stream?: string
  /** A part of the stream that stands for itself, such as a run of a drill. */
  part?: string
}

/**
 * Matches telemetry as it comes in, in chunks of bytes cut anywhere. Memory does not grow with the input.
 * @throws DetectError DETECT_FORMAT_UNKNOWN
 * @example
 * const matcher = new LineMatcher(detector, { format: 'zeek' })
 * for await (const chunk of stream) report(matcher.push(chunk))
 * report(matcher.end())
 */
export class LineMatcher {
  readonly report: MatchReport = { lines: 0, events: 0, hits: 0, badLines: 0, bad: [] }
  readonly #detector: Detector
  readonly #formats: readonly Format[]
  readonly #file: string | undefined
  readonly #origin: Origin
  /** Only where every JSON object counts as an event can the scan stand in for reading it. */
  readonly #scan: LineScan | undefined
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  #rest: Uint8Array = NO_BYTES
  #skipping = false

  constructor(detector: Detector, { format = 'auto', file, stream, part = '' }: MatchInput = {}) {
    this.#detector = detector
    this.#formats = formatsFor(format)
    this.#file = file
    const unnamed = stream === undefined && file !== undefined ? `file ${file}` : ''
    this.#origin = { stream: stream ?? '', part, unnamed }
    this.#scan = format === 'auto' ? new LineScan(detector.atoms) : undefined
  }

  /** Hits of the lines that this chunk completes. */
  push(chunk: Uint8Array): Hit[] {
    const hits: Hit[] = []
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      if (this.#skipping) this.#skipping = false
      else if (this.#rest.length > 0) {
        const line = joined(this.#rest, chunk.subarray(0, end))
        this.#rest = NO_BYTES
        this.#line(line, 0, line.length, hits)
      } else this.#line(chunk, start, end, hits)
      start = end + 1
    }
    this.#keep(chunk.subarray(start))
    this.report.hits += hits.length
    return hits
  }

  /** Hits of a last line without a line break. */
  end(): Hit[] {
    const hits: Hit[] = []
    if (this.#rest.length > 0 && !this.#skipping) this.#line(this.#rest, 0, this.#rest.length, hits)
    this.#rest = NO_BYTES
    this.report.hits += hits.length
    return hits
  }

  #keep(rest: Uint8Array): void {
    if (this.#skipping) return
    if (this.#rest.length + rest.length > LINE_MAX) {
      this.#bad('too-long', ++this.report.lines)
      this.#skipping = true
      this.#rest = NO_BYTES
    } else if (rest.length > 0) this.#rest = joined(this.#rest, rest)
  }

  #line(bytes: Uint8Array, from: number, to: number, hits: Hit[]): void {
    let start = from
    let end = to
    while (end > start && bytes[end - 1]! <= SPACE) end--
    while (start < end && bytes[start]! <= SPACE) start++
    const line = ++this.report.lines
    if (line === 1 && bytes[start] === 0xef && bytes[start + 1] === 0xbb && bytes[start + 2] === 0xbf) start += 3
    if (start === end) return
    if (end - start > LINE_MAX) return this.#bad('too-long', line)
    if (this.#scan && !this.#detector.needsEveryEvent && this.#scan.scan(bytes, start, end) === 'nothing') {
      this.report.events++
      return
    }
    const written = bytes.subarray(start, end)
    const text = this.#decoder.decode(written)
    const event = readLine(this.#formats, text, this.#file === undefined ? { line } : { file: this.#file, line })
    if (typeof event === 'string') return this.#bad(event, line)
    this.report.events++
    if (event.format.verbatim && isLiteral(written, text)) event.written = written
    event.origin = this.#origin
    this.#detector.matchEvent(event, hits)
  }

  #bad(reason: BadLine, line: number): void {
    this.report.badLines++
    if (this.report.bad.length < BAD_LINES_MAX) this.report.bad.push({ line, reason })
  }
}

const NEWLINE = 10
const SPACE = 32

/**
 * Whether each ASCII letter of the line's values stands in it as itself: there is no `\u`, and no character that
 * lower-casing takes for an ASCII letter.
 */
function isLiteral(line: Uint8Array, text: string): boolean {
  if (text.includes('\\u')) return false
  // As long in bytes as in characters: all of it is ASCII, or not UTF-8.
  return text.length === line.length || !/[\u0130\u017f\u212a]/.test(text)
}

function joined(head: Uint8Array, tail: Uint8Array): Uint8Array {
  const both = new Uint8Array(head.length + tail.length)
  both.set(head)
  both.set(tail, head.length)
  return both
}

/** Hits of lines that are texts already. */
export function* matchLines(
  detector: Detector,
  lines: Iterable<string>,
  input: MatchInput = {},
): Generator<Hit, MatchReport> {
  const matcher = new LineMatcher(detector, input)
  const encoder = new TextEncoder()
  for (const line of lines) yield* matcher.push(encoder.encode(`${line}\n`))
  yield* matcher.end()
  return matcher.report
}

/** One hit as `noroshi match` prints it; `events`, `first` and `last` where it took several events. @see DESIGN section 9 */
export function toHitLine({ id, kind, event, time, value, span }: Hit): JsonObject {
  return {
    [kind === 'sigma' ? 'rule' : 'indicator']: id,
    event: toRef(event),
    time: time === undefined ? null : toTimestamp(time),
    value,
    ...(span === undefined ? {} : { events: span.events, first: toEnd(span.first), last: toEnd(span.last) }),
  }
}

const toRef = ({ file, line }: Hit['event']): JsonObject => ({ ...(file === undefined ? {} : { file }), line })

const toEnd = ({ time, event }: HitEnd): JsonObject => ({ time: toTimestamp(time), event: toRef(event) })
