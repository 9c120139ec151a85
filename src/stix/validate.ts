import type { Json, JsonObject } from '#base'
import type { Report } from './report.ts'

/** What to check beyond the MUSTs. */
export interface ValidateOptions {
  /** Adds the SHOULD level as warnings. */
  strict?: boolean
}

/** Answer of the batch command: `id` is the request's. */
export interface ValidateAnswer extends Omit<Report, 'id'> {
  id: Json
}

/** Validates one object or bundle; never throws, whatever the value. */
export function validateObject(value: Json, options: ValidateOptions = {}): Report {
  void options
  const object = typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined
  if (object === undefined) {
    const finding = { code: 'NOT_AN_OBJECT', path: '', message: 'A STIX object is a JSON object.', section: '3.1' } as const
    return { valid: false, errors: [finding], warnings: [] }
  }
  return { ...named(object), valid: true, errors: [], warnings: [] }
}

/** Answers one line of `validate --batch`: `{"id","object"}` in, one answer out, also for a bundle. */
export function answerValidateVector(request: JsonObject, options: ValidateOptions = {}): ValidateAnswer {
  return { ...validateObject(request['object'] ?? null, options), id: request['id'] ?? null }
}

function named(object: JsonObject): { id?: string; type?: string } {
  const { id, type } = object
  return { ...(typeof id === 'string' ? { id } : {}), ...(typeof type === 'string' ? { type } : {}) }
}
