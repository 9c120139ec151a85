import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { NodeError } from './errors.ts'

const HOME = fileURLToPath(new URL('../..', import.meta.url))
const BUILT = join(HOME, 'web', 'dist')
const MARK = join(BUILT, '.built-from')
const VITE = join(HOME, 'node_modules', 'vite', 'bin', 'vite.js')

/**
 * Builds the web page if its sources have changed since the last build; returns its folder.
 *
 * @throws WEB_BUILD_FAILED with what the build said
 */
export async function buildWebPage(progress: (text: string) => void): Promise<string> {
  const hash = sourcesHash()
  if (existsSync(MARK) && readFileSync(MARK, 'utf8') === hash) return BUILT
  progress('building the web page (once)')
  const child = spawn(process.execPath, [VITE, 'build', 'web', '--logLevel', 'warn'], { cwd: HOME })
  const endWithUs = () => child.kill()
  process.once('exit', endWithUs)
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      said += chunk.toString('utf8')
    })
  const [code] = (await once(child, 'exit').finally(() => process.off('exit', endWithUs))) as [number | null]
  if (code !== 0)
    throw new NodeError('WEB_BUILD_FAILED', `The web page could not be built: ${said.trim().slice(-2_000)}`)
  writeFileSync(MARK, hash)
  return BUILT
}

/** Hash over everything the page is built from, so that a build is made again exactly when it would differ. */
function sourcesHash(): string {
  const files = globSync(
    ['web/src/**/*', 'web/public/*', 'web/index.html', 'web/vite.config.ts', 'package-lock.json'],
    {
      cwd: HOME,
      withFileTypes: true,
    },
  )
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
  const hash = createHash('sha256')
  for (const file of files) hash.update(file.slice(HOME.length)).update('\0').update(readFileSync(file)).update('\0')
  return hash.digest('hex')
}
