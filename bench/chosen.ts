import type { Bench } from './bench.ts'

type Named = Pick<Bench, 'name' | 'byNameOnly'>

/**
 * The benches that names stand for: a full name one, a prefix all that begin with it, no name all that take no minutes.
 * `unknown` are the names that stand for none.
 */
export function chosenBenches<One extends Named>(
  all: readonly One[],
  names: readonly string[],
): { wanted: One[]; unknown: string[] } {
  if (names.length === 0) return { wanted: all.filter(({ byNameOnly }) => !byNameOnly), unknown: [] }
  const isMeant = (name: string, bench: One) =>
    all.some((one) => one.name === name) ? bench.name === name : bench.name.startsWith(name)
  return {
    wanted: all.filter((bench) => names.some((name) => isMeant(name, bench))),
    unknown: names.filter((name) => !all.some((bench) => isMeant(name, bench))),
  }
}
