import { sha256Hex, utf8 } from '#base'
import { textOf } from '../fields.ts'
import type { Writer } from '../format.ts'
import { contentId } from '../ids.ts'
import { LossReport } from '../loss.ts'

/** A STIX 2.1 bundle of the objects as they are; its id follows from what it holds. */
export const writeStix: Writer = {
  name: 'stix',
  write(objects) {
    const id = contentId(
      'bundle',
      'export',
      sha256Hex(utf8(objects.map((one) => `${textOf(one, 'id')} ${textOf(one, 'modified')}`).join('\n'))),
    )
    const lines = objects.map((object) => JSON.stringify(object))
    return { text: `{"type":"bundle","id":"${id}","objects":[\n${lines.join(',\n')}\n]}\n`, losses: new LossReport() }
  },
}
