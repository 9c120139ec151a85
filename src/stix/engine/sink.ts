import type { JsonObject } from '#base'
import type { Finding, FindingCode } from '../report.ts'

/** Most findings kept of one object; more of the same help nobody, and a hostile object must not cost memory. */
const FINDINGS_LIMIT = 1_000
const NAME_SHOWN_CHARACTERS = 64

interface Entry extends Finding {
  level: 'must' | 'should'
}

/**
 * Collects findings while checkers run.
 *
 * A checker reports with an empty path; whoever called it compares `count` before and after, and only if it grew puts
 * its own step in front of the new findings' paths. So a valid object costs one integer comparison per value.
 */
export class Sink {
  count = 0
  readonly strict: boolean
  /** The object whose properties are being checked: what granular markings and `extensions` look back at. */
  root: JsonObject = {}
  /** The deprecated observable container being checked: references may name its keys. */
  container: JsonObject | undefined = undefined
  #entries: Entry[] = []
  #dropped = false

  /** Checks an object inside another one: a bundle's, or the deprecated container's. */
  readonly checkObject: (object: JsonObject, sink: Sink) => void

  constructor(strict: boolean, checkObject: (object: JsonObject, sink: Sink) => void) {
    this.strict = strict
    this.checkObject = checkObject
  }

  /** A broken MUST. */
  fail(code: FindingCode, message: string, section: string, path = ''): void {
    this.#add({ level: 'must', code, path, message, section })
  }

  /** A broken SHOULD; call only under `strict`. */
  advise(code: FindingCode, message: string, section: string, path = ''): void {
    this.#add({ level: 'should', code, path, message, section })
  }

  /** Puts a property name in front of the paths of the findings since `from`. */
  under(from: number, name: string): void {
    this.#prefix(from, name.length > NAME_SHOWN_CHARACTERS ? `${name.slice(0, NAME_SHOWN_CHARACTERS)}…` : name)
  }

  /** Puts a list index in front of the paths of the findings since `from`. */
  at(from: number, index: number): void {
    this.#prefix(from, `[${index}]`)
  }

  errors(): Finding[] {
    const errors = this.#of('must')
    if (this.#dropped)
      errors.push({
        code: 'TOO_MANY_FINDINGS',
        path: '',
        message: `Only the first ${FINDINGS_LIMIT} findings are listed. Correct these and validate again.`,
        section: '',
      })
    return errors
  }

  warnings(): Finding[] {
    return this.#of('should')
  }

  #add(entry: Entry): void {
    if (this.#entries.length >= FINDINGS_LIMIT) {
      this.#dropped ||= entry.level === 'must'
      return
    }
    this.#entries.push(entry)
    this.count = this.#entries.length
  }

  #prefix(from: number, step: string): void {
    for (const entry of this.#entries.slice(from)) entry.path = entry.path === '' ? step : `${step}.${entry.path}`
  }

  #of(level: 'must' | 'should'): Finding[] {
    return this.#entries
      .filter((entry) => entry.level === level)
      .map(({ code, path, message, section }) => ({ code, path, message, section }))
  }
}
