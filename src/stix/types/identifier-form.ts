import { isObject, shown } from '../engine/check.ts'
import type { RuleCheck } from '../engine/data-type.ts'

/** A rule that external references of one source carry identifiers of its form: CAPEC's and CVE's. */
export function identifierForm(source: string, form: RegExp, described: string): RuleCheck {
  return (object, sink, section) => {
    const references = object['external_references']
    if (!Array.isArray(references)) return
    for (const [index, reference] of references.entries()) {
      if (!isObject(reference) || reference['source_name'] !== source) continue
      const id = reference['external_id']
      if (id !== undefined && !(typeof id === 'string' && form.test(id)))
        sink.fail(
          'INVALID_VALUE',
          `must be of the form ${described} for the source ${source}, but is ${shown(id)}`,
          section,
          `external_references.[${index}].external_id`,
        )
    }
  }
}
