// Packs the program, its dependencies and the Node that runs it into one archive for a machine without a network.
// Usage: npm run archive [-- FOLDER]   (default: the current one)
import { execFileSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const HOME = dirname(dirname(fileURLToPath(import.meta.url)))
/** What a node needs of the project. */
const PARTS = [
  'bin',
  'src',
  'web',
  'scenarios',
  'docs',
  'deploy',
  'package.json',
  'package-lock.json',
  'README.md',
  'LICENSE',
]
const TESTS = /\.test\.tsx?$/

const { version } = JSON.parse(readFileSync(join(HOME, 'package.json'), 'utf8'))
const out = resolve(process.argv[2] ?? '.', `noroshi-${version}-${process.platform}-${process.arch}.tar.gz`)
const work = mkdtempSync(join(tmpdir(), 'noroshi-archive-'))
try {
  const root = join(work, 'noroshi')
  mkdirSync(root)
  for (const part of PARTS)
    if (existsSync(join(HOME, part)))
      cpSync(join(HOME, part), join(root, part), {
        recursive: true,
        filter: (path) => !TESTS.test(path) && !path.includes('/node_modules/'),
      })
  execFileSync('npm', ['ci', '--omit=dev', '--no-audit', '--no-fund'], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const launcher = join(root, 'bin', 'noroshi')
  writeFileSync(
    launcher,
    '#!/bin/sh\nhome=$(dirname "$(readlink -f "$0")")/..\nexec "$home/node_modules/.bin/node" "$home/bin/noroshi.mjs" "$@"\n',
  )
  chmodSync(launcher, 0o755)
  execFileSync('tar', ['czf', out, '-C', work, 'noroshi'], { stdio: 'inherit' })
  console.log(out)
} finally {
  rmSync(work, { recursive: true, force: true })
}
