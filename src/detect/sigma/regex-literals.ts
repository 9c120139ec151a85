/**
 * Texts of which at least one stands in everything that a regular expression matches, in small letters.
 *
 * Reads just enough of the RE2 syntax to be sure; whatever it does not know ends the search without an answer.
 * `x(foo|ba+r)\.exe$` gives `.exe`; `foo|bar` gives `foo` and `bar`; `a?.*` gives nothing.
 */
export function literalsOf(source: string): string[] | undefined {
  const reader = new Reader(source)
  const set = reader.alternatives(0)
  return reader.failed || reader.at < source.length ? undefined : set
}

type Set_ = string[] | undefined

const DEPTH_MAX = 32
const SET_MAX = 64
/** Escapes that stand for something other than themselves. */
const CLASS_ESCAPES = 'dDwWsSpPbBAzZQEuUxXcCkKgGvVhHrRnNtTfFaAeE0123456789'

class Reader {
  at = 0
  failed = false
  readonly #source: string

  constructor(source: string) {
    this.#source = source
  }

  alternatives(depth: number): Set_ {
    let union: Set_ = this.#sequence(depth)
    while (this.#source[this.at] === '|' && !this.failed) {
      this.at++
      const next = this.#sequence(depth)
      union = union && next && union.length + next.length <= SET_MAX ? [...union, ...next] : undefined
    }
    return union
  }

  #sequence(depth: number): Set_ {
    let best: Set_
    let run = ''
    const offer = (set: Set_) => {
      if (set && shortest(set) > (best ? shortest(best) : 0)) best = set
    }
    const flush = () => {
      if (run !== '') offer([run.toLowerCase()])
      run = ''
    }
    while (this.at < this.#source.length && !this.failed) {
      const c = this.#source[this.at]!
      if (c === '|' || c === ')') break
      const atom = this.#atom(c, depth)
      const repeat = this.#quantifier()
      if (typeof atom === 'string' && repeat === 'once' && atom !== '') run += atom
      else {
        // An atom that repeats ends the run; where it must come at least once, its first copy still belongs to it.
        if (typeof atom === 'string' && repeat === 'some') run += atom
        flush()
        if (typeof atom === 'object' && repeat !== 'maybe') offer(atom)
      }
    }
    flush()
    return best
  }

  /** A literal character, the set of a group, or `undefined` for what has no literal. */
  #atom(c: string, depth: number): string | Set_ {
    this.at++
    if (c === '(') return this.#group(depth)
    if (c === '[') return this.#skipClass()
    if (c === '.' || c === '^' || c === '$') return undefined
    if (c === '\\') {
      const next = this.#source[this.at++] ?? ''
      if (!CLASS_ESCAPES.includes(next)) return next
      // Of the escapes that go on (\x41, \pL, \Q…\E) the end is not read: no answer is better than a wrong one.
      if (!'dDwWsSbBAz'.includes(next) && !'nrtfv'.includes(next)) this.failed = true
      return undefined
    }
    return c.charCodeAt(0) < 128 ? c : undefined
  }

  #group(depth: number): Set_ {
    if (depth > DEPTH_MAX) this.failed = true
    if (this.#source[this.at] === '?') {
      const head = /\?(?:P?<[A-Za-z_]\w*>|[imsU-]*([:)]))/y
      head.lastIndex = this.at
      const match = head.exec(this.#source)
      if (!match) this.failed = true
      else {
        this.at += match[0].length
        if (match[1] === ')') return undefined
      }
    }
    const set = this.failed ? undefined : this.alternatives(depth + 1)
    if (this.#source[this.at] !== ')') this.failed = true
    this.at++
    return set
  }

  #skipClass(): undefined {
    if (this.#source[this.at] === '^') this.at++
    if (this.#source[this.at] === ']') this.at++
    while (this.at < this.#source.length && this.#source[this.at] !== ']') {
      if (this.#source[this.at] === '[' && this.#source[this.at + 1] === ':') {
        const end = this.#source.indexOf(':]', this.at)
        if (end < 0) break
        this.at = end + 2
      } else this.at += this.#source[this.at] === '\\' ? 2 : 1
    }
    if (this.#source[this.at] !== ']') this.failed = true
    this.at++
    return undefined
  }

  #quantifier(): 'once' | 'some' | 'maybe' {
    const quantifier = /[*+?]|\{(\d+)(?:,\d*)?\}/y
    quantifier.lastIndex = this.at
    const match = quantifier.exec(this.#source)
    if (!match) return 'once'
    this.at += match[0].length
    if (this.#source[this.at] === '?') this.at++
    return match[0] === '+' || Number(match[1] ?? 0) > 0 ? 'some' : 'maybe'
  }
}

const shortest = (set: readonly string[]): number => Math.min(...set.map((text) => text.length))
