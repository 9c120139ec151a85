import { Worker } from 'node:worker_threads'

/** Flags of the store's threads: none of the process's own, some of which a thread refuses. */
const FLAGS = ['--disable-warning=ExperimentalWarning']

/** A thread asks for its process's cache of compiled modules itself; without it, it also loads a compiler of 7 MB. */
const START = `
import('node:module').then(({ enableCompileCache }) => {
  if (process.env.NODE_COMPILE_CACHE) enableCompileCache(process.env.NODE_COMPILE_CACHE)
  return import(require('node:worker_threads').workerData.module)
}).then(() => {
  globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' })
})`

/** Starts a module of this folder in a thread of its own. */
export function startThread(module: `./${string}.ts`, workerData: object): Worker {
  const { href } = new URL(module, import.meta.url)
  return new Worker(START, {
    eval: true,
    workerData: { ...workerData, module: href },
    execArgv: FLAGS,
    resourceLimits: { maxYoungGenerationSizeMb: 6 },
    name: module.slice(2, -3),
  })
}
