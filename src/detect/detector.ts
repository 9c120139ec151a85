import type { MemberId } from '#base'
import { atomsOf, type Pattern, parsePattern } from '#stix'
import { AtomIndex, type IndexMemory } from './atoms/atom-index.ts'
import { toAtoms } from './atoms/from-pattern.ts'
import { DetectError, type DetectCode } from './error.ts'
import type { NormalEvent, Observable } from './event.ts'
import { Guard, type GuardOptions } from './guard.ts'
import { needlesOf, refuseOrdinary } from './pattern-needles.ts'
import { compileStix, type PatternCounts, PatternSet } from './patterns.ts'
import type { ArmedAs, ArmResult, Hit, HitSpan, Rule } from './rule.ts'
import { SigmaEngine } from './sigma/engine.ts'
import { trafficEnds } from './observation.ts'
import { parseSigma } from './sigma/rule.ts'

/** Most Sigma rules armed at once. */
export const SIGMA_RULES_MAX = 50_000
/** Most values of one pattern: each is an entry of the index. */
export const ATOMS_MAX = 10_000
const ATOM_VALUE_MAX = 8_192

/** What a detector holds, and what it turned away. */
export interface DetectorMemory extends IndexMemory {
  patterns: number
  /** What evaluating the patterns outside of the index has met. */
  evaluated: PatternCounts
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
  #guard: Guard
  readonly #patterns = new PatternSet()
  readonly #sigma = new SigmaEngine()
  readonly #sigmaRules = new Map<string, Rule>()
  readonly #refused = new Map<DetectCode, number>()
  #atomRules = 0

  constructor(options: GuardOptions = {}) {
    this.#guard = new Guard(options)
  }

  /** Other ranges and domains are to be kept out from now on; what is armed already stays until it is armed anew. */
  protect(options: GuardOptions): void {
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
      evaluated: this.#patterns.counts(),
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
    const held = this.atoms.remove(id)
    if (this.#patterns.disarm(id)) return true
    if (held) {
      this.#atomRules--
      return true
    }
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
    // Reading the time costs as much as many a rule: only where something needs it.
    if (this.#atomRules > 0 || this.#patterns.size > 0) {
      const { time } = event
      if (time !== undefined) this.#matchStix(event, time, hits)
    }
    this.#sigma.match(event, (id, sigma) => {
      const rule = this.#sigmaRules.get(id)
      const { time } = event
      if (rule && isInForce(rule, time)) hits.push(toHit(rule, 'sigma', sigma.title, time, event))
    })
  }

  /** Whether every event has to be read in full: rules are armed that the scan for atoms can't stand in for. */
  get needsEveryEvent(): boolean {
    return this.#patterns.needsEveryEvent || this.#sigma.size > 0
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
    const reason = this.#patterns.refuse(rule)
    if (reason) return this.#refuse('DETECT_LIMIT', reason)
    const refusal = refuseOrdinary(pattern, this.#guard)
    if (refusal) return this.#refuse(refusal.code, refusal.message)
    const stream = compileStix(pattern)
    const needles = needlesOf(pattern, ATOMS_MAX)?.filter(({ value }) => value.length <= ATOM_VALUE_MAX)
    const replaced = this.disarm(rule.id)
    if (needles) this.atoms.add({ ...rule, member: NEEDLE }, needles)
    this.#patterns.arm(rule, stream, needles !== undefined)
    return armed('pattern', 0, replaced)
  }

  #matchStix(event: NormalEvent, time: number, hits: Hit[]): void {
    const named = new Set<string>()
    if (this.#atomRules > 0 || this.#patterns.hasNeedles) this.#matchAtoms(event, time, named, hits)
    this.#patterns.match(event, time, named, (rule, span) =>
      hits.push(toHit(rule, 'stix', shownPattern(rule.pattern), time, event, span)),
    )
  }

  /** Hits of the index; `named` gathers the patterns whose needles the event holds. */
  #matchAtoms(event: NormalEvent, time: number, named: Set<string>, hits: Hit[]): void {
    const seen = new Set<string>()
    const look = (observable: Observable, needlesOnly: boolean) => {
      for (const { entry, value } of this.atoms.match(observable, time)) {
        if (entry.rule.member === NEEDLE) {
          named.add(entry.rule.id)
          continue
        }
        const key = `${entry.rule.id} ${value}`
        if (needlesOnly || seen.has(key)) continue
        seen.add(key)
        hits.push(toHit(entry.rule, 'stix', value, time, event))
      }
    }
    for (const observable of event.observables) look(observable, false)
    if (this.#patterns.hasNeedles) for (const value of trafficEnds(event)) look({ kind: 'ipv4', value }, true)
  }

  #refuse(code: DetectCode, message: string): ArmResult {
    this.#refused.set(code, (this.#refused.get(code) ?? 0) + 1)
    return { armed: false, code, message }
  }
}

/** Marks the entries of a pattern's needles: no member has this id. */
const NEEDLE = '#needle' as MemberId

/** Characters of a pattern that a hit shows. */
const SHOWN_MAX = 512

const shownPattern = (pattern: string): string =>
  pattern.length > SHOWN_MAX ? `${pattern.slice(0, SHOWN_MAX)}…` : pattern

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
  span?: HitSpan,
): Hit {
  return {
    id: rule.id,
    kind,
    ...(rule.member === undefined ? {} : { member: rule.member }),
    ...(rule.source === undefined ? {} : { source: rule.source }),
    value,
    time,
    event: event.ref,
    ...(span === undefined ? {} : { span }),
  }
}
