// Compiles the definitions to `sqlite.json`: node src/store/sql/generate.ts
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import * as fsck from './definitions/fsck.ts'
import { streamStatements } from './definitions/objects.ts'
import * as read from './definitions/read.ts'
import * as versionDefinitions from './definitions/versions.ts'
import * as write from './definitions/write.ts'

const { versionStreamStatements, ...versions } = versionDefinitions

/** What `sqlite.json` must hold. */
export const compiled = {
  read: { ...read },
  write: { ...write },
  fsck: { ...fsck },
  streams: streamStatements(),
  versions,
  versionStreams: versionStreamStatements(),
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  writeFileSync(new URL('./sqlite.json', import.meta.url), `${JSON.stringify(compiled, null, 2)}\n`)
