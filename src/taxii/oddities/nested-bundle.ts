import { isJsonObject, type Json } from '#base'

/**
 * Whole bundles among an envelope's objects, as medallion hands them out where somebody posted one: their objects are
 * taken. @see https://github.com/OpenCTI-Platform/opencti/issues/4686
 */
export const isNestedBundle = (value: Json): boolean =>
  isJsonObject(value) && value['type'] === 'bundle' && Array.isArray(value['objects'])
