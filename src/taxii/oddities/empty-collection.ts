/**
 * 404 for the objects of a collection that has none, as medallion 1 answered: whether the collection itself is there
 * tells. @see https://github.com/oasis-open/cti-taxii-server/issues/98
 */
export const namesCollection = (resource: Record<string, unknown>): boolean => typeof resource['id'] === 'string'
