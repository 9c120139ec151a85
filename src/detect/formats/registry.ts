import type { Json, JsonObject } from '#base'
import { DetectError } from '../error.ts'
import { type Format, isObject, NormalEvent } from '../event.ts'
import type { EventRef } from '../rule.ts'
import { json } from './cloud.ts'
import { eve } from './eve.ts'
import { web } from './web.ts'
import { windows } from './windows.ts'
import { zeek } from './zeek.ts'

/** All formats, in the order in which `auto` asks them. */
const FORMATS: readonly Format[] = [windows, eve, zeek, web, json]

/** What `--format` takes. */
export const FORMAT_NAMES: readonly string[] = ['auto', ...FORMATS.map((format) => format.name)]

/** Longest line taken, in characters. */
export const LINE_MAX = 1_048_576

/** Why a line is no event. */
export type BadLine = 'too-long' | 'not-json' | 'not-an-object' | 'other-format'

/** The formats to try for a name. @throws DetectError DETECT_FORMAT_UNKNOWN */
export function formatsFor(name: string): readonly Format[] {
  if (name === 'auto') return FORMATS
  const format = FORMATS.find((candidate) => candidate.name === name)
  if (!format)
    throw new DetectError('DETECT_FORMAT_UNKNOWN', `No format "${name}"; there are ${FORMAT_NAMES.join(', ')}.`)
  return [format]
}

/** The event of a JSON object in the first of the formats that recognises it. */
export function normalise(formats: readonly Format[], raw: JsonObject, ref: EventRef): NormalEvent | undefined {
  for (const format of formats) if (format.detects(raw)) return new NormalEvent(raw, format, ref)
  return undefined
}

/** The event of one line of text, or why it is none. */
export function readLine(formats: readonly Format[], line: string, ref: EventRef): NormalEvent | BadLine {
  if (line.length > LINE_MAX) return 'too-long'
  let start = 0
  while (start < line.length && line.charCodeAt(start) <= 32) start++
  if (line.charCodeAt(start) !== OPEN_BRACE) return readText(formats, line, ref)
  let value: Json
  try {
    value = JSON.parse(line) as Json
  } catch {
    // Not an error of the run: the caller counts the line.
    return 'not-json'
  }
  if (!isObject(value)) return 'not-an-object'
  return normalise(formats, value, ref) ?? 'other-format'
}

const OPEN_BRACE = 123

function readText(formats: readonly Format[], line: string, ref: EventRef): NormalEvent | BadLine {
  for (const format of formats) {
    const raw = format.parseText?.(line)
    if (raw) return new NormalEvent(raw, format, ref)
  }
  return /^\s*[[\d"tfn-]/.test(line) && isJson(line) ? 'not-an-object' : 'not-json'
}

function isJson(line: string): boolean {
  try {
    JSON.parse(line)
    return true
  } catch {
    return false
  }
}
