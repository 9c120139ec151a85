/**
 * About how many parts a regular expression has when its counted repetitions are written out, as its compiler does:
 * `(ab){3}c{2,5}` is 11. A Unicode class counts as 10, since it is a long list of ranges.
 *
 * Errs on the large side for texts that are no expressions; the compiler then says what is wrong with them.
 */
export function expandedSize(text: string): number {
  const open: number[] = []
  let size = 0
  let last = 0
  for (let at = 0; at < text.length; at++) {
    const character = text[at]
    if (character === '{') {
      COUNT.lastIndex = at
      const found = COUNT.exec(text)
      if (found) {
        size += last * (Math.max(Number(found[1]), Number(found[2] ?? 0)) - 1)
        last *= Math.max(Number(found[1]), Number(found[2] ?? 0))
        at += found[0].length - 1
        continue
      }
    }
    if (character === '(') {
      open.push(size)
      continue
    }
    if (character === ')') {
      last = size - (open.pop() ?? 0) + 1
      size++
      continue
    }
    last = 1
    if (character === '\\') {
      const next = text[++at]
      if (next === 'p' || next === 'P') last = UNICODE_CLASS_PARTS
      if (next === 'Q') {
        const end = text.indexOf('\\E', at)
        last = 1
        size += (end === -1 ? text.length : end) - at
        at = end === -1 ? text.length : end + 1
      }
    } else if (character === '[') {
      const end = endOfClass(text, at)
      if (/\\[pP]/.test(text.slice(at, end))) last = UNICODE_CLASS_PARTS
      at = end
    }
    size += last
  }
  return size
}

const UNICODE_CLASS_PARTS = 10
const COUNT = /\{(\d{1,9})(?:,(\d{0,9}))?\}/y

/** Where the `]` of a class stands that begins at `from`. */
function endOfClass(text: string, from: number): number {
  let at = from + 1
  if (text[at] === '^') at++
  if (text[at] === ']') at++
  for (; at < text.length && text[at] !== ']'; at++) {
    if (text[at] === '\\') at++
    else if (text[at] === '[' && text[at + 1] === ':') {
      const end = text.indexOf(':]', at)
      if (end !== -1) at = end + 1
    }
  }
  return at
}
