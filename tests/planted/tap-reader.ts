// What a test run says in the Test Anything Protocol, read while it says it.

const RESULT = /^\s*(not )?ok \d+ - (.+?)(?: # (?:SKIP|TODO).*)?$/
const DETAILS_BEGIN = /^\s+---$/
const DETAILS_END = /^\s+\.\.\.$/

/** Names of the tests that passed and failed so far, and what the failed ones said. */
export class TapReader {
  readonly failed = new Map<string, string>()
  readonly passed: string[] = []
  #rest = ''
  /** The failed test whose details are being read. */
  #open: string | undefined
  #details: string[] | undefined

  push(text: string): void {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop() ?? ''
    for (const line of lines) this.#take(line)
  }

  /** Whether a test whose name contains one of these has failed and said all that it says. */
  hasFailed(names: readonly string[]): boolean {
    return [...this.failed.keys()].some((name) => name !== this.#open && names.some((part) => name.includes(part)))
  }

  #take(line: string): void {
    if (this.#details) {
      if (!DETAILS_END.test(line)) return void this.#details.push(line)
      if (this.#open !== undefined) this.failed.set(this.#open, this.#details.join('\n'))
      this.#open = this.#details = undefined
      return
    }
    if (DETAILS_BEGIN.test(line)) return void (this.#details = [])
    const result = RESULT.exec(line)
    if (!result) return
    const name = (result[2] ?? '').replaceAll('\\#', '#')
    // What was left out has neither passed nor failed.
    if (/ # SKIP/.test(line)) return
    if (result[1] === undefined) return void this.passed.push(name)
    this.#open = name
    this.failed.set(name, '')
  }
}
