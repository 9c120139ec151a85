import type { Json, JsonObject } from '#base'
import { isObject, shown } from './check.ts'
import type { Sink } from './sink.ts'

const SECTION = '7.2.3.1'
const INDEX = /^\[(0|[1-9]\d{0,8})\]$/
const NAME = /^[a-zA-Z0-9_-]{1,250}$/
const SELECTOR_LIMIT_CHARACTERS = 4_096

/** Checks that each selector of `granular_markings` has the right form and selects something of the object. */
export function checkSelectors(object: JsonObject, sink: Sink): void {
  const markings = object['granular_markings']
  if (!Array.isArray(markings)) return
  for (const [index, marking] of markings.entries()) {
    const selectors = isObject(marking) ? marking['selectors'] : undefined
    if (!Array.isArray(selectors)) continue
    for (const [place, selector] of selectors.entries()) {
      if (typeof selector !== 'string') continue
      const fault = faultOf(selector, object)
      if (fault !== undefined)
        sink.fail(
          'INVALID_SELECTOR',
          `${shown(selector)} ${fault}`,
          SECTION,
          `granular_markings.[${index}].selectors.[${place}]`,
        )
    }
  }
}

/** What is wrong with a selector on this object, or undefined. */
function faultOf(selector: string, object: JsonObject): string | undefined {
  if (selector.length > SELECTOR_LIMIT_CHARACTERS) return `is longer than ${SELECTOR_LIMIT_CHARACTERS} characters`
  const steps = selector.split('.')
  for (const step of steps)
    if (!INDEX.test(step) && !NAME.test(step)) return 'is not made of property names and [indexes] separated by dots'
  let value: Json | undefined = object
  for (const step of steps) {
    value = stepInto(value, step)
    if (value === undefined) return 'selects nothing that this object has'
  }
  return undefined
}

function stepInto(value: Json, step: string): Json | undefined {
  const index = INDEX.exec(step)
  if (index) return Array.isArray(value) ? value[Number(index[1])] : undefined
  return isObject(value) && Object.hasOwn(value, step) ? value[step] : undefined
}
