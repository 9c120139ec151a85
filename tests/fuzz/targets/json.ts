// Strict JSON and its canonical form, against JSON.parse, a naive reader of the documented strictness, and `canonicalize`.
import { isUtf8 } from 'node:buffer'
import canonicalize from 'canonicalize'
import { canonicalJson, type Json, JsonError, parseJson } from '#base'
import { attempt, must, mustEqual, type Target } from '../target.ts'

const MAX_DEPTH = 64
const WORDS = ['a', 'b', '\\u0061', '\\ud83d', '\\ude00', '9007199254740991', '9007199254740992', '-', '1e', '{', '}']

export const json: Target = {
  name: 'json',
  shape: 'json',
  words: [...WORDS, '[', ']', '":', '"a":1,', ',', '"'],
  seeds: [
    '{"a":1,"b":[true,false,null,-0,1.5e3],"c":{"d":"\\u0041\\ud83d\\ude00"}}',
    '[9007199254740991,-9007199254740991,0.1,1E2,""]',
    '{"a":1,"\\u0061":2}',
    '{"":{"":{"":[[[]]]}},"10":1,"9":2,"\\u00e9":"\\":"}',
    '"\\ud800"',
    ' \r\n\t1 ',
    '{"__proto__":{"a":1},"constructor":"x","b":"\\":{\\"b\\":"}',
    `${'['.repeat(MAX_DEPTH)}${']'.repeat(MAX_DEPTH)}`,
  ],
  run: (input) => {
    const read = attempt(() => parseJson(input), JsonError)
    const native = isUtf8(input) ? nativeParse(Buffer.from(input).toString()) : undefined
    if (!read.ok) {
      checkPlace(read.error, input)
      if (native)
        must(strictness(native.value, native.text) !== undefined, 'refused for no documented reason', read.word)
      return read.word
    }
    must(native !== undefined, 'only what JSON.parse reads is read')
    mustEqual(strictness(native.value, native.text), undefined, 'what strictness refuses is refused')
    mustEqual(read.value, native.value, 'the value is that of JSON.parse')
    mustEqual(parseJson(native.text), read.value, 'text and bytes have one value')
    const canonical = canonicalJson(read.value)
    mustEqual(canonical, canonicalize(native.value), 'the canonical form is that of another implementation')
    mustEqual(
      canonicalJson(parseJson(canonical, { maxBytes: 4 * canonical.length + 4 })),
      canonical,
      'and stays as it is',
    )
    return `read ${typeof read.value} ${Math.min(9, canonical.length >> 4)}`
  },
}

function checkPlace(error: { details: Readonly<Record<string, unknown>> }, input: Uint8Array): void {
  const { offset, line, column } = error.details as { offset?: number; line?: number; column?: number }
  if (offset === undefined) return
  must(Number.isInteger(offset) && offset >= 0 && offset <= input.length, 'the fault lies in the input', offset)
  must((line ?? 0) >= 1 && (column ?? 0) >= 1, 'line and column count from 1', line, column)
}

function nativeParse(text: string): { value: Json; text: string } | undefined {
  try {
    return { value: JSON.parse(text) as Json, text }
  } catch {
    return undefined
  }
}

/** What the documented strictness has against a text that JSON.parse reads. */
function strictness(value: Json, text: string): string | undefined {
  return faultOf(value, 1) ?? (hasTwins(text) ? 'a name stands twice' : undefined)
}

function faultOf(value: Json, depth: number): string | undefined {
  if (typeof value === 'number') return Math.abs(value) > Number.MAX_SAFE_INTEGER ? 'a number too large' : undefined
  if (typeof value === 'string') return value.isWellFormed() ? undefined : 'half a surrogate pair'
  if (typeof value !== 'object' || value === null) return undefined
  if (depth > MAX_DEPTH) return 'too deep'
  for (const [name, inner] of Object.entries(value)) {
    const fault = faultOf(name, depth) ?? faultOf(inner, depth + 1)
    if (fault !== undefined) return fault
  }
  return undefined
}

/** Whether some object of a well-formed text names a member twice: read naively, name by name. */
function hasTwins(text: string): boolean {
  const open: (Set<string> | undefined)[] = []
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"(?:[ \t\n\r]*:)?|[{}[\]]/g)) {
    if (token === '{') open.push(new Set())
    else if (token === '[') open.push(undefined)
    else if (token === '}' || token === ']') open.pop()
    else if (token.endsWith(':')) {
      const name = JSON.parse(token.slice(0, token.lastIndexOf('"') + 1)) as string
      const names = open.at(-1)
      if (names?.has(name)) return true
      names?.add(name)
    }
  }
  return false
}
