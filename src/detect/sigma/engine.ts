import type { NormalEvent } from '../event.ts'
import { type Logsource } from '../event.ts'
import { compileTest } from './compile.ts'
import { type ArmedSigma, RuleGroup } from './group.ts'
import type { SigmaRule } from './rule.ts'
import { EventView, FieldNames } from './view.ts'

/** Newly armed rules that are evaluated one by one before a group is built anew. */
const PENDING_MAX = 64

/** Whether a rule's log source takes in an event's: every part that the rule names is the same. */
export function accepts(rule: Logsource, event: Logsource): boolean {
  return (
    (rule.product === undefined || rule.product === event.product) &&
    (rule.category === undefined || rule.category === event.category) &&
    (rule.service === undefined || rule.service === event.service)
  )
}

/**
 * The armed Sigma rules, grouped by the log sources of events. A group is built when its first event comes; arming
 * and disarming take effect at once, and the groups catch up after some changes.
 */
export class SigmaEngine {
  readonly #fields = new FieldNames()
  readonly #view = new EventView(this.#fields)
  readonly #rules = new Map<string, ArmedSigma>()
  readonly #groups = new Map<readonly Logsource[], RuleGroup>()
  readonly #pending = new Map<string, ArmedSigma>()

  get size(): number {
    return this.#rules.size
  }

  arm(id: string, rule: SigmaRule): void {
    const armed = { id, rule, compiled: compileTest(rule.test, this.#fields) }
    this.#rules.set(id, armed)
    if (this.#groups.size === 0) return
    this.#pending.set(id, armed)
    if (this.#pending.size > PENDING_MAX) {
      this.#pending.clear()
      this.#groups.clear()
    }
  }

  disarm(id: string): boolean {
    this.#pending.delete(id)
    return this.#rules.delete(id)
  }

  /** Whether an event of these log sources could match any rule. */
  concerns(sources: readonly Logsource[]): boolean {
    if (this.#rules.size === 0 || sources.length === 0) return false
    return this.#pending.size > 0 || this.#group(sources).rules.length > 0
  }

  /** Rules that match an event, by id. */
  match(event: NormalEvent, found: (id: string, rule: SigmaRule) => void): void {
    const sources = event.logsource
    if (this.#rules.size === 0 || sources.length === 0) return
    const group = this.#group(sources)
    if (group.rules.length === 0 && this.#pending.size === 0) return
    this.#view.open(event)
    group.match(this.#view, (armed) => {
      // A rule disarmed or replaced since the group was built is no longer the one in the map.
      if (this.#rules.get(armed.id) === armed) found(armed.id, armed.rule)
    })
    for (const armed of this.#pending.values())
      if (isFor(armed.rule, sources) && armed.compiled(this.#view)) found(armed.id, armed.rule)
  }

  #group(sources: readonly Logsource[]): RuleGroup {
    const known = this.#groups.get(sources)
    if (known) return known
    const chosen = [...this.#rules.values()].filter(
      (armed) => !this.#pending.has(armed.id) && isFor(armed.rule, sources),
    )
    const group = new RuleGroup(chosen, this.#fields)
    this.#groups.set(sources, group)
    return group
  }
}

const isFor = (rule: SigmaRule, sources: readonly Logsource[]): boolean =>
  sources.some((source) => accepts(rule.logsource, source))
