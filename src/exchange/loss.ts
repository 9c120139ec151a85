import { LOSSES_LISTED } from './limits.ts'

/** One thing of an input that was not taken as it is: where, and why. */
export interface Loss {
  path: string
  why: string
}

/** Collects losses; lists the first ones and counts all. */
export class LossReport {
  readonly listed: Loss[] = []
  total = 0

  add(path: string, why: string): void {
    this.total++
    if (this.listed.length < LOSSES_LISTED) this.listed.push({ path, why })
  }
}
