import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { costFinding, errorFinding, type Finding } from './finding.ts'
import { INPUT_MS, SLOW_RERUNS } from './limits.ts'
import type { Target } from './target.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Bytes held after everything that nobody refers to is gone. */
export function heldBytes(): number {
  collect()
  const { used_heap_size: heap, external_memory: external } = getHeapStatistics()
  return heap + external
}

/** What came of an input: the target's answer, or a finding. */
export type Result = { answer: string } | { finding: Finding }

/**
 * Runs one input and looks at what it answers and, unless slow inputs are known, at what it costs; `begin` is called
 * before each time it is run.
 */
export async function measure(
  target: Target,
  input: Uint8Array,
  begin: () => void,
  isSlowKnown = false,
): Promise<Result> {
  begin()
  const from = performance.now()
  let answer: string | Promise<string>
  try {
    answer = target.run(input)
    if (typeof answer !== 'string') answer = await answer
  } catch (error) {
    return { finding: errorFinding(target.name, error, input) }
  }
  const isSlow = !isSlowKnown && performance.now() - from > INPUT_MS
  if (isSlow) {
    const ms = await fastest(target, input, begin)
    if (ms > INPUT_MS) return { finding: costFinding(target.name, 'slow', slowness(ms, input), input) }
  }
  return { answer }
}

const slowness = (ms: number, input: Uint8Array) =>
  `${Math.round(ms)} ms of this thread's time for ${input.length} bytes; ${INPUT_MS} ms are allowed`

/** Least processor time of this thread, in milliseconds, over some runs; what else the machine does is left out. */
async function fastest(target: Target, input: Uint8Array, begin: () => void): Promise<number> {
  let least = Infinity
  for (let run = 0; run < SLOW_RERUNS && least > INPUT_MS; run++) {
    begin()
    const from = process.threadCpuUsage()
    await target.run(input)
    const { user, system } = process.threadCpuUsage(from)
    least = Math.min(least, (user + system) / 1_000)
  }
  return least
}
