/**
 * Where property tests start from: one fixed seed, so that every run of the tests asks the same questions. For long runs
 * `NOROSHI_SEED` and `NOROSHI_RUNS` replace the seed and the number of cases.
 */

const { NOROSHI_SEED: seed, NOROSHI_RUNS: runs } = process.env

/** Parameters of one property for fast-check; `usual` is how many cases it tries in an ordinary run. */
export const propertyParameters = (usual: number): { seed: number; numRuns: number } => ({
  seed: numberOf('NOROSHI_SEED', seed) ?? 20_260_601,
  numRuns: numberOf('NOROSHI_RUNS', runs) ?? usual,
})

function numberOf(name: string, text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new TypeError(`${name} is ${JSON.stringify(text)}; write a whole number`)
  return value
}
