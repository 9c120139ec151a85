import { patternText } from '../indicators/indicator.ts'
import { isInteger, isTime, typedValue, typeOfHost } from './graph.ts'
import { parsePath } from './path.ts'

/** One comparison of a pattern: a path, and the value it equals. */
export function term(path: string, value: string): string {
  const name = parsePath(path).steps.at(-1)?.name ?? ''
  const typed = isInteger(name) || isTime(name) ? typedValue(name, value) : undefined
  if (typeof typed === 'string') return `${path} = t${patternText(typed)}`
  return `${path} = ${typeof typed === 'number' ? typed : patternText(value)}`
}

/** Comparisons for the host at an end of traffic: its kind and its value. */
export function hostTerms(path: string, value: string): string[] {
  return [term(path.replace(/\.value$/, '.type'), typeOfHost(value)), term(path, value)]
}

/** Whether a path leads to the host at an end of traffic. */
export const isHostPath = (path: string): boolean => /:(?:src|dst)_ref\.value$/.test(path)
