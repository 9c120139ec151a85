// What goes wrong from outside: each has a clear line on stderr, exit code 2, and nothing acknowledged is lost.
import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { folder, indicator, init, noroshi, type Ran, serve, type Served } from './command-line.ts'

const PUBLISH_LIMIT_MS = 60_000

/** A failure tells what, and what to do next, in one line without a stack. */
function assertFailed(ran: Ran, pattern: RegExp): void {
  assert.equal(ran.code, 2, ran.stdout + ran.stderr)
  assert.match(ran.stderr, pattern)
  const lines = ran.stderr
    .trim()
    .split('\n')
    .filter((line) => !line.startsWith('{'))
  assert.equal(lines.length, 1, ran.stderr)
  assert.doesNotMatch(ran.stderr, /\n\s+at /)
}

const publish = (node: Served, body: string, type = 'application/json', query = '?tlp=amber') =>
  node.ask(`/api/v1/publish${query}`, { method: 'POST', body, headers: { 'content-type': type } })
const problem = async (response: Response) =>
  (await response.json()) as { status: number; code: string; partCode?: string; detail: string }

test('a missing, a foreign and a damaged data directory are told apart', async () => {
  await using home = await folder()
  assertFailed(await noroshi(['serve', '--dir', home.in('none')]), /no data directory.*noroshi init/)
  assertFailed(await noroshi(['status', '--dir', home.in('none')]), /no data directory/)
  assertFailed(await noroshi(['fsck', '--dir', home.in('none')]), /no data directory/)
  await mkdir(home.in('other'))
  await writeFile(join(home.in('other'), 'holiday.txt'), 'x')
  assertFailed(await noroshi(['serve', '--dir', home.in('other')]), /not a node's data directory/)
  assertFailed(
    await noroshi([
      'init',
      '--dir',
      home.in('other'),
      '--slug',
      'a',
      '--name',
      'A',
      '--nation',
      'JP',
      '--kind',
      'agency',
    ]),
    /not empty/,
  )
  assert.equal(await readFile(join(home.in('other'), 'holiday.txt'), 'utf8'), 'x')
  await init(home.in('node'))
  await writeFile(join(home.in('node'), 'noroshi.json'), '{')
  assertFailed(await noroshi(['serve', '--dir', home.in('node')]), /not JSON/)
})

test('a key that was changed or belongs to another node is noticed before anything is served', async () => {
  await using home = await folder()
  await init(home.in('a'))
  await init(home.in('b'), 'us-cisa')
  await writeFile(join(home.in('a'), 'keys/node.seed'), await readFile(join(home.in('b'), 'keys/node.seed')))
  assertFailed(await noroshi(['serve', '--dir', home.in('a')]), /no delegation of this node's key/)
})

test('a port in use and a directory in use each name the other', async () => {
  await using home = await folder()
  await init(home.in('a'))
  await init(home.in('b'), 'us-cisa')
  await using other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address() as { port: number }
  assertFailed(
    await noroshi(['serve', '--dir', home.in('a'), '--port', String(port)]),
    new RegExp(`Port ${port}.*in use`),
  )
  await using node = await serve(home.in('a'))
  assertFailed(await noroshi(['serve', '--dir', home.in('a')]), new RegExp(`in use by process ${node.pid} at`))
})

test('demo keys serve in a rehearsal alone, and there on loopback alone', async () => {
  await using home = await folder()
  await init(home.in('demo'), 'jp-nco', ['--demo'])
  assertFailed(await noroshi(['serve', '--dir', home.in('demo')]), /public knowledge/)
  assertFailed(
    await noroshi(['serve', '--dir', home.in('demo'), '--rehearsal', '--host', '0.0.0.0', '--behind-proxy']),
    /this machine alone/,
  )
  const config = join(home.in('demo'), 'noroshi.json')
  await writeFile(config, (await readFile(config, 'utf8')).replace(/,\s*"demo": true/, ''))
  assertFailed(await noroshi(['serve', '--dir', home.in('demo')]), /public knowledge/)
  await using node = await serve(home.in('demo'), ['--rehearsal'])
  assert.equal((await fetch(`${node.url}/readyz`)).status, 200)
})

test('plain HTTP beyond this machine is refused', async () => {
  await using home = await folder()
  await init(home.in('node'))
  assertFailed(await noroshi(['serve', '--dir', home.in('node'), '--host', '0.0.0.0']), /TLS|loopback/)
  assertFailed(await noroshi(['serve', '--dir', home.in('node'), '--tls-cert', 'x.pem']), /belong together/)
  await using node = await serve(home.in('node'), ['--host', '0.0.0.0', '--behind-proxy'])
  assert.equal((await fetch(`${node.url}/healthz`)).status, 200)
})

test('malformed, oversized, deep and foreign submissions are answered by problem details and change nothing', async () => {
  await using home = await folder()
  const dir = home.in('node')
  await init(dir)
  const config = join(dir, 'noroshi.json')
  await writeFile(
    config,
    JSON.stringify({ ...(JSON.parse(await readFile(config, 'utf8')) as object), limits: { publishBytes: 100_000 } }),
  )
  await using node = await serve(dir)
  const bad: [body: string, status: number, code: string, type?: string][] = [
    ['{"type":', 400, 'JSON_INVALID'],
    ['{"type":"x","type":"y"}', 400, 'JSON_INVALID'],
    ['[1,2]', 400, 'INPUT_INVALID'],
    ['', 400, 'INPUT_INVALID'],
    ['['.repeat(10_000), 400, 'JSON_INVALID'],
    [`{"type":"x","a":${'['.repeat(10_000)}${']'.repeat(10_000)}}`, 400, 'JSON_INVALID'],
    [JSON.stringify(indicator('198.51.100.9', { description: 'x'.repeat(100_000) })), 413, 'BODY_TOO_LARGE'],
    ['a=b', 415, 'UNSUPPORTED_MEDIA_TYPE', 'application/x-www-form-urlencoded'],
  ]
  for (const [body, status, code, type] of bad) {
    const answer = await problem(await publish(node, body, type))
    assert.deepEqual([answer.status, answer.code], [status, code], body.slice(0, 60))
  }
  for (const query of ['?tlp=purple', '?tlp=amber&to=everybody', '?dryRun=perhaps', '?nonsense=1']) {
    assert.equal((await problem(await publish(node, '[]', 'application/json', query))).status, 400, query)
  }
  const unknown = await problem(
    await publish(
      node,
      JSON.stringify(indicator('198.51.100.9')),
      'application/json',
      '?tlp=amber&to=alliance:nowhere',
    ),
  )
  assert.equal(unknown.status, 400)
  assert.match(unknown.detail, /nowhere/)
  const large = home.in('large.json')
  await writeFile(large, JSON.stringify(indicator('198.51.100.9', { description: 'x'.repeat(5_000_000) })))
  assertFailed(await noroshi(['publish', large, '--dir', dir, '--tlp', 'amber']), /limit|fewer objects/i)
  const status = (await (await node.ask('/api/v1/status')).json()) as { entries: number }
  assert.equal(status.entries, 0)
})

test('a forged author, an invalid object and a version from the future are refused by name', async () => {
  await using home = await folder()
  const dir = home.in('node')
  await init(dir)
  await using node = await serve(dir)
  const objects = [
    indicator('198.51.100.1', { pattern: '[nonsense' }),
    indicator('198.51.100.2', { modified: '2999-01-01T00:00:00.000Z' }),
    indicator('198.51.100.3'),
  ]
  const answer = (await (
    await publish(node, JSON.stringify({ objects, tlp: 'green' }), 'application/json', '')
  ).json()) as {
    published: { id: string }[]
    refused: { id: string; code: string; message: string }[]
  }
  assert.deepEqual(
    answer.published.map(({ id }) => id),
    [objects[2]?.id],
  )
  assert.deepEqual(
    answer.refused.map(({ id }) => id),
    [objects[0]?.id, objects[1]?.id],
  )
  assert.equal(answer.refused[1]?.code, 'MODIFIED_IN_FUTURE')
})

test('SIGKILL in the middle of publishing loses nothing that was acknowledged', async () => {
  await using home = await folder()
  const dir = home.in('node')
  await init(dir)
  const acknowledged: string[] = []
  for (let round = 0; round < 3; round++) {
    await using node = await serve(dir)
    let killed: Promise<void> | undefined
    const deadline = Date.now() + PUBLISH_LIMIT_MS
    const work = Array.from({ length: 6 }, async () => {
      while (!killed) {
        if (Date.now() > deadline)
          throw new Error(`too few publications were acknowledged: ${node.log().slice(-2_000)}`)
        const object = indicator('198.51.100.7')
        const response = await publish(node, JSON.stringify(object)).catch(() => undefined)
        const text = await response?.text().catch(() => undefined)
        if (response?.ok && text?.includes(object.id) && text.endsWith('}')) acknowledged.push(object.id)
        if (acknowledged.length >= (round + 1) * 40) killed ??= node.kill()
      }
    })
    await Promise.all(work)
    await killed
  }
  await using node = await serve(dir)
  for (const id of acknowledged) assert.equal((await node.ask(`/api/v1/objects/${id}`)).status, 200, id)
  await node.stop()
  const fsck = await noroshi(['fsck', '--dir', dir, '--json'])
  assert.equal(fsck.json()[0]?.['ok'], true, fsck.stdout)
})

test('SIGKILL in the middle of one large publication: what was told as done is there, and repeating completes it', async () => {
  await using home = await folder()
  const dir = home.in('node')
  await init(dir)
  const objects = Array.from({ length: 4_000 }, (_, i) => indicator(`10.${i >> 8}.${i & 255}.1`))
  const body = JSON.stringify({ type: 'bundle', id: 'bundle--00000000-0000-4000-8000-000000000000', objects })
  let told = 0
  {
    await using node = await serve(dir)
    const response = await node.ask('/api/v1/publish?tlp=amber', {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', accept: 'application/x-ndjson' },
    })
    const reader = response.body?.getReader()
    let text = ''
    try {
      for (;;) {
        const { value, done } = (await reader?.read()) ?? { done: true, value: undefined }
        if (done) break
        text += Buffer.from(value as Uint8Array).toString()
        const all = [...text.matchAll(/"done":(\d+)/g)].map(([, n]) => Number(n))
        told = Math.max(told, ...all)
        if (told > 0) await node.kill()
      }
    } catch {
      // The node is gone in the middle of its answer.
    }
  }
  assert.ok(told > 0)
  await using node = await serve(dir)
  const { objects: kept } = (await (await node.ask('/api/v1/status')).json()) as { objects: number }
  assert.ok(kept >= told, `${kept} kept of ${told} that were told as done`)
  const again = await (
    await node.ask('/api/v1/publish?tlp=amber', {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json' },
    })
  ).json()
  assert.equal((again as { published: unknown[] }).published.length, objects.length)
  assert.equal(
    ((await (await node.ask('/api/v1/status')).json()) as { objects: number }).objects,
    objects.length,
    'nothing stands twice',
  )
})

test('a full disk is named, loses nothing, and is over when there is room again', async () => {
  await using home = await folder()
  const dir = home.in('node')
  await init(dir)
  const kept: string[] = []
  {
    await using node = await serve(dir, [], { wrapper: ['prlimit', '--fsize=600000'] })
    let refusal: { status: number; code: string } | undefined
    for (let i = 0; i < 200 && !refusal; i++) {
      const object = indicator('198.51.100.8', { description: 'y'.repeat(20_000) })
      const response = await publish(node, JSON.stringify(object))
      if (response.ok) kept.push(object.id)
      else refusal = await problem(response)
    }
    assert.deepEqual([refusal?.status, refusal?.code], [507, 'DISK_FULL'])
    assert.ok(kept.length > 0)
    for (const id of kept) assert.equal((await node.ask(`/api/v1/objects/${id}`)).status, 200, 'reading goes on')
  }
  await using node = await serve(dir)
  for (const id of kept) assert.equal((await node.ask(`/api/v1/objects/${id}`)).status, 200, id)
  assert.equal((await publish(node, JSON.stringify(indicator('198.51.100.8')))).status, 200)
})

test('a flipped byte on disk is named by log and entry', async () => {
  await using home = await folder()
  const dir = home.in('node')
  await init(dir)
  let log = ''
  {
    await using node = await serve(dir)
    const answer = (await (
      await publish(node, JSON.stringify(indicator('198.51.100.6', { description: 'flip-me-here' })))
    ).json()) as { published: { log: string; index: number }[] }
    log = answer.published[0]?.log ?? ''
    await node.stop()
  }
  const path = join(dir, 'noroshi.db')
  const bytes = await readFile(path)
  const at = bytes.indexOf('flip-me-here')
  assert.ok(at > 0)
  bytes[at] = 'F'.charCodeAt(0)
  await writeFile(path, bytes)
  const fsck = await noroshi(['fsck', '--dir', dir, '--json'])
  assert.equal(fsck.code, 1)
  const [report] = fsck.json() as [{ faults: { log?: string; index?: number }[] }]
  assert.ok(
    report.faults.some((fault) => fault.log === log && fault.index === 1),
    fsck.stdout,
  )
})

test('usage errors name the right way and end with 2', async () => {
  for (const args of [
    ['nonsense'],
    ['publish'],
    ['serve', '--port', 'x', '--dir', 'd'],
    ['status'],
    ['pattern', 'check'],
    ['wire'],
    ['decide', '/nowhere.jsonl'],
  ]) {
    const ran = await noroshi(args, { env: { NOROSHI_DIR: undefined, NOROSHI_URL: undefined } })
    assert.equal(ran.code, 2, args.join(' '))
    assert.doesNotMatch(ran.stderr, /\n\s+at /)
    assert.notEqual(ran.stderr.trim(), '')
  }
})
