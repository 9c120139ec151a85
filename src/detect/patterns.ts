import { type CompiledPattern, compilePattern, matchPattern, type Pattern, PatternError } from '#stix'
import { DetectError } from './error.ts'
import type { NormalEvent } from './event.ts'
import type { Rule } from './rule.ts'
import { toObservedBundle } from './observation.ts'

/** Most patterns outside of the index: each is tried on every event that has objects of its types. */
export const PATTERNS_MAX = 2_000

/** An armed pattern. */
interface ArmedPattern {
  rule: Rule
  compiled: CompiledPattern
  types: ReadonlySet<string>
}

/**
 * Patterns that are not a list of equalities, evaluated on single events. Only patterns about one observation can be:
 * sequences, repetitions and windows over many events are refused when they are armed.
 */
export class PatternSet {
  readonly #armed = new Map<string, ArmedPattern>()
  /** Evaluations that ran over their budget or met values they can't compare; the event counts as no match. */
  failures = 0

  get size(): number {
    return this.#armed.size
  }

  /** Why a pattern can't be evaluated over single events; `undefined` where it can. */
  static refuse(pattern: Pattern): string | undefined {
    const { expression } = pattern
    const parts = expression.kind === 'or' ? expression.operands : [expression]
    return parts.every((part) => part.kind === 'observation')
      ? undefined
      : 'It combines several observations (AND, FOLLOWEDBY, WITHIN, REPEATS, START–STOP); detection looks at one event at a time.'
  }

  arm(rule: Rule, compiled: CompiledPattern): void {
    this.#armed.set(rule.id, { rule, compiled, types: typesOf(compiled.pattern) })
  }

  disarm(id: string): boolean {
    return this.#armed.delete(id)
  }

  match(event: NormalEvent, time: number, found: (rule: Rule) => void): void {
    if (this.#armed.size === 0) return
    const bundle = toObservedBundle(event)
    const objects = bundle && Array.isArray(bundle.objects) ? bundle.objects : []
    const present = new Set(objects.map((object) => (object as { type: string }).type))
    for (const { rule, compiled, types } of this.#armed.values()) {
      if (time < rule.validFrom || (rule.validUntil !== undefined && time >= rule.validUntil)) continue
      if (![...types].some((type) => present.has(type))) continue
      if (this.#matches(compiled, bundle)) found(rule)
    }
  }

  #matches(compiled: CompiledPattern, bundle: unknown): boolean {
    try {
      return matchPattern(compiled, [bundle])
    } catch {
      this.failures++
      return false
    }
  }
}

/** Compiles a pattern. @throws DetectError DETECT_PATTERN_INVALID (a constant or an expression that can't be compared) */
export function compileStix(pattern: Pattern): CompiledPattern {
  try {
    return compilePattern(pattern)
  } catch (cause) {
    if (cause instanceof PatternError) throw new DetectError('DETECT_PATTERN_INVALID', cause.message, { cause })
    throw cause
  }
}

/** Types of the objects that a pattern is about. */
function typesOf({ expression }: Pattern): Set<string> {
  const types = new Set<string>()
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) for (const item of node) visit(item)
    else if (typeof node === 'object' && node !== null) {
      if ('object' in node && typeof node.object === 'string') types.add(node.object)
      if ('operands' in node) visit(node.operands)
      if ('comparison' in node) visit(node.comparison)
    }
  }
  visit(expression)
  return types
}
