import {
  ANY_ITEM,
  type ComparisonNode,
  type Literal,
  type ObservationNode,
  type Operator,
  type PathStep,
} from './ast.ts'
import type { Pattern } from './ast.ts'
import { PatternError, placeOf } from './error.ts'
import { hashFault } from './hash-constant.ts'
import { Lexer, type TokenKind } from './lexer.ts'
import {
  PATTERN_SEQUENCE_LIMIT,
  PATTERN_DEPTH_LIMIT,
  PATTERN_FAULTS_LIMIT,
  PATTERN_LENGTH_LIMIT,
  PATTERN_PARTS_LIMIT,
  PATTERN_QUALIFIERS_LIMIT,
} from './limits.ts'

/** Something that the grammar allows and the specification does not; `offset` is into the text. */
export interface PatternFault {
  readonly offset: number
  readonly message: string
}

/**
 * Parses the text of a STIX 2.1 pattern.
 *
 * @throws PatternError PATTERN_SYNTAX, PATTERN_LIMIT, with line and column
 * @see STIX 2.1 section 9
 */
export function parsePattern(text: string): Pattern {
  return parseWithFaults(text).pattern
}

/** Parses, and gathers what a strict reader refuses besides the grammar. @throws PatternError as `parsePattern` */
export function parseWithFaults(text: string): { pattern: Pattern; faults: PatternFault[] } {
  if (text.length > PATTERN_LENGTH_LIMIT)
    throw new PatternError('PATTERN_LIMIT', `A pattern has at most ${PATTERN_LENGTH_LIMIT} characters: split it.`)
  const parser = new Parser(text)
  const expression = parser.pattern()
  return { pattern: { text, expression }, faults: parser.faults }
}

const ORDERABLE = new Set<TokenKind>(['integer', 'float', 'string', 'binary', 'hex', 'timestamp'])

class Parser {
  readonly faults: PatternFault[] = []
  private readonly lexer: Lexer
  /** Where the constants of the current comparison stand. */
  private readonly offsets: number[] = []
  private depth = 0
  private parts = 0

  constructor(text: string) {
    this.lexer = new Lexer(text)
  }

  pattern(): ObservationNode {
    const expression = this.followedBy()
    if (this.lexer.kind !== 'end') this.unexpected('AND, OR, FOLLOWEDBY, a qualifier, or the end of the pattern')
    return expression
  }

  private followedBy(): ObservationNode {
    return this.chain('FOLLOWEDBY', 'followedBy', () => this.observationOr())
  }

  private observationOr(): ObservationNode {
    return this.chain('OR', 'or', () => this.observationAnd())
  }

  private observationAnd(): ObservationNode {
    return this.chain('AND', 'and', () => this.qualified())
  }

  private chain(word: TokenKind, kind: 'and' | 'or' | 'followedBy', operand: () => ObservationNode): ObservationNode {
    const first = operand()
    if (this.lexer.kind !== word) return first
    const operands = [first]
    while (this.accept(word)) operands.push(operand())
    if (word === 'FOLLOWEDBY' && operands.length > PATTERN_SEQUENCE_LIMIT)
      this.limit(`FOLLOWEDBY joins at most ${PATTERN_SEQUENCE_LIMIT} expressions.`)
    return { kind, operands }
  }

  private qualified(): ObservationNode {
    const { lexer } = this
    const bracketed = lexer.kind === '['
    let node = this.observation()
    const seen: string[] = []
    for (;;) {
      const word = lexer.kind
      if (word !== 'WITHIN' && word !== 'REPEATS' && word !== 'START') return node
      if (seen.length === PATTERN_QUALIFIERS_LIMIT)
        this.limit(`An expression has at most ${PATTERN_QUALIFIERS_LIMIT} qualifiers.`)
      if (bracketed && seen.includes(word))
        this.fault(lexer.start, `This observation expression has a ${word} already: keep one.`)
      seen.push(word)
      node = this.qualifier(node, word)
    }
  }

