import { atomsOf, type Pattern, parsePattern } from '#stix'
import { AtomIndex, type IndexMemory } from './atoms/atom-index.ts'
import { toAtoms } from './atoms/from-pattern.ts'
import { DetectError, type DetectCode } from './error.ts'
import type { NormalEvent } from './event.ts'
import { Guard, type GuardOptions } from './guard.ts'
import { compileStix, PatternSet, PATTERNS_MAX } from './patterns.ts'
import type { ArmedAs, ArmResult, Hit, Rule } from './rule.ts'
import { SigmaEngine } from './sigma/engine.ts'
import { parseSigma } from './sigma/rule.ts'

/** Most Sigma rules armed at once. */
export const SIGMA_RULES_MAX = 50_000
/** Most values of one pattern: each is an entry of the index. */
export const ATOMS_MAX = 10_000
const ATOM_VALUE_MAX = 8_192

/** What a detector holds, and what it turned away. */
export interface DetectorMemory extends IndexMemory {
  patterns: number
  sigma: number
  refused: Readonly<Partial<Record<DetectCode, number>>>
}

/**
 * Active detection: rules are armed and disarmed while events are matched.
 *
 * Pure: the time of an event decides about validity, never a clock.
 * @example
 * const detector = new Detector({ own: ['192.0.2.0/24'] })
 * detector.arm({ id, kind: 'stix', pattern: "[ipv4-addr:value = '203.0.113.7']", validFrom: 0 })
 * const hits = detector.match(events)
 */
export class Detector {
  readonly atoms = new AtomIndex()
  readonly #guard: Guard
  readonly #patterns = new PatternSet()
  readonly #sigma = new SigmaEngine()
  readonly #sigmaRules = new Map<string, Rule>()
  readonly #refused = new Map<DetectCode, number>()
  #atomRules = 0

  constructor(options: GuardOptions = {}) {
    this.#guard = new Guard(options)
  }

  /** Rules armed. */
  get size(): number {
    return this.#atomRules + this.#patterns.size + this.#sigma.size
  }

  memory(): DetectorMemory {
    return {
      ...this.atoms.memory,
      patterns: this.#patterns.size,
      sigma: this.#sigma.size,
      refused: Object.fromEntries(this.#refused),
    }
  }

  /** Makes a rule active at once, in place of an earlier one with its id; refused as a whole or armed as a whole. */
  arm(rule: Rule): ArmResult {
    try {
      return this.#arm(rule)
    } catch (error) {
      if (error instanceof DetectError) return this.#refuse(error.code, error.message)
      throw error
    }
  }

  /** Takes a rule out at once; false where it was not armed. */
  disarm(id: string): boolean {
    if (this.atoms.remove(id)) {
      this.#atomRules--
      return true
    }
    if (this.#patterns.disarm(id)) return true
    this.#sigmaRules.delete(id)
    return this.#sigma.disarm(id)
  }

  /** Hits of events, in their order; one hit for each rule, value and event. */
  match(events: Iterable<NormalEvent>): Hit[] {
    const hits: Hit[] = []
    for (const event of events) this.matchEvent(event, hits)
    return hits
  }

  /** Adds the hits of one event to a list. */
  matchEvent(event: NormalEvent, hits: Hit[]): void {
    if (this.#atomRules > 0 || this.#patterns.size > 0) {
      const { time } = event
      if (time !== undefined) {
        if (this.#atomRules > 0) this.#matchAtoms(event, time, hits)
        this.#patterns.match(event, time, (rule) => hits.push(toHit(rule, 'stix', rule.pattern, time, event)))
      }
    }
    this.#sigma.match(event, (id, sigma) => {
      const rule = this.#sigmaRules.get(id)
      const { time } = event
      if (rule && isInForce(rule, time)) hits.push(toHit(rule, 'sigma', sigma.title, time, event))
    })
  }

  /** Whether every event has to be read in full: rules are armed that the scan for atoms can't stand in for. */
  get needsEveryEvent(): boolean {
    return this.#patterns.size > 0 || this.#sigma.size > 0
  }

  #arm(rule: Rule): ArmResult {
    if (rule.validUntil !== undefined && rule.validUntil <= rule.validFrom)
      return this.#refuse('DETECT_VALIDITY_INVALID', 'It is valid until before it is valid from: it could never match.')
    return rule.kind === 'sigma' ? this.#armSigma(rule) : this.#armPattern(rule)
  }

