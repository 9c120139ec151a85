import type { JsonObject } from '#base'
import type { TlpLabel } from '#stix'
import { tlpOf } from '../markings.ts'
import type { LossReport } from '../loss.ts'
import { objectsOf, textOf } from '../fields.ts'

/** What tags say: levels of TLP, clusters of galaxies, and the others, which become labels. */
export interface TagFacts {
  levels: TlpLabel[]
  galaxies: string[]
  labels: string[]
}

/** Reads the tags of an event or attribute. A TLP tag that is not of TLP 2.0 counts as red, the closed side. */
export function tagsOf(element: JsonObject, path: string, losses: LossReport): TagFacts {
  const facts: TagFacts = { levels: [], galaxies: [], labels: [] }
  for (const tag of [
    ...objectsOf(element, 'Tag'),
    ...objectsOf(element, 'EventTag').flatMap((one) => objectsOf({ Tag: [one['Tag'] ?? null] }, 'Tag')),
  ]) {
    const name = textOf(tag, 'name')
    const level = /^tlp:/i.test(name) ? tlpOf(name) : undefined
    if (name === '') continue
    if (name.startsWith('misp-galaxy:')) facts.galaxies.push(name)
    else if (/^tlp:/i.test(name)) {
      if (level === 'unknown' || level === undefined)
        losses.add(`${path}.Tag`, `“${name.slice(0, 60)}” is no level of TLP 2.0, so it is handled as TLP:RED`)
      facts.levels.push(level === 'unknown' || level === undefined ? 'red' : level)
    } else {
      if (/^pap:/i.test(name))
        losses.add(`${path}.Tag`, `“${name.slice(0, 60)}” is kept as a label; the network does not enforce PAP`)
      facts.labels.push(name)
    }
  }
  return facts
}
