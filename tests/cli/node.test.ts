// One node, through real processes: create, serve, publish, look, check.
import assert from 'node:assert/strict'
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { folder, indicator, init, noroshi, serve, uuid } from './command-line.ts'

test('an operator’s token that is lost is made anew at the next start', async () => {
  await using home = await folder()
  const dir = home.in('lost')
  await init(dir)
  const path = join(dir, 'operator.token')
  const before = await readFile(path, 'utf8')
  await rm(path)
  await using node = await serve(dir)
  assert.notEqual(await readFile(path, 'utf8'), before)
  assert.equal((await stat(path)).mode & 0o777, 0o600)
  assert.equal((await node.ask('/api/v1/status')).status, 200)
  const old = await fetch(`${node.url}/api/v1/status`, { headers: { authorization: `Bearer ${before.trim()}` } })
  assert.equal(old.status, 401)
})

test('init creates a node whose keys its owner alone can read, and says what to keep safe and what comes next', async () => {
  await using home = await folder()
  const dir = home.in('node')
  const ran = await noroshi([
    'init',
    '--dir',
    dir,
    '--slug',
    'jp-nco',
    '--name',
    'NCO',
    '--nation',
    'JP',
    '--kind',
    'national-csirt',
  ])
  assert.equal(ran.code, 0, ran.stderr)
  assert.match(ran.stdout, /keys\/root\.json/)
  assert.match(ran.stdout, /noroshi serve --dir/)
  for (const way of [
    'noroshi restore',
    'alliance compromised',
    'alliance rekey',
    'operator.token',
    'alliance rekey --root --lost',
  ])
    assert.ok(ran.stdout.includes(way), way)
  for (const name of ['keys/root.json', 'keys/node.seed', 'keys/secret', 'operator.token']) {
    assert.equal((await stat(join(dir, name))).mode & 0o077, 0, name)
  }
  const root = await readFile(join(dir, 'keys/root.json'), 'utf8')
  assert.match(root, /"kdf": "scrypt"/)
  const again = await noroshi([
    'init',
    '--dir',
    dir,
    '--slug',
    'jp-nco',
    '--name',
    'NCO',
    '--nation',
    'JP',
    '--kind',
    'national-csirt',
  ])
  assert.equal(again.code, 2)
  assert.match(again.stderr, /already holds a node/)
})

test('init without a passphrase and without a terminal refuses and leaves nothing behind', async () => {
  await using home = await folder()
  const args = ['init', '--dir', home.in('node'), '--slug', 'jp', '--name', 'N', '--nation', 'JP', '--kind', 'agency']
  const ran = await noroshi(args, { env: { NOROSHI_PASSPHRASE: undefined } })
  assert.equal(ran.code, 2)
  assert.match(ran.stderr, /NOROSHI_PASSPHRASE/)
  assert.deepEqual(await readdir(home.path), [])
})

