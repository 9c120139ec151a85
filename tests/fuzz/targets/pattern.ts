// STIX patterns: grammar, printer, checker, and the matcher against a naive one.
import { isJsonObject, type Json } from '#base'
import {
  answerPatternMatchVector,
  atomsOf,
  checkPattern,
  compilePattern,
  matchPattern,
  observationsOf,
  parsePattern,
  PatternError,
} from '#stix'
import { printObservation } from '../../../src/stix/pattern/print.ts'
import { attempt, jsonOf, must, mustEqual, randomOf, type Target, textOf } from '../target.ts'
import { naiveMatch } from './naive-match.ts'
import { observedBundle, PATTERN_SEEDS, PATTERN_WORDS, patternText } from './pattern-grammar.ts'

export const pattern: Target = {
  name: 'pattern',
  weight: 2,
  shape: 'text',
  words: PATTERN_WORDS,
  seeds: PATTERN_SEEDS,
  make: (random) => patternText(random),
  run: (input) => {
    const text = textOf(input)
    const parsed = attempt(() => parsePattern(text), PatternError)
    const check = checkPattern(text)
    mustEqual(check.valid, check.errors.length === 0, 'valid means no error')
    for (const { line, column } of check.errors) mustLieIn(line, column, text)
    if (!parsed.ok) {
      must(!check.valid, 'what does not parse is not valid')
      return parsed.word
    }
    const printed = printObservation(parsed.value.expression)
    const again = parsePattern(printed)
    mustEqual(again.expression, parsed.value.expression, 'a printed pattern parses to the same tree')
    mustEqual(printObservation(again.expression), printed, 'and is printed the same')
    mustEqual(atomsOf(again)?.length, atomsOf(parsed.value)?.length, 'and has the same atoms')
    const plan = attempt(() => compilePattern(parsed.value), PatternError)
    return `${parsed.value.expression.kind} ${plan.word} ${check.valid}`
  },
}

function mustLieIn(line: number, column: number, text: string): void {
  if (line === 0 && column === 0) return
  const lines = text.split('\n')
  must(line >= 1 && line <= lines.length, 'the line is one of the text', line)
  must(column >= 1 && column <= (lines[line - 1]?.length ?? 0) + 1, 'the column is one of the line', column)
}

const seeds = PATTERN_SEEDS.map((one, at) => ({
  pattern: one,
  observed: [
    {
      type: 'bundle',
      objects: [
        {
          type: 'observed-data',
          first_observed: '2026-01-01T00:00:00Z',
          last_observed: '2026-01-01T00:00:0' + String(at) + 'Z',
          number_observed: 2,
          object_refs: ['file--1', 'ipv4-addr--1'],
        },
        { type: 'file', id: 'file--1', name: 'a.exe', size: 11, x_list: [{ y: 1 }], parent_directory_ref: 'file--1' },
        { type: 'ipv4-addr', id: 'ipv4-addr--1', value: '198.51.100.7', resolves_to_refs: ['file--1'] },
      ],
    },
  ],
}))

export const patternMatch: Target = {
  name: 'pattern-match',
  weight: 0.7,
  shape: 'json',
  maxBytes: 8_192,
  words: [
    'observed-data',
    'bundle',
    'object_refs',
    'number_observed',
    'first_observed',
    'last_observed',
    'file',
    'file--1',
  ],
  seeds,
  make: (random) => ({
    id: 1,
    pattern: patternText(random, random.once(5) ? 'any' : 'sound'),
    observed: [observedBundle(random)],
  }),
  run: (input) => {
    const request = jsonOf(input)
    const answer = answerPatternMatchVector(request)
    must((answer.match === undefined) !== (answer.error === undefined), 'there is an answer or an error')
    if (answer.match === undefined || !isJsonObject(request)) return answer.error?.slice(0, 24) ?? ''
    const { pattern: text, observed } = request as { pattern: string; observed: Json[] }
    const compiled = compilePattern(text)
    const shuffled = turned(observed, randomOf(input).once(2))
    mustEqual(matchPattern(compiled, shuffled), answer.match, 'the order of objects in a bundle changes nothing')
    const observations = attempt(() => observationsOf(observed), PatternError)
    const few = observations.ok && observations.value.length <= 4 && observations.value.every(({ count }) => count <= 2)
    if (!few) return `match ${answer.match}`
    const naive = naiveMatch(compiled.pattern.expression, observations.value)
    if (
      naive !== undefined &&
      observations.value.length > 0 &&
      observed.every((one) => isJsonObject(one) && one['type'] !== 'observed-data')
    )
      mustEqual(answer.match, naive, 'the matcher finds what trying everything finds')
    return `match ${answer.match} ${compiled.pattern.expression.kind}`
  },
}

/** Bundles with their objects in the other order; objects with one id twice stay as they are. */
function turned(observed: readonly Json[], really: boolean): Json[] {
  if (!really) return [...observed]
  return observed.map((one) => {
    if (!isJsonObject(one) || !Array.isArray(one['objects'])) return one
    const ids = one['objects']
      .map((object) => (isJsonObject(object) ? object['id'] : undefined))
      .filter((id) => id !== undefined)
    return new Set(ids).size < ids.length ? one : { ...one, objects: one['objects'].toReversed() }
  })
}
