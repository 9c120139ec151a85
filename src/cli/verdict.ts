import type { CheckedAlliance, EvidenceFile, Verdict } from '#log'
import { printable } from './output.ts'

/** A piece of evidence in words. */
export function verdictLines(file: Pick<EvidenceFile, 'accused' | 'holder' | 'message'>, verdict: Verdict): string[] {
  const { isProved, shown, open, fault, alliances } = verdict
  return [
    `Against ${printable(String(file.accused))}, kept by ${printable(String(file.holder))}, who says: ${printable(String(file.message))}`,
    ...(fault === undefined ? [] : [`It does not hold: ${printable(fault)}.`]),
    ...shown.map((line) => `${isProved ? 'PROVED' : 'Shown'}: ${printable(line)}.`),
    ...(isProved ? [] : ['NOT PROVED: this convicts nobody.']),
    ...open.map((line) => `Not shown: ${printable(line)}.`),
    ...allianceLines(alliances),
  ]
}

/** What the keys rest on, for people to compare. */
export const allianceLines = (alliances: readonly CheckedAlliance[]): string[] =>
  alliances.map(
    ({ alliance, founding, version, newest }) =>
      `It rests on alliance ${alliance}, founded by charter ${founding}; the file follows it to version ${version} (${newest.slice(0, 16)}…). Compare the founding hash with what you know, or give it as --founding.`,
  )
