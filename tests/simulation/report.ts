import type { SimulationResult } from '../../src/federation/simulation/simulate.ts'

const LINES_MOST = 60

/** What a person reads of a failing seed: who takes part, what happens, what is broken, and how to see it again. */
export function report({ seed, plan, story, violations, trace }: SimulationResult, before: number): string {
  const members = plan.members.map(({ slug, nation, standing, outbound, skewMs }) => {
    const stands = Object.entries(standing).map(([alliance, as]) =>
      as === 'active' ? alliance : `${alliance} (${as})`,
    )
    return `  ${slug} ${nation} in ${stands.join(' and ')}${outbound ? ', nobody can call it' : ''}, clock ${skewMs} ms off`
  })
  const { delayMs, loss, duplication, replay } = plan.weather
  const lines = story.filter((line) => !line.includes('VIOLATION'))
  const left = lines.length > LINES_MOST ? [`  … ${lines.length - LINES_MOST} lines before`] : []
  return [
    `Seed ${seed}, ${plan.acts.length} of ${before} acts left; messages take up to ${delayMs[1]} ms, ${loss} are lost, ${duplication} come twice, ${replay} come again later`,
    ...members,
    ...left,
    ...lines.slice(-LINES_MOST),
    ...violations.map((violation) => `  BROKEN ${violation}`),
    `Trace ${trace}`,
    `See it again: npm run sim -- --seed ${seed}        with all that nodes log: npm run sim -- --seed ${seed} --tell`,
  ].join('\n')
}
