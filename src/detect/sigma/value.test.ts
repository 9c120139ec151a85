import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { NeedleSearch } from './aho.ts'
import { literalsOf } from './regex-literals.ts'
import { ByteText } from './byte-text.ts'
import { SkipSearch } from './skip-search.ts'
import { ANY_DASH, ANY_ONE, ANY_RUN, compileTokens, parseTokens, type Token, withDashes } from './value.ts'

/** Reference: tries every way in which a pattern may cover a text. */
function reference(tokens: readonly Token[], text: string): boolean {
  const [token, ...rest] = tokens
  if (token === undefined) return text === ''
  if (typeof token === 'string') return text.startsWith(token) && reference(rest, text.slice(token.length))
  if (token === ANY_RUN)
    return Array.from({ length: text.length + 1 }, (_, i) => i).some((i) => reference(rest, text.slice(i)))
  return (
    text !== '' && (token === ANY_ONE || /[-/\u2013\u2014\u2015]/.test(text[0] ?? '')) && reference(rest, text.slice(1))
  )
}

test('wildcards match like the reference that tries everything', () => {
  const token = fc.oneof(fc.constantFrom<Token>(ANY_RUN, ANY_ONE, ANY_DASH), fc.stringMatching(/^[ab-]{1,2}$/))
  const text = fc.stringMatching(/^[ab/-]{0,8}$/)
  fc.assert(
    fc.property(fc.array(token, { maxLength: 6 }), text, (tokens, value) => {
      assert.equal(compileTokens(tokens)(value), reference(tokens, value))
    }),
    { numRuns: 3_000 },
  )
})

test('a value with sixty wildcards is answered at once', () => {
  const tokens = parseTokens(`${'*a'.repeat(30)}*b`)
  assert.equal(compileTokens(tokens)('a'.repeat(100_000)), false)
})

test('backslashes escape wildcards and themselves only', () => {
  const cases: [string, Token[]][] = [
    [String.raw`C:\Windows\a.exe`, [String.raw`C:\Windows\a.exe`]],
    [String.raw`a\*b\?c`, ['a*b?c']],
    [String.raw`a\\*`, ['a\\', ANY_RUN]],
    [String.raw`a\\\*`, [String.raw`a\*`]],
    [String.raw`\\\\host`, [String.raw`\\host`]],
    ['a\\', ['a\\']],
    ['a**?', ['a', ANY_RUN, ANY_ONE]],
  ]
  for (const [text, tokens] of cases) assert.deepEqual(parseTokens(text), tokens, text)
})

test('windash takes dashes at the beginning of switches and leaves those inside of words', () => {
  assert.deepEqual(withDashes([' -urlcache']), [' ', ANY_DASH, 'urlcache'])
  assert.deepEqual(withDashes(['a-b']), ['a-b'])
  const test = compileTokens(withDashes(parseTokens('x -f /s')))
  for (const text of ['x -f /s', 'x /f -s', 'x \u2013f \u2015s']) assert.equal(test(text), true, text)
  assert.equal(test('x +f -s'), false)
})

test('both needle searches find what stands in the lower-cased text', () => {
  const letters = fc.stringMatching(/^[abk]{3,5}$/)
  const text = fc
    .array(fc.constantFrom('a', 'B', 'k', 'K', '\u212a', 'x', 'b', '\u00e9'), { maxLength: 80 })
    .map((cs) => cs.join(''))
  fc.assert(
    fc.property(fc.uniqueArray(letters, { minLength: 1, maxLength: 8 }), text, (needles, value) => {
      const map = new Map(needles.map((needle, i) => [needle, [i]]))
      const expected = needles.flatMap((needle, i) => (value.toLowerCase().includes(needle) ? [i] : []))
      for (const search of [new NeedleSearch(map), new SkipSearch(map)]) {
        const found = new Set<number>()
        search.search(new ByteText().of(value), (owners) => owners.forEach((owner) => found.add(owner)))
        assert.deepEqual(
          [...found].sort((one, other) => one - other),
          expected,
        )
      }
    }),
    { numRuns: 3_000 },
  )
})

test('the skipping search tells thousands of needles apart', () => {
  const needles = Array.from({ length: 3_000 }, (_, i) => `_${(i * 7_919).toString(36)}.exe`)
  const search = new SkipSearch(new Map(needles.map((needle, i) => [needle, [i]])))
  const bytes = new ByteText()
  for (const [i, needle] of needles.entries()) {
    const found: number[] = []
    search.search(bytes.of(`C:\\x\\${needle.toUpperCase()} -a`), (owners) => found.push(...owners))
    assert.deepEqual(found, [i])
  }
})

test('literals of an expression stand in whatever it matches', () => {
  const cases: [string, string[] | undefined][] = [
    [String.raw`x(foo|ba+r)\.exe$`, ['.exe']],
    ['foo|bar', ['foo', 'bar']],
    ['ab?cd', ['cd']],
    ['ab+cd', ['ab']],
    ['ab{0,2}cde', ['cde']],
    ['ab{2}cde', ['cde']],
    ['(abc)?d', ['d']],
    ['(abc)+d', ['abc']],
    ['(?i)AbC', ['abc']],
    ['[abc]def[^]x]', ['def']],
    ['a?.*', undefined],
    [String.raw`\x41bcd`, undefined],
    ['(?=abc)x', undefined],
    ['foo|', undefined],
  ]
  for (const [source, expected] of cases) assert.deepEqual(literalsOf(source), expected, source)
})

test('random expressions match nothing that lacks their literals', () => {
  const atom = fc.constantFrom('a', 'b', 'cd', '.', '[ab]', '(a|bc)', '(b)', '(ab|c?)', String.raw`\.`, String.raw`\w`)
  const repeat = fc.constantFrom('', '', '?', '*', '+', '{2}', '{0,1}')
  const piece = fc.tuple(atom, repeat).map((parts) => parts.join(''))
  const source = fc
    .array(fc.oneof(piece, fc.constant('|')), { minLength: 1, maxLength: 6 })
    .map((parts) => parts.join(''))
  fc.assert(
    fc.property(source, fc.stringMatching(/^[abcd.]{0,8}$/), (expression, text) => {
      const literals = literalsOf(expression)
      // oxlint-disable-next-line detect-non-literal-regexp
      if (literals && new RegExp(expression).test(text))
        assert.ok(
          literals.some((literal) => text.includes(literal)),
          expression,
        )
    }),
    { numRuns: 5_000 },
  )
})
