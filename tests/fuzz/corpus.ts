import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Finding } from './finding.ts'

const HOME = fileURLToPath(new URL('.', import.meta.url))
const CORPUS = join(HOME, 'corpus')
const FOUND = join(HOME, 'found')

/** The kept inputs of a target, by file name. */
export function keptInputs(target: string): { name: string; bytes: Uint8Array }[] {
  const folder = join(CORPUS, target)
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .sort()
    .map((name) => ({ name, bytes: readFileSync(join(folder, name)) }))
}

/** Names of the folders of kept inputs. */
export const keptTargets = (): string[] => readdirSync(CORPUS).sort()

/** Writes a finding's input beside a note on it; answers the path, as seen from here. */
export function keepFinding(finding: Finding): string {
  mkdirSync(FOUND, { recursive: true })
  const hash = createHash('sha256').update(finding.input).digest('hex').slice(0, 12)
  const path = join(FOUND, `${finding.target}.${finding.kind}.${hash}`)
  writeFileSync(path, finding.input)
  writeFileSync(`${path}.note`, `${finding.message}\n\n${finding.stack ?? ''}\n`)
  return relative(process.cwd(), path)
}
