/** Steps (20 to 200 ns each) that one pattern may take for one event once it has saved them: at most 20 ms, … */
const PATTERN_SAVED_MAX = 100_000
/** … what it earns with each event that it is asked about (sequences of five among 500 events take about 5,000), … */
const PATTERN_EARNED = 20_000
/** … and the least it earns after it ran over its budget again and again. */
const PATTERN_EARNED_LEAST = 1_000
/** Steps that all patterns together may take for one event once they have saved them, … */
const EVENT_SAVED_MAX = 400_000
/** … and what they earn with each event. */
const EVENT_EARNED = 200_000

/**
 * What evaluating patterns may cost, in steps: earned with events, saved up to a bound, so that the cost of an event is
 * bounded and its average smaller still. A pattern that runs over its budget earns half as much from then on, and
 * regains it slowly.
 */
export class EvaluationBudget {
  readonly #max: number
  #earned: number
  #saved: number

  constructor(max = PATTERN_SAVED_MAX, earned = PATTERN_EARNED) {
    this.#max = max
    this.#earned = earned
    this.#saved = max
  }

  /** The budget that all patterns share. */
  static ofEvents(): EvaluationBudget {
    return new EvaluationBudget(EVENT_SAVED_MAX, EVENT_EARNED)
  }

  get saved(): number {
    return this.#saved
  }

  earn(): void {
    this.#saved = Math.min(this.#max, this.#saved + this.#earned)
    if (this.#earned < PATTERN_EARNED) this.#earned += PATTERN_REGAINED
  }

  spend(steps: number): void {
    this.#saved = Math.max(0, this.#saved - steps)
  }

  overrun(): void {
    this.#earned = Math.max(PATTERN_EARNED_LEAST, this.#earned / 2)
  }
}

/** What a pattern regains of its earnings with each event. */
const PATTERN_REGAINED = 10
