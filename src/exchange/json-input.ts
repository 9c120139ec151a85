import type { Json } from '#base'
import { decodeText } from './encoding.ts'
import { ExchangeError } from './error.ts'
import { INPUT_MAX_DEPTH } from './limits.ts'

/**
 * JSON of other systems, which need not be as strict as what the network itself sends. Depth is bounded before parsing.
 * @throws EXCHANGE_SYNTAX, EXCHANGE_TOO_LARGE, EXCHANGE_ENCODING
 */
export function parseForeignJson(bytes: Uint8Array): Json {
  const { text } = decodeText(bytes)
  refuseDepth(text)
  try {
    return JSON.parse(text) as Json
  } catch (cause) {
    const where = cause instanceof Error ? cause.message.slice(0, 200) : ''
    throw new ExchangeError('EXCHANGE_SYNTAX', `The input is no JSON: ${where}`, { cause })
  }
}

function refuseDepth(text: string): void {
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) at = stringEnd(text, at)
    else if (code === BRACE || code === BRACKET) {
      if (++depth > INPUT_MAX_DEPTH)
        throw new ExchangeError(
          'EXCHANGE_TOO_LARGE',
          `The JSON nests deeper than ${INPUT_MAX_DEPTH} levels at character ${at}.`,
        )
    } else if (code === BRACE_END || code === BRACKET_END) depth--
  }
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const BRACE = 0x7b
const BRACE_END = 0x7d
const BRACKET = 0x5b
const BRACKET_END = 0x5d

function stringEnd(text: string, start: number): number {
  let at = start + 1
  while (at < text.length && text.charCodeAt(at) !== QUOTE) at += text.charCodeAt(at) === BACKSLASH ? 2 : 1
  return at
}