test('a node publishes, is looked at, stops cleanly, and passes fsck; its log never holds a secret or an object', async () => {
  await using home = await folder()
  const dir = home.in('node')
  await init(dir)
  await using node = await serve(dir)
  const file = home.in('objects.json')
  const objects = [indicator('198.51.100.1'), indicator('198.51.100.2', { description: 'canary-5f1e' })]
  await writeFile(file, JSON.stringify({ type: 'bundle', id: `bundle--${uuid()}`, objects }))

  const unmarked = await noroshi(['publish', file, '--dir', dir])
  assert.equal(unmarked.code, 1)
  assert.match(unmarked.stdout, /UNMARKED: 2 indicator/)
  const dry = await noroshi(['publish', file, '--dir', dir, '--tlp', 'amber', '--dry-run', '--json'])
  assert.equal(dry.json()[0]?.['dryRun'], true)
  assert.equal(
    (await noroshi(['status', '--dir', dir, '--json'])).json()[0]?.['objects'],
    0,
    'a dry run publishes nothing',
  )

  const published = await noroshi(['publish', file, '--dir', dir, '--tlp', 'amber', '--json'])
  assert.equal(published.code, 0, published.stderr)
  const [answer] = published.json() as [{ published: { id: string; log: string; index: number }[]; refused: unknown[] }]
  assert.deepEqual(answer.refused, [])
  assert.deepEqual(
    answer.published.map(({ id }) => id),
    objects.map(({ id }) => id),
  )
  const again = await noroshi(['publish', file, '--dir', dir, '--tlp', 'amber', '--json'])
  assert.deepEqual(again.json(), published.json(), 'the same version is published once')

  const status = (await noroshi(['status', '--dir', dir, '--json'])).json()[0] as {
    logs: number
    entries: number
    links: unknown[]
  }
  assert.equal(status.logs, 1)
  assert.equal(status.entries, 3)
  assert.deepEqual(status.links, [])

  const made = await noroshi(['token', 'create', 'soc', '--scope', 'read', '--dir', dir, '--json'])
  const { text, token } = made.json()[0] as { text: string; token: { id: string } }
  const read = await fetch(`${node.url}/api/v1/objects/${objects[0]?.id}`, {
    headers: { authorization: `Bearer ${text}` },
  })
  assert.equal(read.status, 200)
  const back = (await read.json()) as { versions: { object: unknown }[] }
  assert.deepEqual(back.versions[0]?.object, objects[0])
  assert.equal((await fetch(`${node.url}/api/v1/status`, { headers: { authorization: `Bearer ${text}` } })).status, 403)
  assert.equal((await noroshi(['token', 'revoke', token.id, '--dir', dir])).code, 0)
  const after = await fetch(`${node.url}/api/v1/objects`, { headers: { authorization: `Bearer ${text}` } })
  assert.equal(after.status, 401)

  assert.equal(await node.stop(), 0, 'SIGTERM ends it with exit code 0')
  assert.ok(!(await readdir(dir)).includes('running.json'))
  const log = node.log()
  const secrets = [
    text,
    node.token,
    'correct horse',
    'canary-5f1e',
    (await readFile(join(dir, 'keys/node.seed'), 'utf8')).trim(),
  ]
  for (const secret of secrets) assert.ok(!log.includes(secret), `the log holds ${secret.slice(0, 8)}…`)
  for (const line of log.trim().split('\n')) assert.equal(typeof (JSON.parse(line) as { time: unknown }).time, 'string')

  const fsck = await noroshi(['fsck', '--dir', dir, '--json'])
  assert.equal(fsck.code, 0, fsck.stdout)
  assert.equal(fsck.json()[0]?.['ok'], true)
})

test('published bytes are the author’s, also when --tlp adds the level', async () => {
  await using home = await folder()
  const dir = home.in('node')
  await init(dir)
  await using node = await serve(dir)
  const { id, ...rest } = indicator('198.51.100.3')
  const odd = `{ "id" : "${id}",\t"custom_order" : 1.0, ${JSON.stringify(rest).slice(1)}`
  const ran = await noroshi(['publish', '-', '--dir', dir, '--tlp', 'green', '--json'], { input: odd })
  assert.equal(ran.code, 0, ran.stdout + ran.stderr)
  const text = await (await node.ask(`/api/v1/objects/${id}`)).text()
  assert.ok(text.includes(odd), text)
})

test('a changed version goes out, the same version with other content does not', async () => {
  await using home = await folder()
  const dir = home.in('node')
  await init(dir)
  await using node = await serve(dir)
  const first = indicator('198.51.100.4')
  const publish = async (value: unknown, tlp = 'amber') =>
    (
      await noroshi(['publish', '-', '--dir', dir, '--tlp', tlp, '--json'], { input: JSON.stringify(value) })
    ).json()[0] as {
      published: { log: string; index: number }[]
      refused: { code: string }[]
    }
  await publish(first)
  assert.deepEqual(
    (await publish({ ...first, name: 'Other' })).refused.map(({ code }) => code),
    ['EQUIVOCATION'],
  )
  const second = await publish({ ...first, name: 'Other', modified: '2026-02-01T00:00:00.000Z' })
  assert.equal(second.published.length, 1)
  const versions = (await (await node.ask(`/api/v1/objects/${first.id}`)).json()) as {
    versions: { object: { modified: string } }[]
  }
  assert.deepEqual(
    versions.versions.map(({ object }) => object.modified),
    ['2026-02-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z'],
  )
})

