/**
 * A STIX bundle where an envelope should be, as TAXII 2.0 answered: it has `objects`, and neither `more` nor `next`.
 * @see https://github.com/OpenCTI-Platform/connectors/pull/1106
 */
export function objectsOf(envelope: { objects?: unknown }): Record<string, unknown>[] {
  const list = Array.isArray(envelope.objects) ? (envelope.objects as unknown[]) : []
  return list.map((object) => (typeof object === 'object' && object !== null ? object : {}) as Record<string, unknown>)
}
