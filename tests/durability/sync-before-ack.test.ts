// The trace: the sync of the write-ahead log returns before each acknowledgement is said.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { sampleFolder } from '../../src/store/samples.ts'
import { buildLayer, type FileOp, readStrace, readTrace } from './file-trace.ts'
import { Publishing } from '../../src/store/sample-publishing.ts'

const PUBLISHES = 40
const WAL = 'noroshi.db-wal'

async function publishOneByOne(publishing: Publishing): Promise<void> {
  for (let i = 1; i <= PUBLISHES; i++) {
    publishing.publish([`one ${i * 37}`])
    await publishing.acknowledged(i)
  }
  await publishing.finish()
}

/** What is wrong with the order of operations; empty when each acknowledgement follows its sync. */
function orderFaults(ops: readonly FileOp[]): string[] {
  const faults: string[] = []
  let isDirty = false
  let isCovered = false
  let isSyncCurrent = false
  for (const op of ops) {
    if (op.op === 'say') {
      if (!op.text.startsWith('ack ')) continue
      if (isDirty) faults.push(`said before the sync: ${op.text}`)
      if (!isCovered) faults.push(`said without a write and a sync of its own: ${op.text}`)
      isCovered = false
    } else if ('path' in op && op.path === WAL) {
      if (op.op === 'write') {
        isDirty = true
        isSyncCurrent = false
      } else if (op.op === 'sync-begin') isSyncCurrent = true
      else if (op.op === 'sync-end' && isSyncCurrent) {
        isCovered ||= isDirty
        isDirty = false
      }
    }
  }
  return faults
}

const countAcks = (ops: readonly FileOp[]) => ops.filter((op) => op.op === 'say' && op.text.startsWith('ack ')).length

test('by strace: no acknowledgement is said before the sync of its bytes has returned', async (t) => {
  using home = sampleFolder()
  if (spawnSync('strace', ['-o', '/dev/null', 'true']).status !== 0) {
    t.skip('strace cannot attach here; the test by the preloaded layer stands for it')
    return
  }
  const folder = join(realpathSync(home.folder), 'data')
  mkdirSync(folder)
  const file = join(home.folder, 'strace.txt')
  const calls = 'trace=write,pwrite64,fsync,fdatasync'
  await publishOneByOne(new Publishing(folder, { through: ['strace', '-f', '-y', '-e', calls, '-o', file] }))
  const ops = readStrace(readFileSync(file, 'utf8'), folder)
  assert.equal(countAcks(ops), PUBLISHES)
  assert.deepEqual(orderFaults(ops), [])
})

test('by the preloaded layer: no acknowledgement is said before the sync of its bytes has returned', async () => {
  using home = sampleFolder()
  const folder = join(realpathSync(home.folder), 'data')
  mkdirSync(folder)
  const file = join(home.folder, 'trace')
  const env = { LD_PRELOAD: buildLayer(home.folder), NOROSHI_TRACE_FILE: file, NOROSHI_TRACE_FOLDER: folder }
  await publishOneByOne(new Publishing(folder, { env, walPages: 30 }))
  const ops = readTrace(readFileSync(file))
  assert.equal(countAcks(ops), PUBLISHES)
  assert.deepEqual(orderFaults(ops), [])
  const withoutSyncs = ops.filter(({ op }) => op !== 'sync-end')
  assert.ok(orderFaults(withoutSyncs).length >= PUBLISHES, 'the check would see it if nothing were synced')
})