  private observation(): ObservationNode {
    if (this.accept('[')) {
      const comparison = this.comparisonOr()
      this.expect(']', 'AND, OR or ] to close the observation expression')
      return { kind: 'observation', comparison }
    }
    if (this.lexer.kind !== '(') this.unexpected('[ or ( to begin an observation expression')
    this.enter()
    const inner = this.followedBy()
    this.leave('AND, OR, FOLLOWEDBY, a qualifier, or ) to close the group')
    return inner
  }

  private qualifier(operand: ObservationNode, word: 'WITHIN' | 'REPEATS' | 'START'): ObservationNode {
    const { lexer } = this
    lexer.next()
    if (word === 'START') {
      const start = this.text('timestamp', "a timestamp such as t'2024-01-31T00:00:00Z' after START")
      this.expect('STOP', 'STOP and a timestamp after START')
      const stop = this.text('timestamp', "a timestamp such as t'2024-01-31T00:00:00Z' after STOP")
      return { kind: 'startStop', operand, start, stop }
    }
    const offset = lexer.start
    const whole = lexer.kind === 'integer'
    if (!whole && (word === 'REPEATS' || lexer.kind !== 'float'))
      this.unexpected(`a positive ${word === 'REPEATS' ? 'integer' : 'number'} after ${word}`)
    const amount = Number(lexer.value)
    if (!(amount > 0)) lexer.fail(`${word} takes a number above 0, not ${lexer.value}.`, offset)
    lexer.next()
    this.expect(word === 'REPEATS' ? 'TIMES' : 'SECONDS', word === 'REPEATS' ? 'TIMES' : 'SECONDS')
    return word === 'REPEATS'
      ? { kind: 'repeats', operand, times: amount }
      : { kind: 'within', operand, seconds: amount }
  }

  private comparisonOr(): ComparisonNode {
    const first = this.comparisonAnd()
    if (this.lexer.kind !== 'OR') return first
    const operands = [first]
    while (this.accept('OR')) operands.push(this.comparisonAnd())
    return { kind: 'or', operands }
  }

  private comparisonAnd(): ComparisonNode {
    const first = this.comparison()
    if (this.lexer.kind !== 'AND') return first
    const operands = [first]
    while (this.accept('AND')) operands.push(this.comparison())
    return { kind: 'and', operands }
  }

  private comparison(): ComparisonNode {
    this.count()
    if (this.lexer.kind === '(') {
      this.enter()
      const inner = this.comparisonOr()
      this.leave('AND, OR or ) to close the group')
      return inner
    }
    const notExists = this.accept('NOT')
    if (notExists && this.lexer.kind !== 'EXISTS')
      this.unexpected('EXISTS after NOT (before other operators NOT stands behind the object path)')
    if (this.accept('EXISTS')) {
      const object = this.objectType()
      return { kind: 'exists', object, path: this.path(), negated: notExists }
    }
    const object = this.objectType()
    const path = this.path()
    const negated = this.accept('NOT')
    const operator = this.operator(negated)
    this.offsets.length = 0
    const values = this.constants(operator)
    for (const [at, value] of values.entries()) {
      if (this.faults.length >= PATTERN_FAULTS_LIMIT) break
      const message = hashFault({ path, operator }, value)
      if (message) this.fault(this.offsets[at] ?? 0, message)
    }
    return { kind: 'test', object, path, operator, negated, values }
  }

  private objectType(): string {
    const { lexer } = this
    if (lexer.kind !== 'identifier' && lexer.kind !== 'identifier with hyphen')
      this.unexpected('an object path such as file:name')
    const name = lexer.value
    lexer.next()
    this.expect(':', `: and a property after the object type ${name}`)
    return name
  }

  private path(): PathStep[] {
    const steps: PathStep[] = [this.key()]
    for (;;) {
      if (this.accept('.')) steps.push(this.key())
      else if (this.accept('[')) steps.push(this.index())
      else return steps
    }
  }

  private key(): string {
    const { lexer } = this
    this.count()
    if (lexer.kind === 'identifier with hyphen')
      lexer.fail(`A property with a hyphen is quoted: write '${lexer.value}'.`)
    if (lexer.kind !== 'identifier' && lexer.kind !== 'string') this.unexpected('a property name')
    const name = lexer.value
    lexer.next()
    return name
  }

