import type { JsonObject } from '#base'
import { objectsOf, textOf, textsOf } from '../fields.ts'

/** Words of MISP's taxonomy by the least confidence, 0 to 100, that each stands for. */
const CONFIDENCES: readonly (readonly [least: number, word: string])[] = [
  [88, 'completely-confident'],
  [63, 'usually-confident'],
  [38, 'fairly-confident'],
  [13, 'rarely-confident'],
  [0, 'unconfident'],
]
/** Kill chains whose phases are categories or galaxies of MISP already. */
const OWN_CHAINS = /^misp-category$|^mitre-/

/** Tags of what an object says beside its value: its labels, its confidence, the phases of its kill chain. */
export function tagsOfObject(object: JsonObject): string[] {
  const confidence = object['confidence']
  const word = typeof confidence === 'number' ? CONFIDENCES.find(([least]) => confidence >= least)?.[1] : undefined
  const phases = objectsOf(object, 'kill_chain_phases')
    .map((one) => [textOf(one, 'kill_chain_name'), textOf(one, 'phase_name')] as const)
    .filter(([chain]) => !OWN_CHAINS.test(chain))
  return [
    ...new Set([
      ...textsOf(object, 'labels').filter((label) => !isOwnLabel(label)),
      ...(word === undefined ? [] : [`misp:confidence-level="${word}"`]),
      ...phases.map(([chain, phase]) => `kill-chain:${chain}="${phase}"`),
    ]),
  ]
}

/** Whether a label says what an object was in MISP, so is no tag. */
const isOwnLabel = (label: string) =>
  /^misp:(?:type|category|name|meta-category|to_ids|galaxy-name|galaxy-type|analyst-data)="|^misp:proposal$/.test(label)
