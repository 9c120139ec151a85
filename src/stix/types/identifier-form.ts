import { isObject, shown } from '../engine/check.ts'
import type { RuleCheck } from '../engine/data-type.ts'

/** A rule that identifiers of one source (CAPEC, CVE) have its form, and that references to it name that source. */
export function identifierForm(source: string, form: RegExp, described: string): RuleCheck {
  return (object, sink, section) => {
    const references = object['external_references']
    if (!Array.isArray(references)) return
    for (const [index, reference] of references.entries()) {
      if (!isObject(reference)) continue
      const { external_id: id, source_name: named } = reference
      if (typeof id !== 'string') continue
      const path = `external_references.[${index}]`
      if (named === source) {
        if (!form.test(id))
          sink.fail(
            'INVALID_VALUE',
            `must be of the form ${described} for the source ${source}, but is ${shown(id)}`,
            section,
            `${path}.external_id`,
          )
      } else if (typeof named === 'string' && form.test(id))
        sink.fail(
          'INVALID_VALUE',
          `must be '${source}' for the identifier ${id}, but is ${shown(named)}`,
          section,
          `${path}.source_name`,
        )
    }
  }
}
