// Publications that are large, or that a disk stops halfway.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { PublishParts } from '../../src/cli/publish-parts.ts'
import { folder, indicator, init, noroshi, serve, uuid } from './command-line.ts'

const stamp = { spec_version: '2.1', created: '2026-01-01T00:00:00.000Z', modified: '2026-01-01T00:00:00.000Z' }
const RED = 'marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1'
const AMBER = 'marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421'
type Row = Record<string, unknown> & { id: string }

function note(refs: string[], more: Record<string, unknown> = {}): Row {
  return { type: 'note', ...stamp, id: `note--${uuid()}`, content: 'n', object_refs: refs, ...more }
}

function partsOf(objects: readonly unknown[], limits: { bytes: number; objects: number }): Row[][] {
  using parts = new PublishParts('test', limits)
  parts.push(Buffer.from(JSON.stringify({ type: 'bundle', id: `bundle--${uuid()}`, objects })))
  return [...parts.bodies()].map(({ body }) => JSON.parse(Buffer.from(body).toString()) as Row[])
}

test('every part holds, with each object, all that it refers to, and all parts together hold everything', () => {
  const indicators = Array.from({ length: 40 }, (_, i) => indicator(`10.0.0.${i}`))
  const at = (i: number) => indicators[i]?.id ?? ''
  const inner = note([at(0)])
  const objects = [...indicators, inner, note([inner.id]), note([at(5), at(35)]), { ...note([at(7)]), id: inner.id }]
  const parts = partsOf(objects, { bytes: 1e6, objects: 10 })
  assert.ok(parts.length >= 4)
  for (const part of parts) {
    assert.ok(part.length <= 10)
    const held = new Set(part.map(({ id }) => id))
    for (const object of part)
      for (const id of (object['object_refs'] as string[] | undefined) ?? [])
        assert.ok(held.has(id), `${object.id}: ${id}`)
  }
  assert.deepEqual(new Set(parts.flat().map((o) => JSON.stringify(o))), new Set(objects.map((o) => JSON.stringify(o))))
})

test('a file in many requests becomes exactly what it becomes in one: nothing is cut less, nothing is marked lower', async () => {
  await using home = await folder()
  const secret = indicator('198.51.100.1', { object_marking_refs: [RED] })
  const open = Array.from({ length: 12_000 }, (_, i) =>
    indicator(`10.${i >> 8}.${i & 255}.1`, { object_marking_refs: [AMBER], description: 'x'.repeat(600) }),
  )
  const report = {
    type: 'report',
    ...stamp,
    id: `report--${uuid()}`,
    name: 'r',
    published: '2026-01-01T00:00:00Z',
    object_refs: [open[0]?.id, secret.id],
    object_marking_refs: [AMBER],
  }
  const about = note([secret.id], { object_marking_refs: [AMBER] })
  const objects = [secret, ...open, about, report]
  const file = home.in('large.json')
  await writeFile(file, JSON.stringify({ type: 'bundle', id: `bundle--${uuid()}`, objects }))
  await init(home.in('node'))
  await using node = await serve(home.in('node'))
  const split = await noroshi(['publish', file, '--dir', node.dir, '--dry-run', '--json'])
  const whole = (await (
    await node.ask('/api/v1/publish?dryRun=true', {
      method: 'POST',
      body: JSON.stringify(objects),
      headers: { 'content-type': 'application/json' },
    })
  ).json()) as { published: { id: string; audience: object }[]; refused: { id: string; code: string }[] }
  const seen = ({ published, refused }: typeof whole) => [
    published.map(({ id, audience }) => `${id} ${JSON.stringify(audience)}`).sort(),
    refused.map(({ id, code }) => `${id} ${code}`).sort(),
  ]
  assert.deepEqual(seen(split.json()[0] as never), seen(whole))
  const done = await noroshi(['publish', file, '--dir', node.dir])
  assert.match(done.stdout, /Published 1200\d objects, TLP:AMBER/)
  const { objects: kept } = (await (await node.ask('/api/v1/status')).json()) as { objects: number }
  assert.equal(kept, whole.published.length, 'nothing stands twice')
})

test('a body above the limit is told the limit by name and value', async () => {
  await using home = await folder()
  await init(home.in('node'))
  await using node = await serve(home.in('node'))
  const answer = await node.ask('/api/v1/tokens', {
    method: 'POST',
    body: 'x'.repeat(2_000_000),
    headers: { 'content-type': 'application/json' },
  })
  assert.equal(answer.status, 413)
  assert.match(((await answer.json()) as { detail: string }).detail, /1048576 bytes.*"bodyBytes"/)
})

test('a disk that fills up in the middle: how much was published is told, the node is not ready, and repeating completes', async () => {
  await using home = await folder()
  const dir = home.in('node')
  await init(dir)
  const file = home.in('half.json')
  const objects = Array.from({ length: 5_000 }, (_, i) => indicator(`10.${i >> 8}.${i & 255}.1`))
  await writeFile(file, JSON.stringify(objects))
  let told = 0
  {
    await using node = await serve(dir, [], { wrapper: ['prlimit', '--fsize=4500000:unlimited'] })
    assert.equal((await fetch(`${node.url}/readyz`)).status, 200)
    const ran = await noroshi(['publish', file, '--dir', dir, '--tlp', 'amber'])
    assert.equal(ran.code, 2)
    const [, published, all] = /(\d+) of the (\d+) new objects of this request were published/.exec(ran.stderr) ?? []
    told = Number(published)
    assert.equal(Number(all), objects.length)
    assert.ok(told > 0 && told < objects.length, ran.stderr)
    assert.match(ran.stderr, /repeat.*nothing is published twice/)
    const kept = (await (await node.ask('/api/v1/status')).json()) as { objects: number }
    assert.equal(kept.objects, told)
    assert.match(node.log(), new RegExp(`${told} of the ${all} new objects`))
    const ready = await fetch(`${node.url}/readyz`)
    assert.equal(ready.status, 503)
    assert.match(await ready.text(), /disk/)
    execFileSync('prlimit', ['--pid', String(node.pid), '--fsize=unlimited:unlimited'])
    await sleep(1_100)
    assert.equal((await fetch(`${node.url}/readyz`)).status, 200, 'ready again without a restart')
  }
  await using node = await serve(dir)
  assert.equal((await fetch(`${node.url}/readyz`)).status, 200)
  const again = await noroshi(['publish', file, '--dir', dir, '--tlp', 'amber'])
  assert.match(again.stdout, /Published 5000 objects/)
  assert.equal(((await (await node.ask('/api/v1/status')).json()) as { objects: number }).objects, objects.length)
})
