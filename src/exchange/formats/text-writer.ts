import type { Writer } from '../format.ts'
import { textOf } from '../fields.ts'
import { LossReport } from '../loss.ts'
import { valuesTold } from '../told.ts'

/** Kinds that are defanged, so that nobody follows them by accident. */
const DEFANGED = new Set(['ipv4', 'domain', 'url', 'email'])

/** Values, one per line and each once, defanged for mail. */
export const writeText: Writer = {
  name: 'text',
  write(objects) {
    const losses = new LossReport()
    const lines = new Set<string>()
    for (const object of objects) {
      const values = valuesTold(object)
      if (!values) losses.add(textOf(object, 'id'), 'it is no list of values')
      for (const { kind, value } of values ?? []) lines.add(DEFANGED.has(kind) ? defanged(value) : value)
    }
    return { text: [...lines, ''].join('\n'), losses }
  },
}

/** Value that no program takes for a link; the reader of texts makes it whole again. */
export const defanged = (value: string): string =>
  value.replace(/^http/i, 'hxxp').replaceAll('.', '[.]').replaceAll('@', '[@]')