  #armSigma(rule: Rule): ArmResult {
    const parsed = parseSigma(rule.pattern)
    if (this.#sigma.size >= SIGMA_RULES_MAX && !this.#sigmaRules.has(rule.id))
      return this.#refuse('DETECT_LIMIT', `${SIGMA_RULES_MAX} Sigma rules are armed; disarm some first.`)
    const replaced = this.disarm(rule.id)
    this.#sigma.arm(rule.id, parsed)
    this.#sigmaRules.set(rule.id, { ...rule, pattern: '' })
    return armed('sigma', 0, replaced)
  }

  #armPattern(rule: Rule): ArmResult {
    const pattern = parseStix(rule.pattern)
    const patternAtoms = atomsOf(pattern)
    const atoms = patternAtoms && toAtoms(patternAtoms)
    if (atoms && !Array.isArray(atoms)) return this.#refuse(atoms.code, atoms.message)
    if (!atoms) return this.#armEvaluated(rule, pattern)
    if (atoms.length > ATOMS_MAX)
      return this.#refuse('DETECT_LIMIT', `${atoms.length} values; the limit is ${ATOMS_MAX}.`)
    for (const atom of atoms) {
      const refusal = this.#guard.refuse(atom)
      if (refusal) return this.#refuse(refusal.code, refusal.message)
      if (atom.value.length > ATOM_VALUE_MAX)
        return this.#refuse(
          'DETECT_LIMIT',
          `A value of ${atom.value.length} characters; the limit is ${ATOM_VALUE_MAX}.`,
        )
    }
    const replaced = this.disarm(rule.id)
    this.atoms.add(rule, atoms)
    this.#atomRules++
    return armed('atoms', atoms.length, replaced)
  }

  #armEvaluated(rule: Rule, pattern: Pattern): ArmResult {
    const reason = PatternSet.refuse(pattern)
    if (reason) return this.#refuse('DETECT_PATTERN_UNSUPPORTED', reason)
    if (this.#patterns.size >= PATTERNS_MAX)
      return this.#refuse('DETECT_LIMIT', `${PATTERNS_MAX} patterns outside of the index are armed; disarm some first.`)
    const compiled = compileStix(pattern)
    const replaced = this.disarm(rule.id)
    this.#patterns.arm(rule, compiled)
    return armed('pattern', 0, replaced)
  }

  #matchAtoms(event: NormalEvent, time: number, hits: Hit[]): void {
    const seen = new Set<string>()
    for (const observable of event.observables)
      for (const { entry, value } of this.atoms.match(observable, time)) {
        const key = `${entry.rule.id} ${value}`
        if (seen.has(key)) continue
        seen.add(key)
        hits.push(toHit(entry.rule, 'stix', value, time, event))
      }
  }

  #refuse(code: DetectCode, message: string): ArmResult {
    this.#refused.set(code, (this.#refused.get(code) ?? 0) + 1)
    return { armed: false, code, message }
  }
}

const armed = (as: ArmedAs, atoms: number, replaced: boolean): ArmResult => ({ armed: true, as, atoms, replaced })

function parseStix(text: string): Pattern {
  try {
    return parsePattern(text)
  } catch (cause) {
    throw new DetectError(
      'DETECT_PATTERN_INVALID',
      `Not a STIX pattern: ${cause instanceof Error ? cause.message : String(cause)}`,
      {
        cause,
      },
    )
  }
}

/** Without a time of its own an event is taken to be inside the validity of rules that have no end. */
const isInForce = (rule: Rule, time: number | undefined): boolean =>
  time === undefined
    ? rule.validUntil === undefined
    : rule.validFrom <= time && (rule.validUntil === undefined || time < rule.validUntil)

function toHit(
  rule: Omit<Rule, 'pattern' | 'kind'>,
  kind: Hit['kind'],
  value: string,
  time: Hit['time'],
  event: NormalEvent,
): Hit {
  return {
    id: rule.id,
    kind,
    ...(rule.member === undefined ? {} : { member: rule.member }),
    ...(rule.source === undefined ? {} : { source: rule.source }),
    value,
    time,
    event: event.ref,
  }
}
