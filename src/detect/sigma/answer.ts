import type { Json, JsonObject } from '#base'
import type { NormalEvent } from '../event.ts'
import { isObject } from '../event.ts'
import { formatsFor, normalise } from '../formats/registry.ts'
import { compileTest } from './compile.ts'
import { accepts } from './engine.ts'
import { parseSigma, type SigmaRule } from './rule.ts'
import { EventView, FieldNames } from './view.ts'

const AUTO = formatsFor('auto')

/** Compiles one rule to a test of single events; an event of another log source never matches. */
export function compileSigma(rule: SigmaRule): (event: NormalEvent) => boolean {
  const fields = new FieldNames()
  const view = new EventView(fields)
  const compiled = compileTest(rule.test, fields)
  return (event) => {
    if (!event.logsource.some((source) => accepts(rule.logsource, source))) return false
    view.open(event)
    return compiled(view)
  }
}

/**
 * Answers `{"id","rule","events"}` with `{"id","match","events"}` (indexes of the events that match), or with `error`.
 * @see DESIGN section 9
 */
export function answerSigmaVector(request: Json): JsonObject {
  if (!isObject(request)) return { id: null, error: 'The request is not an object.' }
  const id = request.id ?? null
  const { rule, events } = request
  if (typeof rule !== 'string' || !Array.isArray(events))
    return { id, error: 'A request has "rule" (YAML text) and "events" (a list of objects).' }
  try {
    const matches = compileSigma(parseSigma(rule))
    const found = events.flatMap((raw, index) => {
      const event = isObject(raw) ? normalise(AUTO, raw, { line: index + 1 }) : undefined
      return event && matches(event) ? [index] : []
    })
    return { id, match: found.length > 0, events: found }
  } catch (error) {
    return { id, error: error instanceof Error ? error.message : String(error) }
  }
}
