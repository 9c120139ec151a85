/** One row of the benchmark table. @see DESIGN section 11 */
export interface Bench {
  /** Name on the command line: `npm run bench -- NAME`. */
  name: string
  what: string
  unit: string
  /** Figure to reach, in `unit`. */
  target: number
  better: 'higher' | 'lower'
  /** What a rate is divided by: CPU seconds of the process, or wall time. */
  per: 'cpu' | 'wall'
  /** Takes too long for every run: measured only where it is named on the command line. */
  byNameOnly?: true
  /** Builds the input once; returns the function whose every call gives one figure. */
  prepare: () => Promise<{ sample: () => Promise<number>; dispose?: () => Promise<void> }>
}

/** CPU seconds (user and system, all threads) that `work` took in this process. */
export async function cpuSeconds(work: () => unknown): Promise<number> {
  const before = process.cpuUsage()
  await work()
  const used = process.cpuUsage(before)
  return (used.user + used.system) / 1_000_000
}
