// A receipt says what is on the disk of whoever signs it: what has rotted there is named by none.
import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeCharter, makeMember } from './simulation/members.ts'
import { amberFor, indicator } from './testing/objects.ts'
import { openRealNode, reserve, until } from './testing/real-node.ts'

const SOUND = 'written-as-it-came'
const ROTTEN = 'wrItten-as-it-came'

/** Changes bytes in all files of a folder, as a disk may. */
async function rot(folder: string, from: string, to: string): Promise<number> {
  let changed = 0
  for (const name of await readdir(folder)) {
    const bytes = await readFile(join(folder, name)).catch(() => Buffer.alloc(0))
    for (let at = bytes.indexOf(from); at >= 0; at = bytes.indexOf(from, at + 1)) {
      bytes.write(to, at)
      changed++
    }
    if (bytes.length > 0) await writeFile(join(folder, name), bytes)
  }
  return changed
}

test('after a restart no receipt is given for what has rotted meanwhile, and one for what has not', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'noroshi-rot-'))
  try {
    const time = Date.now()
    const place = await reserve()
    const [author, reader] = [makeMember('jp-nco', time, { address: place.address }), makeMember('us-cisa', time)]
    const charter = makeCharter('pacific', [author, reader], time)
    await using jp = await openRealNode(author, place)
    await jp.federation.alliances.bootstrapCharter(charter)
    const { log } = await jp.publish(amberFor('pacific'), [indicator(SOUND, author.self.member, time)])
    let asked = 0
    jp.intercept(async (request, next) => {
      if (request.target !== '/link/v1/receipts') return next()
      asked++
      return { status: 503, headers: {}, body: new Uint8Array() }
    })
    const said: string[] = []
    const open = async () => {
      const node = await openRealNode(reader, await reserve(), { folder, log: (_level, what) => said.push(what) })
      await node.federation.alliances.bootstrapCharter(charter)
      node.federation.start()
      return node
    }
    {
      await using us = await open()
      await until('the mirror', async () => (await us.store.log(log as never))?.size === 2)
      await until('a receipt that does not arrive', () => asked > 0)
    }
    assert.ok((await rot(folder, SOUND, ROTTEN)) > 0)
    asked = 0
    {
      await using us = await open()
      await until('the damage is told', () => said.some((what) => /damaged.*fsck/.test(what)))
      await until('the link', () => us.federation.links().some(({ state }) => state === 'up'))
      assert.equal(asked, 0)
    }
    assert.ok((await rot(folder, ROTTEN, SOUND)) > 0)
    jp.intercept(undefined)
    await using _ = await open()
    await until('the receipt', async () =>
      (await jp.federation.receipts(log as never)).some(({ verified }) => verified),
    )
  } finally {
    await rm(folder, { recursive: true })
  }
})
