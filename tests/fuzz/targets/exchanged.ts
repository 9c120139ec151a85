// What must hold of any input of other systems' formats: what is made of it is valid STIX, and can be written.
import type { JsonObject } from '#base'
import { EXPORT_FORMATS, ExchangeError, type ImportFormat, readInput, writeOutput } from '#exchange'
import { validateObject } from '#stix'
import { attempt, must, mustEqual } from '../target.ts'

/** When inputs without a time were read. */
export const NOW = '2026-02-01T00:00:00.000Z'

/** Reads an input, checks what was made of it, and writes it out again. */
export function exchanged(input: Uint8Array, format: ImportFormat | 'auto'): string {
  const read = attempt(() => readInput(input, { format, source: 'fuzz', now: NOW }), ExchangeError)
  if (!read.ok) return `${format} ${read.word}`
  const { objects, format: found, losses } = read.value
  must(losses.listed.length <= 1_000 && losses.listed.length <= losses.total, 'losses that are listed are bounded')
  for (const object of objects) {
    const { errors } = validateObject(object)
    must(errors.length === 0, 'what is made of an input is valid', errors[0], object)
  }
  mustEqual(
    readInput(input, { format, source: 'fuzz', now: NOW }).objects,
    objects,
    'an input means the same each time',
  )
  written(objects)
  return `${found} ${[...new Set(objects.map(({ type }) => String(type)))].sort().join(' ').slice(0, 80)}`
}

/** Writes objects in every format: none of them changes, and what is JSON reads as such. */
export function written(objects: readonly JsonObject[]): void {
  const before = JSON.stringify(objects)
  for (const name of EXPORT_FORMATS) {
    const { text } = writeOutput(objects, name, { now: NOW })
    must(typeof text === 'string', 'an export is a text')
    if (name === 'misp' || name === 'stix') JSON.parse(text)
  }
  mustEqual(JSON.stringify(objects), before, 'writing changes nothing')
}
