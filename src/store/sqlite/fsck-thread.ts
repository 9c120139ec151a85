// Checks a folder in a thread of its own, so that a running node goes on answering.
import { parentPort, workerData } from 'node:worker_threads'
import { fsckFolder } from './fsck.ts'

const { folder } = workerData as { folder: string }
const report = await fsckFolder(folder, (done) => parentPort?.postMessage({ done }))
parentPort?.postMessage({ report })
