/** What one look of the doctor found. */
export interface Finding {
  check:
    | 'data directory'
    | 'keys'
    | 'disk'
    | 'limits'
    | 'port'
    | 'certificate'
    | 'address'
    | 'clock'
    | 'peer'
    | 'quota'
    | 'charter'
    | 'proxy'
  /** `warn` works today and will not for long, or not for everybody; `fail` does not work. */
  state: 'ok' | 'warn' | 'fail'
  /** What was found, in one line. */
  what: string
  /** What to do about it; absent where nothing is to be done. */
  next?: string
}

/** A finding that needs nothing. */
export const ok = (check: Finding['check'], what: string): Finding => ({ check, state: 'ok', what })

/** A finding that will matter. */
export const warn = (check: Finding['check'], what: string, next: string): Finding => ({
  check,
  state: 'warn',
  what,
  next,
})

/** A finding that keeps the node from working. */
export const fail = (check: Finding['check'], what: string, next: string): Finding => ({
  check,
  state: 'fail',
  what,
  next,
})
