import type { Json, JsonObject } from '#base'
import { atPath } from './event.ts'

/** Longest name of an observer that is told apart, in UTF-16 units: a host name has at most 253 characters. */
const NAME_MAX = 255

/** Fields in which shippers of every kind name the machine that a line came from. */
const SHIPPER_FIELDS = ['host.name', 'host.hostname', 'agent.hostname', 'observer.name', 'observer.hostname'] as const

/**
 * The sensor or host that an event names as its source, in small letters: the first of the format's own fields, else
 * what a shipper added (`host.name`, `agent.hostname`, `observer.name`). `undefined` where it names none.
 */
export function observerIn(raw: JsonObject, own: JsonObject, names: readonly string[]): string | undefined {
  for (const name of names) {
    const found = nameOf(Object.hasOwn(own, name) ? own[name] : undefined)
    if (found !== undefined) return found
  }
  for (const path of SHIPPER_FIELDS) {
    const found = nameOf(Object.hasOwn(raw, path) ? raw[path] : atPath(raw, path))
    if (found !== undefined) return found
  }
  return undefined
}

const nameOf = (value: Json | undefined): string | undefined =>
  typeof value === 'string' && value !== '' && value !== '-' ? value.slice(0, NAME_MAX).toLowerCase() : undefined
