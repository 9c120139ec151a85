// One process of the long run: plays every so many seeds and tells its parent how far it is.
import { campaign, seedsFrom } from './campaign.ts'

const [first = 0, every = 1, worlds = 0] = process.argv.slice(2).map(Number)
let playing = first
// A world that waits for what never comes ends the process when nothing else is open in it: with which seed is to be known.
process.on('exit', (code) => {
  if (code !== 0) process.stderr.write(`\nThe process ended with ${code} while it played NOROSHI_SEED=${playing}.\n`)
})
for await (const tally of campaign(noted(seedsFrom(first, every)), (done) => done.worlds >= worlds))
  process.send?.(tally)
process.exit(0)

function* noted(seeds: Iterable<number>): Iterable<number> {
  for (const seed of seeds) {
    playing = seed
    yield seed
  }
}
