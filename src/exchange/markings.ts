import { TLP_2_MARKINGS, TLP_LEVELS, type TlpLabel } from '#stix'

/** Characters of a tag that are looked at. */
const TAG_MAX_CHARS = 100

/** Level of a text such as `TLP:AMBER+STRICT`, `tlp:white` or `Amber`; `unknown` for another TLP text. */
export function tlpOf(text: string): TlpLabel | 'unknown' | undefined {
  const parts = /^\s*(tlp\s*[:=]\s*)?"?([a-z+: -]+?)"?\s*$/i.exec(text.slice(0, TAG_MAX_CHARS))
  if (!parts) return undefined
  const level = (parts[2] ?? '').toLowerCase().replace(/[ _-]/g, '')
  if (level === 'white') return 'clear'
  if (level === 'amberstrict') return 'amber+strict'
  const known = TLP_LEVELS.find((one) => one === level)
  return known ?? (parts[1] === undefined ? undefined : 'unknown')
}

/** Id of the marking-definition of a level. */
export const tlpMarkingId = (level: TlpLabel): string => String(TLP_2_MARKINGS[TLP_LEVELS.indexOf(level)]?.['id'])

/** The strictest of some levels. */
export const strictest = (levels: readonly TlpLabel[]): TlpLabel | undefined =>
  [...levels].sort((a, b) => TLP_LEVELS.indexOf(b) - TLP_LEVELS.indexOf(a))[0]
