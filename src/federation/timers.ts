import type { Timers } from './api.ts'

/** The process's own timers; they keep no process alive. */
export const systemTimers: Timers = {
  set: (delayMs, run) => setTimeout(run, delayMs).unref(),
  clear: (handle) => clearTimeout(handle as NodeJS.Timeout),
}