test('versions go out in their order, and none after a newer one or a revocation, which readers would refuse', async () => {
  await using home = await folder()
  const dir = home.in('node')
  await init(dir)
  await using _ = await serve(dir)
  const first = indicator('198.51.100.5')
  const at = (day: number, more: object = {}) => ({ ...first, ...more, modified: `2026-02-0${day}T00:00:00.000Z` })
  const publish = async (objects: object[], tlp = 'amber') => {
    const input = JSON.stringify({ type: 'bundle', id: `bundle--${uuid()}`, objects })
    const ran = await noroshi(['publish', '-', '--dir', dir, '--tlp', tlp, '--json'], { input })
    return ran.json()[0] as { published: { index: number }[]; refused: { code: string }[] }
  }
  const codes = async (objects: object[], tlp?: string) => (await publish(objects, tlp)).refused.map(({ code }) => code)
  assert.deepEqual(await codes([at(3), first, at(2)]), [])
  const listed = await noroshi(['objects', first.id, '--versions', 'all', '--dir', dir, '--json'])
  const versions = (listed.json()[0] as { objects: { modified?: string; object?: { modified: string } }[] }).objects
  assert.deepEqual(
    versions.map((row) => row.modified ?? row.object?.modified).map((text) => text?.slice(5, 10)),
    ['02-03', '02-02', '01-01'],
    'the last that arrived first',
  )
  assert.deepEqual(await codes([at(1)]), ['ROLLBACK'])
  assert.deepEqual(await codes([at(1), at(3)]), ['ROLLBACK'], 'what stands already is published again as before')
  assert.deepEqual(await codes([at(4, { revoked: true })]), [])
  assert.deepEqual(await codes([at(5)]), ['REVOKED'])
})

test('the description of the surface lists what the node answers', async () => {
  await using home = await folder()
  const dir = home.in('node')
  await init(dir)
  // One address asks every route without a token, which is more than a stranger may in a minute.
  const config = join(dir, 'noroshi.json')
  const limits = { authFailuresPerMinute: 10_000 }
  await writeFile(config, JSON.stringify({ ...(JSON.parse(await readFile(config, 'utf8')) as object), limits }))
  await using node = await serve(dir)
  const api = (await (await fetch(`${node.url}/api/v1/openapi.json`)).json()) as {
    openapi: string
    paths: Record<string, Record<string, { security?: unknown }>>
  }
  assert.equal(api.openapi, '3.1.0')
  for (const path of ['/api/v1/publish', '/api/v1/telemetry', '/api/v1/situation', '/api/v1/objects/{id}', '/metrics'])
    assert.ok(api.paths[path], path)
  for (const [path, operations] of Object.entries(api.paths)) {
    for (const [method, { security }] of Object.entries(operations)) {
      if (security === undefined) continue
      const response = await fetch(node.url + path.replace(/\{\w+\}/g, 'x'), { method: method.toUpperCase() })
      assert.equal(response.status, 401, `${method} ${path} without a token`)
      assert.match(response.headers.get('content-type') ?? '', /problem\+json/)
    }
  }
  assert.deepEqual(
    [(await fetch(`${node.url}/healthz`)).status, (await fetch(`${node.url}/readyz`)).status],
    [200, 200],
  )
  const metrics = await (await node.ask('/metrics')).text()
  assert.match(metrics, /noroshi_published_objects_total 0/)
})
