// A disk that says ENOSPC in the middle of publishing, and later has space again.
import assert from 'node:assert/strict'
import { mkdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { sampleFolder } from '../../src/store/samples.ts'
import { Publishing } from '../../src/store/sample-publishing.ts'
import { buildLayer } from './file-trace.ts'
import { lossesOf } from './kept.ts'

test('while the disk is full commits are refused as such; afterwards the same process goes on; nothing acknowledged is lost', async () => {
  using home = sampleFolder()
  const root = realpathSync(home.folder)
  const folder = join(root, 'data')
  const flag = join(root, 'full')
  mkdirSync(folder)
  const env = { LD_PRELOAD: buildLayer(root), NOROSHI_TRACE_FOLDER: folder, NOROSHI_FULL_FLAG: flag }
  const publishing = new Publishing(folder, { env, walPages: 10 })
  let acknowledged = 0
  for (let round = 0; round < 4; round++) {
    publishing.publish([`before ${round} 100`, `before ${round} 20000`])
    await publishing.acknowledged((acknowledged += 2))
    writeFileSync(flag, '')
    publishing.publish([`during ${round} 100`, `during ${round} 30000`, `during ${round} 5`])
    await publishing.refused((round + 1) * 3)
    rmSync(flag)
  }
  publishing.publish(['after 1'])
  await publishing.acknowledged(acknowledged + 1)
  await publishing.finish()
  assert.deepEqual([...new Set(publishing.refusals)], ['STORE_DISK_FULL'])
  assert.deepEqual(await lossesOf(folder, publishing.acks), [])
})
