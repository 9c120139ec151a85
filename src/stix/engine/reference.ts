import type { Json } from '#base'
import { META_TYPES, SCO_TYPES, SDO_TYPES, SRO_TYPES } from '../types/kinds.ts'
import { type Check, isObject, shown, wrongType } from './check.ts'
import type { Targets } from './data-type.ts'
import { isIdOf, typeOfId } from './forms.ts'
import type { Sink } from './sink.ts'

/** A check that a value names an object, of a type that the property may point to. */
export function compileReference(to: Targets): Check {
  if (typeof to !== 'string' && to.length === 1) return compileOneType(to[0] as string)
  const { allows, described } = typeof to === 'string' ? CLASSES[to] : namedTypes(to)
  return (value, sink) => {
    if (typeof value !== 'string') return wrongType(sink, 'an identifier', value, '2.9')
    const type = typeOfReference(value, sink)
    if (type === undefined) notAnId(value, sink)
    else if (!allows(type)) wrongTarget(value, described, sink)
  }
}

/** Most references have one target type, and are decided by one comparison of the prefix. */
function compileOneType(target: string): Check {
  const prefix = `${target}--`
  return (value, sink) => {
    if (typeof value !== 'string') return wrongType(sink, 'an identifier', value, '2.9')
    if (isIdOf(value, prefix) && sink.container === undefined) return
    const type = typeOfReference(value, sink)
    if (type === undefined) notAnId(value, sink)
    else if (type !== target) wrongTarget(value, target, sink)
  }
}

/** Inside the deprecated container a reference may be the key of another object in it. */
function typeOfReference(value: string, sink: Sink): string | undefined {
  if (sink.container === undefined) return typeOfId(value)
  const local = sink.container[value]
  if (isObject(local)) return typeof local['type'] === 'string' ? local['type'] : undefined
  const type = typeOfId(value)
  if (
    sink.strict &&
    type !== undefined &&
    !Object.values(sink.container).some((object) => isObject(object) && object['id'] === value)
  )
    sink.advise('INVALID_REFERENCE', `${shown(value)} should refer to an object of this container`, '2.13')
  return type
}

function notAnId(value: Json, sink: Sink): void {
  if (sink.container === undefined)
    sink.fail('INVALID_REFERENCE', `must be an identifier (type--UUID), but is ${shown(value)}`, '2.9')
  else sink.fail('INVALID_REFERENCE', `${shown(value)} is neither an identifier nor a key of this container`, '2.13')
}

function wrongTarget(value: Json, described: string, sink: Sink): void {
  sink.fail('INVALID_REFERENCE', `must refer to ${described}, but is ${shown(value)}`, '3.3')
}

const namedTypes = (names: readonly string[]) => {
  const set = new Set(names)
  return { allows: (type: string) => set.has(type), described: names.join(', ') }
}

/** Custom types belong to every class: what they are, the specification can't know. */
const CLASSES: Record<Extract<Targets, string>, { allows: (type: string) => boolean; described: string }> = {
  any: { allows: (type) => type !== 'bundle', described: 'a STIX object' },
  sdo: {
    allows: (type) => !SCO_TYPES.has(type) && !SRO_TYPES.has(type) && !META_TYPES.has(type) && type !== 'bundle',
    described: 'a domain object',
  },
  sco: {
    allows: (type) => !SDO_TYPES.has(type) && !SRO_TYPES.has(type) && !META_TYPES.has(type) && type !== 'bundle',
    described: 'a cyber-observable object',
  },
  'sdo-or-sco': {
    allows: (type) => !SRO_TYPES.has(type) && !META_TYPES.has(type) && type !== 'bundle',
    described: 'a domain or cyber-observable object',
  },
  'sco-or-sro': {
    allows: (type) => !SDO_TYPES.has(type) && !META_TYPES.has(type) && type !== 'bundle',
    described: 'a cyber-observable or relationship object',
  },
}
