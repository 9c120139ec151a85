// Entry of the command `noroshi`; bin/noroshi.mjs starts it under Node 24.
import { run } from './run.ts'
import { processOutput } from './output.ts'

process.stdout.on('error', endQuietly)
process.stderr.on('error', endQuietly)
process.exitCode = await run(process.argv.slice(2), processOutput())

/** Whoever read our output has gone (`| head`): nothing is left to do. */
function endQuietly(error: NodeJS.ErrnoException): void {
  process.exit(error.code === 'EPIPE' ? 0 : 2)
}
