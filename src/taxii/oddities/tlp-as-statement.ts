/**
 * TLP that a marking-definition says in OpenCTI's own properties. Levels that STIX 2.1 does not predefine come as a
 * `statement` whose text is "custom": read as STIX has it, TLP:AMBER+STRICT would be no restriction at all.
 * @see https://github.com/OpenCTI-Platform/connectors/issues/5740, https://github.com/OpenCTI-Platform/opencti/issues/9335
 * @returns the level's name in lower case, or 'unclear' where the definition speaks of TLP in words that are not read
 */
export function knownLevelOf(definition: Record<string, unknown>): string | undefined {
  if (definition['id'] === OPENCTI_AMBER_STRICT) return 'amber+strict'
  if (typeof definition['x_opencti_definition'] === 'string' && isTlp(definition['x_opencti_definition_type'])) {
    const level = /^TLP:(\S+)$/i.exec(definition['x_opencti_definition'].trim())?.[1]?.toLowerCase()
    return LEVELS.get(level ?? '') ?? 'unclear'
  }
  const body = definition['definition'] as { statement?: unknown } | undefined
  const texts = [definition['name'], body?.statement, definition['x_opencti_definition']]
  const speaksOfTlp = texts.some((text) => typeof text === 'string' && /\btlp\b/i.test(text))
  return definition['definition_type'] === 'statement' && speaksOfTlp ? 'unclear' : undefined
}

/** The id under which OpenCTI and its connectors know TLP:AMBER+STRICT. */
export const OPENCTI_AMBER_STRICT = 'marking-definition--826578e1-40ad-459f-bc73-ede076f81f37'
const LEVELS = new Map(
  ['clear', 'green', 'amber', 'amber+strict', 'red']
    .map((level): [string, string] => [level, level])
    .concat([['white', 'clear']]),
)
const isTlp = (type: unknown) => typeof type === 'string' && /^tlp$/i.test(type)
