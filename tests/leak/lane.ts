// One process of the long run: plays every so many seeds and tells its parent how far it is.
import { campaign, seedsFrom } from './campaign.ts'

const [first = 0, every = 1, worlds = 0] = process.argv.slice(2).map(Number)
for await (const tally of campaign(seedsFrom(first, every), (done) => done.worlds >= worlds)) process.send?.(tally)
process.exit(0)
