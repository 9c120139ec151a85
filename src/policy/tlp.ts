import { TLP_LEVELS, type TlpLabel } from '#stix'

/** A level of TLP 2.0 in lower case. */
export type Level = TlpLabel

/** Position of a level, 0 for clear to 4 for red. */
export const rank = (level: Level): number => TLP_LEVELS.indexOf(level)

/** The level of a text, if it is one. */
export const toLevel = (text: unknown): Level | undefined => TLP_LEVELS.find((level) => level === text)

/** The stricter of two levels; absent counts as no level. */
export function stricter(a: Level | undefined, b: Level | undefined): Level | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return rank(a) >= rank(b) ? a : b
}
