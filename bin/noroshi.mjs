#!/usr/bin/env node
// The command `noroshi`: starts src/cli under the bundled Node 24.
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runUnderNode24 } from './node24.mjs'

const home = dirname(dirname(fileURLToPath(import.meta.url)))
runUnderNode24(join(home, 'src', 'cli', 'main.ts'), process.argv.slice(2))
