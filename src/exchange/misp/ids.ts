import { uuid5 } from '#base'

/** Namespace of the ids that MISP's STIX converters make, so that both make the same ones. */
const MISP_NAMESPACE = '76beed5f-7251-457e-8c2a-b45f7b589d3d'

/** UUID of what has none of its own, from the names of its parts. */
export const mispUuid = (...parts: readonly string[]): string => uuid5(MISP_NAMESPACE, parts.join(' - '))

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** The lower-case UUID of a value, or one made from what identifies the value. */
export const uuidOf = (value: unknown, ...parts: readonly string[]): string =>
  typeof value === 'string' && UUID.test(value) ? value.toLowerCase() : mispUuid(...parts)

/** UUID of a STIX id. */
export const uuidIn = (id: string): string => id.slice(id.indexOf('--') + 2)
