import { Worker } from 'node:worker_threads'

/** Flags of the store's threads: none of the process's own, some of which a thread refuses. */
const FLAGS = ['--disable-warning=ExperimentalWarning']

/** Starts a module of this folder in a thread of its own. */
export function startThread(module: `./${string}.ts`, workerData: object): Worker {
  return new Worker(new URL(module, import.meta.url), { workerData, execArgv: FLAGS, name: module.slice(2, -3) })
}
