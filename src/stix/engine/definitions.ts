import { COMMON_USE } from '../types/common.ts'
import { CONTEXT_TYPES } from '../types/context.ts'
import { FILE_TYPES } from '../types/files.ts'
import { HOST_TYPES } from '../types/host.ts'
import { META_TYPES } from '../types/meta.ts'
import { NETWORK_TYPES } from '../types/network.ts'
import { RELATIONSHIP_TYPES } from '../types/relationships.ts'
import { THREAT_TYPES } from '../types/threat.ts'
import type { ObjectDefinition } from './object.ts'

/** Every object type of the specification. */
export const DEFINITIONS: ReadonlyMap<string, ObjectDefinition> = new Map(
  [
    ...THREAT_TYPES,
    ...CONTEXT_TYPES,
    ...RELATIONSHIP_TYPES,
    ...NETWORK_TYPES,
    ...HOST_TYPES,
    ...FILE_TYPES,
    ...META_TYPES,
  ].map((definition) => [definition.type, definition]),
)

const ENGINE_PROPERTIES: ReadonlySet<string> = new Set(['type', 'id', 'spec_version', 'extensions'])

/** Whether the specification defines a property for a type; of types that are not its own, it defines them all. */
export function definesProperty(type: string, name: string): boolean {
  const definition = DEFINITIONS.get(type)
  if (definition === undefined || ENGINE_PROPERTIES.has(name)) return true
  return Object.hasOwn(definition.properties, name) || Object.hasOwn(COMMON_USE[definition.kind].properties, name)
}
