/** What one input may cost; beyond it, it is a finding. */
export const INPUT_MS = 100
/** Repetitions of an input that was slow, the fastest of which counts: other work on the machine is not the parser's. */
export const SLOW_RERUNS = 3
/** Without an answer for so long, a worker is ended: many times `INPUT_MS`, for a machine that is busy. */
export const HANG_MS = 5_000
/** Heap of a worker: an input that needs more ends it. */
export const WORKER_HEAP_MB = 256
/** By how much the memory that a target holds may grow in the second half of its inputs. */
export const GROWTH_BYTES = 33_554_432
/** Resident memory of the whole process, buffers outside the heap included, at which the present input is blamed. */
export const RESIDENT_BYTES = 1_073_741_824
/** Longest input, in bytes. */
export const LONGEST_INPUT_BYTES = 1_048_576
