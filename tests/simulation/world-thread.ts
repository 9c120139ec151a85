// One thread of a campaign: gets seeds, answers what became of them.
import { parentPort } from 'node:worker_threads'
import { simulate } from '../../src/federation/simulation/simulate.ts'

parentPort?.on('message', (seed: number) => {
  void simulate({ seed }).then(
    ({ trace, violations, steps, coverage }) => parentPort?.postMessage({ seed, trace, violations, steps, coverage }),
    (cause: unknown) =>
      parentPort?.postMessage({
        seed,
        trace: '',
        violations: [`the simulator failed: ${String((cause as Error).stack)}`],
        steps: 0,
        coverage: {},
      }),
  )
})
