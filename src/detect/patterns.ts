import {
  bindKept,
  type CompiledPattern,
  compilePattern,
  type Observation,
  type Pattern,
  PatternError,
  type StreamPattern,
  testsMet,
  toStream,
} from '#stix'
import { DetectError } from './error.ts'
import type { NormalEvent } from './event.ts'
import { EvaluationBudget } from './evaluation-budget.ts'
import { type Keeper, type KeptBounds, type KeptEvent, KEPT_PER_PATTERN_MAX, KeptEvents } from './kept-events.ts'
import type { HitSpan, Rule } from './rule.ts'
import { toEventObservation } from './observation.ts'

/** Most patterns outside of the index. */
export const PATTERNS_MAX = 2_000
/** Longest pattern outside of the index, in UTF-16 units, … */
export const PATTERN_LENGTH_MAX = 65_536
/** … and all of them together: about 200 MB once compiled. */
export const PATTERN_LENGTHS_MAX = 8_388_608
/** Most different observation expressions of one pattern: each is asked about every event of its types. */
export const EXPRESSIONS_MAX = 256
/** Length of the window around what no WITHIN bounds: an intrusion's steps, not a day's coincidences. */
export const WINDOW_SECONDS = 3_600

/** What evaluating patterns outside of the index has met. */
export interface PatternCounts {
  /** Events kept for patterns over several events, and of how many observers. */
  kept: number
  observers: number
  /** Events that went for lack of room although a newer one could still have needed them. */
  dropped: number
  /** Evaluations given up: over their budget. */
  overBudget: number
  /** Evaluations given up: a value that the pattern can't compare. */
  incomparable: number
}

/** An armed pattern. */
interface ArmedPattern extends Keeper {
  rule: Rule
  types: ReadonlySet<string>
  /** Whether only events that hold one of its needles are worth a look. */
  needled: boolean
  budget: EvaluationBudget
}

/**
 * Patterns that are not a list of equalities: those about one observation are evaluated on single events, the others on
 * the events that an observer has seen inside of their window.
 */
export class PatternSet {
  readonly #armed = new Map<string, ArmedPattern>()
  /** Those that every event of their types is asked about. */
  readonly #open = new Map<string, ArmedPattern>()
  readonly #kept: KeptEvents
  readonly #common = EvaluationBudget.ofEvents()
  #length = 0
  #turn = 0
  #overBudget = 0
  #incomparable = 0

  constructor(bounds?: Partial<KeptBounds>) {
    this.#kept = new KeptEvents(bounds)
  }

  get size(): number {
    return this.#armed.size
  }

  /** Whether every event has to be asked about. */
  get needsEveryEvent(): boolean {
    return this.#open.size > 0
  }

  /** Whether some patterns are told by needles. */
  get hasNeedles(): boolean {
    return this.#armed.size > this.#open.size
  }

  counts(): PatternCounts {
    return {
      kept: this.#kept.size,
      observers: this.#kept.observers,
      dropped: this.#kept.dropped,
      overBudget: this.#overBudget,
      incomparable: this.#incomparable,
    }
  }

