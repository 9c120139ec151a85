import { JsonError, type JsonErrorCode } from './json-error.ts'

/** The error for a text that must be refused; without a known place where none is found. */
export function explainFault(text: string, maxDepth: number): JsonError {
  return faultOf(text, maxDepth) ?? new JsonError('JSON_SYNTAX', 'The JSON text is refused')
}

/** Reads a text closely, up to the first fault; undefined where there is none. */
export function faultOf(text: string, maxDepth: number): JsonError | undefined {
  const fault = new FaultReader(text, maxDepth).read()
  if (!fault) return undefined
  const { code, what, at } = fault
  const before = text.slice(0, at)
  const line = before.split('\n').length
  const column = at - before.lastIndexOf('\n')
  const offset = Buffer.byteLength(before)
  return new JsonError(code, `${what} at line ${line}, column ${column} (byte ${offset})`, {
    details: { offset, line, column, what },
  })
}

interface Fault {
  code: JsonErrorCode
  what: string
  at: number
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const SPACE = /[ \t\n\r]*/y
const LITERALS = ['true', 'false', 'null']

/** A recursive reader of RFC 8259 with the refusals of the wire format; it builds no value. */
class FaultReader {
  private readonly text: string
  private readonly maxDepth: number
  private at = 0

  constructor(text: string, maxDepth: number) {
    this.text = text
    this.maxDepth = maxDepth
  }

  read(): Fault | undefined {
    if (this.text.charCodeAt(0) === 0xfeff)
      return { code: 'JSON_BYTE_ORDER_MARK', what: 'A byte-order mark is not accepted; remove it', at: 0 }
    const fault = this.value(1)
    if (fault) return fault
    this.space()
    return this.at < this.text.length ? this.syntax('Text after the end of the value') : undefined
  }

  private value(depth: number): Fault | undefined {
    this.space()
    const first = this.text[this.at]
    if (first === '{' || first === '[') {
      if (depth > this.maxDepth)
        return { code: 'JSON_TOO_DEEP', what: `More than ${this.maxDepth} levels of nesting`, at: this.at }
      return first === '{' ? this.object(depth) : this.array(depth)
    }
    if (first === '"') {
      const read = this.string()
      return typeof read === 'string' ? undefined : read
    }
    for (const literal of LITERALS) {
      if (this.text.startsWith(literal, this.at)) {
        this.at += literal.length
        return undefined
      }
    }
    return this.number()
  }

  private object(depth: number): Fault | undefined {
    const names = new Set<string>()
    this.at++
    this.space()
    if (this.take('}')) return undefined
    for (;;) {
      this.space()
      const start = this.at
      if (this.text[start] !== '"') return this.syntax('Expected a member name in double quotes')
      const name = this.string()
      if (typeof name !== 'string') return name
      if (names.has(name))
        return {
          code: 'JSON_DUPLICATE_KEY',
          what: `The member ${JSON.stringify(name.slice(0, 40))} stands twice`,
          at: start,
        }
      names.add(name)
      this.space()
      if (!this.take(':')) return this.syntax('Expected ":"')
      const fault = this.value(depth + 1)
      if (fault) return fault
      this.space()
      if (this.take('}')) return undefined
      if (!this.take(',')) return this.syntax('Expected "," or "}"')
    }
  }

  private array(depth: number): Fault | undefined {
    this.at++
    this.space()
    if (this.take(']')) return undefined
    for (;;) {
      const fault = this.value(depth + 1)
      if (fault) return fault
      this.space()
      if (this.take(']')) return undefined
      if (!this.take(',')) return this.syntax('Expected "," or "]"')
    }
  }

  private string(): string | Fault {
    const start = this.at
    let end = start + 1
    for (; this.text[end] !== '"'; end++) {
      if (end >= this.text.length) return this.syntax('A string that does not end')
      if (this.text.charCodeAt(end) < 0x20) return this.syntax('A control character in a string', end)
      if (this.text[end] === '\\') end++
    }
    this.at = end + 1
    let value: string
    try {
      value = JSON.parse(this.text.slice(start, this.at)) as string
    } catch {
      return this.syntax('A string with an unknown escape', start)
    }
    if (!value.isWellFormed())
      return { code: 'JSON_LONE_SURROGATE', what: 'A string with half of a surrogate pair', at: start }
    return value
  }

  private number(): Fault | undefined {
    const start = this.at
    NUMBER.lastIndex = start
    const token = NUMBER.exec(this.text)?.[0]
    if (token === undefined) return this.syntax('Expected a value')
    this.at += token.length
    if (Math.abs(Number(token)) <= Number.MAX_SAFE_INTEGER) return undefined
    return { code: 'JSON_NUMBER_RANGE', what: 'A number beyond ±(2^53 − 1)', at: start }
  }

  private space(): void {
    SPACE.lastIndex = this.at
    SPACE.exec(this.text)
    this.at = SPACE.lastIndex
  }

  private take(char: string): boolean {
    if (this.text[this.at] !== char) return false
    this.at++
    return true
  }

  private syntax(what: string, at = this.at): Fault {
    return { code: 'JSON_SYNTAX', what, at }
  }
}