  private index(): PathStep {
    const { lexer } = this
    this.count()
    let step: PathStep = ANY_ITEM
    if (lexer.kind === 'integer') step = Number(lexer.value) + 0
    else if (lexer.kind !== '*') this.unexpected('an index or * between [ and ]')
    lexer.next()
    this.expect(']', '] after the index')
    return step
  }

  private operator(negated: boolean): Operator {
    const { lexer } = this
    const kind = lexer.kind
    switch (kind) {
      case '=':
      case '!=':
      case '<':
      case '<=':
      case '>':
      case '>=':
      case 'IN':
      case 'LIKE':
      case 'MATCHES':
      case 'ISSUBSET':
      case 'ISSUPERSET':
        lexer.next()
        return kind
      default:
        return this.unexpected(
          `a comparison operator (= != < <= > >= IN LIKE MATCHES ISSUBSET ISSUPERSET${negated ? '' : ', or NOT before it'})`,
        )
    }
  }

  private constants(operator: Operator): Literal[] {
    switch (operator) {
      case '=':
      case '!=':
        return [this.literal(true)]
      case 'IN':
        return this.set()
      case '<':
      case '<=':
      case '>':
      case '>=':
        return [this.literal(false)]
      default:
        return [{ type: 'string', value: this.text('string', `a string in ' after ${operator}`) }]
    }
  }

  private set(): Literal[] {
    const members: Literal[] = []
    this.expect('(', '( to begin the set after IN')
    if (this.accept(')')) return members
    do members.push(this.literal(true))
    while (this.accept(','))
    this.expect(')', ', or ) after a member of the set')
    return members
  }

  private literal(booleans: boolean): Literal {
    const { lexer } = this
    const { kind, value } = lexer
    this.count()
    if (!ORDERABLE.has(kind) && !(booleans && kind === 'boolean'))
      this.unexpected(booleans ? 'a constant' : 'a constant that has an order (not true or false)')
    this.offsets.push(lexer.start)
    lexer.next()
    switch (kind) {
      case 'integer':
      case 'float':
        return { type: kind, value: Number(value) + 0 }
      case 'boolean':
        return { type: kind, value: value === 'true' }
      case 'hex':
        return { type: kind, value: Buffer.from(value, 'hex').toString('latin1') }
      case 'binary':
        return { type: kind, value: Buffer.from(value, 'base64').toString('latin1') }
      case 'timestamp':
        return { type: kind, value }
      default:
        return { type: 'string', value }
    }
  }

  private text(kind: 'string' | 'timestamp', wanted: string): string {
    const { lexer } = this
    if (lexer.kind !== kind) this.unexpected(wanted)
    const { value } = lexer
    this.count()
    lexer.next()
    return value
  }

  private accept(kind: TokenKind): boolean {
    if (this.lexer.kind !== kind) return false
    this.lexer.next()
    return true
  }

  private expect(kind: TokenKind, wanted: string): void {
    if (!this.accept(kind)) this.unexpected(wanted)
  }

  private fault(offset: number, message: string): void {
    if (this.faults.length < PATTERN_FAULTS_LIMIT) this.faults.push({ offset, message })
  }

  private unexpected(wanted: string): never {
    return this.lexer.fail(`Expected ${wanted}, found ${this.lexer.describe()}.`)
  }

  private enter(): void {
    if (++this.depth > PATTERN_DEPTH_LIMIT) this.limit(`Parentheses nest at most ${PATTERN_DEPTH_LIMIT} deep.`)
    this.lexer.next()
  }

  private leave(wanted: string): void {
    this.depth--
    this.expect(')', wanted)
  }

  private count(): void {
    if (++this.parts > PATTERN_PARTS_LIMIT) this.limit(`A pattern has at most ${PATTERN_PARTS_LIMIT} parts: split it.`)
  }

  private limit(message: string): never {
    throw new PatternError('PATTERN_LIMIT', message, placeOf(this.lexer.text, this.lexer.start))
  }
}