  /** Why a pattern of this length has no room, going by what it replaces; `undefined` where it has. */
  refuse(rule: Rule): string | undefined {
    const { length } = rule.pattern
    const replaced = this.#armed.get(rule.id)
    if (!replaced && this.#armed.size >= PATTERNS_MAX)
      return `${PATTERNS_MAX} patterns outside of the index are armed; disarm some first.`
    if (length > PATTERN_LENGTH_MAX) return `A pattern of ${length} characters; the limit is ${PATTERN_LENGTH_MAX}.`
    if (this.#length - (replaced?.rule.pattern.length ?? 0) + length > PATTERN_LENGTHS_MAX)
      return `The patterns outside of the index have more than ${PATTERN_LENGTHS_MAX} characters; disarm some first.`
    return undefined
  }

  arm(rule: Rule, stream: StreamPattern, needled: boolean): void {
    const { pattern } = stream.compiled
    const armed = {
      rule,
      stream,
      needled,
      types: typesOf(pattern),
      shelves: new Set<never>(),
      budget: new EvaluationBudget(),
    }
    this.#armed.set(rule.id, armed)
    if (!needled) this.#open.set(rule.id, armed)
    this.#length += rule.pattern.length
  }

  /** Takes a pattern out, with the events kept for it. */
  disarm(id: string): boolean {
    const armed = this.#armed.get(id)
    if (!armed) return false
    this.#kept.forget(armed)
    this.#armed.delete(id)
    this.#open.delete(id)
    this.#length -= armed.rule.pattern.length
    return true
  }

  /** Evaluates an event; `named` are the ids of rules whose needles it holds. */
  match(
    event: NormalEvent,
    time: number,
    named: ReadonlySet<string>,
    found: (rule: Rule, span: HitSpan | undefined) => void,
  ): void {
    if (this.#open.size === 0 && named.size === 0) return
    const observation = toEventObservation(event, time)
    this.#common.earn()
    for (const armed of this.#inTurn(named)) {
      const { rule, types } = armed
      if (time < rule.validFrom || (rule.validUntil !== undefined && time >= rule.validUntil)) continue
      if (!someOf(types, observation.byType)) continue
      this.#evaluate(armed, observation, event, time, found)
    }
  }

  /** The patterns to evaluate, each event beginning at another one, so that none is always last to draw on the budget. */
  *#inTurn(named: ReadonlySet<string>): Generator<ArmedPattern> {
    const asked = [...this.#open.values()]
    for (const id of named) {
      const armed = this.#armed.get(id)
      if (armed) asked.push(armed)
    }
    const start = this.#turn++ % asked.length
    for (let at = 0; at < asked.length; at++) yield asked[(start + at) % asked.length]!
  }

  #evaluate(
    armed: ArmedPattern,
    observation: Observation,
    event: NormalEvent,
    time: number,
    found: (rule: Rule, span: HitSpan | undefined) => void,
  ): void {
    const { rule, stream, budget } = armed
    const { budget: steps } = stream.compiled.plan
    budget.earn()
    const granted = Math.min(budget.saved, this.#common.saved)
    steps.fill(granted)
    try {
      const tests = testsMet(stream, observation)
      if (!tests) return
      if (stream.single) return found(rule, undefined)
      const at = time * MICROS_PER_MILLI
      const { near, newest } = this.#kept.add(armed, event.observer, { at, time, tests, ref: event.ref })
      const binding = bindKept(stream, near, newest)
      if (binding) found(rule, spanOf(binding.map((place) => near[place]!)))
    } catch (error) {
      if (!(error instanceof PatternError)) throw error
      if (error.code === 'PATTERN_BUDGET') {
        this.#overBudget++
        if (steps.rest === 0 && granted === budget.saved) budget.overrun()
      } else this.#incomparable++
    } finally {
      budget.spend(granted - steps.rest)
      this.#common.spend(granted - steps.rest)
    }
  }
}

const MICROS_PER_MILLI = 1_000

/** Compiles a pattern. @throws DetectError DETECT_PATTERN_INVALID, DETECT_LIMIT */
export function compileStix(pattern: Pattern): StreamPattern {
  const stream = toStream(compiled(pattern), WINDOW_SECONDS)
  const { length } = stream.compiled.plan.tests
  if (length > EXPRESSIONS_MAX)
    throw new DetectError(
      'DETECT_LIMIT',
      `${length} different observation expressions; the limit is ${EXPRESSIONS_MAX}.`,
    )
  if (stream.least > KEPT_PER_PATTERN_MAX)
    throw new DetectError(
      'DETECT_LIMIT',
      `It needs ${stream.least} observations; detection keeps at most ${KEPT_PER_PATTERN_MAX} for a pattern.`,
    )
  return stream
}

function compiled(pattern: Pattern): CompiledPattern {
  try {
    return compilePattern(pattern)
  } catch (cause) {
    if (cause instanceof PatternError) throw new DetectError('DETECT_PATTERN_INVALID', cause.message, { cause })
    throw cause
  }
}

function spanOf(events: readonly KeptEvent[]): HitSpan {
  const sorted = events.toSorted((a, b) => a.at - b.at || a.arrival - b.arrival)
  const [first, last] = [sorted[0]!, sorted.at(-1)!]
  return {
    events: events.length,
    first: { time: first.time, event: first.ref },
    last: { time: last.time, event: last.ref },
  }
}

function someOf(types: ReadonlySet<string>, present: ReadonlyMap<string, unknown>): boolean {
  for (const type of types) if (present.has(type)) return true
  return false
}

/** Types of the objects that a pattern is about. */
function typesOf({ expression }: Pattern): Set<string> {
  const types = new Set<string>()
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) for (const item of node) visit(item)
    else if (typeof node === 'object' && node !== null) {
      if ('object' in node && typeof node.object === 'string') types.add(node.object)
      if ('operands' in node) visit(node.operands)
      if ('operand' in node) visit(node.operand)
      if ('comparison' in node) visit(node.comparison)
    }
  }
  visit(expression)
  return types
}
