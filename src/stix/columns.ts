import { timestampKey } from '#base'
import type { JsonObject } from '#base'

/** What is read out of an object to find it again; the store keeps it beside the bytes. */
export interface StixColumns {
  id: string
  type: string
  /** `timestampKey` of `modified`, or of `created` where the type has no `modified`; '' for unversioned objects. */
  modified: string
  /** `created_by_ref`. */
  creator?: string
  /** `pattern_type` of an indicator. */
  patternType?: string
  revoked?: boolean
}

/** Index columns of a valid object; absent properties stay absent. */
export function objectColumns(object: JsonObject): StixColumns {
  const { id, type, created_by_ref: creator, pattern_type: patternType } = object
  const version = object['modified'] ?? object['created']
  const columns: StixColumns = {
    id: typeof id === 'string' ? id : '',
    type: typeof type === 'string' ? type : '',
    modified: typeof version === 'string' ? timestampKey(version) : '',
  }
  if (typeof creator === 'string') columns.creator = creator
  if (type === 'indicator' && typeof patternType === 'string') columns.patternType = patternType
  if (object['revoked'] === true) columns.revoked = true
  return columns
}
