// A node that is killed while many submit and many read on: with real processes, over HTTP.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { folder, indicator, init, noroshi, type Served, serve } from '../cli/command-line.ts'
import { TYPE } from './taxii-world.ts'

const SUBMITTERS = 4
const READERS = 6
const KILLS = 3
const OBJECTS_PER_POST = 20
const COLLECTIONS = '/taxii2/_node/collections/'

interface Token {
  id: string
  text: string
}

/** A reader's own memory: what it got, and where it goes on. */
interface Walker {
  path: string
  by: 'next' | 'added_after'
  limit: number
  position: string | undefined
  got: string[]
}

test('through kills of the node, readers that go on from where they were miss nothing, see nothing twice, and nothing that was seen goes away', async () => {
  await using home = await folder()
  const dir = home.in('node')
  await init(dir)
  let node: Served = await serve(dir)
  const run = async (...args: string[]) => {
    const ran = await noroshi([...args, '--dir', dir, '--json'])
    assert.equal(ran.code, 0, ran.stderr)
    return ran.json()[0] as unknown
  }
  const token = async (name: string, scope: string): Promise<Token> => {
    const made = (await run('token', 'create', name, '--scope', scope)) as { token: { id: string }; text: string }
    return { id: made.token.id, text: made.text }
  }
  await run('taxii', 'collection', 'create', 'inbox', '--tlp', 'green')
  const writer = await token('writer', 'publish')
  const reader = await token('reader', 'read')
  await run('taxii', 'collection', 'grant', 'inbox', '--token-id', writer.id, '--can', 'write')
  const ask = (path: string, { text }: Token, more: RequestInit = {}) =>
    fetch(node.url + path, {
      ...more,
      headers: { authorization: `Bearer ${text}`, accept: TYPE, 'content-type': TYPE },
    })

  const acknowledged = new Set<string>()
  let isOver = false
  const submit = async (n: number) => {
    for (let i = 0; !isOver; i++) {
      const objects = Array.from({ length: OBJECTS_PER_POST }, (_, k) => indicator(`10.${n}.${i & 255}.${k}`))
      for (let isTaken = false; !isTaken && !isOver;)
        try {
          const more = { method: 'POST', body: JSON.stringify({ objects }) }
          const answer = await ask(`${COLLECTIONS}inbox/objects/`, writer, more)
          const status = (await answer.json()) as { success_count: number }
          if (answer.status !== 202) throw new Error(JSON.stringify(status))
          assert.equal(status.success_count, OBJECTS_PER_POST)
          for (const { id } of objects) acknowledged.add(id)
          isTaken = true
        } catch (error) {
          if (error instanceof assert.AssertionError) throw error
          await sleep(20)
        }
      await sleep(5)
    }
  }

  const page = async (walker: Walker): Promise<number | undefined> => {
    const query = new URLSearchParams({ limit: String(walker.limit) })
    if (walker.position !== undefined) query.set(walker.by, walker.position)
    let answer: Response
    let body: { next?: string; objects?: { id: string }[] }
    try {
      answer = await ask(`${walker.path}objects/?${query.toString()}`, reader)
      body = (await answer.json()) as typeof body
    } catch {
      return undefined
    }
    if (answer.status !== 200) return undefined
    const ids = (body.objects ?? []).map(({ id }) => id)
    walker.got.push(...ids)
    const last = answer.headers.get('x-taxii-date-added-last') ?? undefined
    if (walker.by === 'next') {
      // At the end a client by next has no next: it goes on by time, and by next again from there.
      if (body.next !== undefined) walker.position = body.next
      else if (last !== undefined) {
        walker.by = 'added_after'
        walker.position = last
      }
    } else walker.position = last ?? walker.position
    return ids.length
  }
  const walkers = Array.from({ length: READERS }, (_, i): Walker => ({
    path: `${COLLECTIONS}${['everything/', 'inbox/', 'type-indicator/'][i % 3]}`,
    by: i < READERS / 2 ? 'next' : 'added_after',
    limit: [3, 50, 1_000][i % 3] ?? 10,
    position: undefined,
    got: [],
  }))
  const walk = async (walker: Walker) => {
    while (!isOver) if ((await page(walker)) === undefined) await sleep(20)
  }

  const work = [...Array.from({ length: SUBMITTERS }, (_, n) => submit(n)), ...walkers.map((walker) => walk(walker))]
  for (let kill = 0; kill < KILLS; kill++) {
    const before = acknowledged.size
    const deadline = Date.now() + 60_000
    while (acknowledged.size < before + 3 * OBJECTS_PER_POST) {
      assert.ok(Date.now() < deadline, 'submissions go on')
      await sleep(10)
    }
    await sleep(7 * kill)
    await node.kill()
    node = await serve(dir)
  }
  isOver = true
  await Promise.all(work)

  for (const walker of walkers) while (await page(walker));
  for (const { path, got, limit } of walkers) {
    const fresh: Walker = { path, by: 'next', limit: 1_000, position: undefined, got: [] }
    while (await page(fresh));
    const standing = new Set(fresh.got)
    const label = `${path} by ${limit}`
    assert.equal(standing.size, fresh.got.length, `${label}: nothing stands twice`)
    assert.equal(new Set(got).size, got.length, `${label}: nothing came twice`)
    assert.deepEqual(
      got.filter((id) => !standing.has(id)),
      [],
      `${label}: what was seen stands`,
    )
    assert.deepEqual(
      [...standing].filter((id) => !got.includes(id)),
      [],
      `${label}: nothing was missed`,
    )
    assert.deepEqual(
      [...acknowledged].filter((id) => !standing.has(id)),
      [],
      `${label}: what was acknowledged stands`,
    )
  }
  await node.stop()
  const { ok } = (await run('fsck')) as { ok: boolean }
  assert.ok(ok)
})
