import type { Json, JsonObject } from '#base'
import { isObject, wrongType } from './engine/check.ts'
import { checkObject } from './engine/checkers.ts'
import { Sink } from './engine/sink.ts'
import type { Finding, Report } from './report.ts'

/** What to check beyond the MUSTs. */
export interface ValidateOptions {
  /** Adds the SHOULD level as warnings. */
  strict?: boolean
  /** Refuses objects that say they are of STIX 2.0: little of them is checked, so nobody should pass them on. */
  current?: boolean
}

/** Answer of the batch command: `id` is the request's. */
export interface ValidateAnswer extends Omit<Report, 'id'> {
  id: Json
}

/** Shared by the reports of all valid objects, so frozen. */
const NOTHING: readonly Finding[] = Object.freeze([])

/** Validates one object or bundle, with all its errors at once; whatever the value, it does not throw. */
export function validateObject(value: Json, options: ValidateOptions = {}): Report {
  const sink = options.strict === true ? new Sink(true, checkObject) : quickSink()
  if (isObject(value)) checkObject(value, sink)
  else wrongType(sink, 'a STIX object', value, '3')
  if (options.current === true && isObject(value) && value['spec_version'] === '2.0')
    sink.fail('INVALID_VALUE', "must be '2.1', but is '2.0': convert the object first", '3.2', 'spec_version')
  const report = toReport(value, sink)
  if (sink.count > 0 && sink === reusable) reusable = undefined
  return report
}

/** The report on a value that was checked into the sink. */
export function toReport(value: Json, sink: Sink): Report {
  const report: Report = { valid: true, errors: NOTHING, warnings: NOTHING }
  if (isObject(value)) {
    const { id, type } = value
    if (typeof id === 'string') report.id = id
    if (typeof type === 'string') report.type = type
  }
  if (sink.count === 0) return report
  report.errors = sink.errors()
  report.warnings = sink.warnings()
  report.valid = report.errors.length === 0
  return report
}

/** Answers one line of `validate --batch`: `{"id","object"}` in, one answer out, also for a bundle. */
export function answerValidateVector(request: JsonObject, options: ValidateOptions = {}): ValidateAnswer {
  const { id = null, object = null } = request
  const { type, valid, errors, warnings } = validateObject(object, options)
  return { id, ...(type === undefined ? {} : { type }), valid, errors, warnings }
}

/** A sink that found nothing is as good as new: valid objects share one. */
let reusable: Sink | undefined
function quickSink(): Sink {
  reusable ??= new Sink(false, checkObject)
  return reusable
}
