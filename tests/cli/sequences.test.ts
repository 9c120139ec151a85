// Patterns over several events, by commands: offline over files, and on a running node's telemetry.
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { folder, indicator, init, noroshi, serve, uuid } from './command-line.ts'

const BEACON = '203.0.113.7'
const DROP = '203.0.113.8'
const PATTERN = `([ipv4-addr:value = '${BEACON}'] REPEATS 3 TIMES FOLLOWEDBY [ipv4-addr:value = '${DROP}']) WITHIN 600 SECONDS`

/** Lines of Zeek: minute and target. */
const lines = (rows: readonly (readonly [number, string, string?])[], start = Date.UTC(2026, 2, 1, 12)): string =>
  rows
    .map(([minute, target, sensor]) =>
      JSON.stringify({
        ts: start / 1_000 + minute * 60,
        uid: 'C1',
        'id.orig_h': '10.0.0.5',
        'id.resp_h': target,
        ...(sensor === undefined ? {} : { _system_name: sensor }),
      }),
    )
    .join('\n')

async function armed(home: Awaited<ReturnType<typeof folder>>, pattern = PATTERN): Promise<string> {
  const file = home.in(`iocs-${uuid()}.json`)
  await writeFile(
    file,
    JSON.stringify({ type: 'bundle', id: `bundle--${uuid()}`, objects: [indicator('', { pattern })] }),
  )
  return file
}

test('match finds a sequence in files, in the order of event time, and tells where it began and ended', async () => {
  await using home = await folder()
  const indicators = await armed(home)
  const log = home.in('conn.log')
  await writeFile(
    log,
    lines([
      [4, DROP],
      [1, BEACON],
      [2, '192.0.2.1'],
      [3, BEACON],
      [2, BEACON],
      [20, DROP],
    ]),
  )
  const ran = await noroshi(['match', '--indicators', indicators, '--input', log, '--json'])
  assert.equal(ran.code, 0, ran.stderr)
  const [hit, ...more] = ran.json()
  assert.deepEqual(more, [])
  assert.deepEqual(
    [hit!['event'], hit!['events'], hit!['first'], hit!['last']],
    [
      { file: log, line: 5 },
      4,
      { time: '2026-03-01T12:01:00.000Z', event: { file: log, line: 2 } },
      { time: '2026-03-01T12:04:00.000Z', event: { file: log, line: 1 } },
    ],
  )
  const text = await noroshi(['match', '--indicators', indicators, '--input', log])
  assert.match(text.stdout, /conn\.log:5 .*\(4 events from 2026-03-01T12:01:00\.000Z to 2026-03-01T12:04:00\.000Z\)/)
})

test('match takes each file for an observer, unless the events name a sensor', async () => {
  await using home = await folder()
  const indicators = await armed(home)
  const files = async (sensor?: string) => {
    const rows: [number, string, string?][] = [
      [1, BEACON],
      [2, BEACON],
      [3, BEACON],
      [4, DROP],
    ]
    const cut = rows.map(([minute, target]) => [minute, target, ...(sensor ? [sensor] : [])] as const)
    const names = [home.in(`a-${sensor}.log`), home.in(`b-${sensor}.log`)]
    await writeFile(names[0]!, lines(cut.slice(0, 2) as never))
    await writeFile(names[1]!, lines(cut.slice(2) as never))
    return names.flatMap((name) => ['--input', name])
  }
  const apart = await noroshi(['match', '--indicators', indicators, ...(await files())])
  assert.deepEqual([apart.code, apart.stdout], [1, ''])
  const together = await noroshi(['match', '--indicators', indicators, ...(await files('tokyo')), '--json'])
  assert.equal(together.code, 0, together.stderr)
  assert.equal(together.json().length, 1)
})

test('match says when its limits were met', async () => {
  await using home = await folder()
  const indicators = await armed(
    home,
    "[network-traffic:dst_ref.value LIKE '10.%'] FOLLOWEDBY [ipv4-addr:value = '192.0.2.9']",
  )
  const log = home.in('conn.log')
  await writeFile(log, lines(Array.from({ length: 600 }, (_, at) => [at / 600, `10.0.0.${at % 200}`] as const)))
  const ran = await noroshi(['match', '--indicators', indicators, '--input', log])
  assert.match(ran.stderr, /limits met, matches may be missing: 88 events dropped/)
})

test('a node finds a sequence over requests, shows it, counts what it keeps, and forgets it when it is recalled', async () => {
  await using home = await folder()
  const dir = home.in('node')
  await init(dir)
  await using node = await serve(dir)
  const file = await armed(home)
  const published = await noroshi(['publish', file, '--dir', dir, '--tlp', 'green', '--json'])
  assert.equal(published.code, 0, published.stderr)
  const [{ id }] = (published.json()[0] as { published: [{ id: string }] }).published
  const start = Date.now() - 600_000
  const send = async (rows: readonly [number, string][], token = node.token, query = '') => {
    const response = await node.ask(`/api/v1/telemetry${query}`, {
      method: 'POST',
      body: lines(rows, start),
      headers: { 'content-type': 'application/x-ndjson', authorization: `Bearer ${token}` },
    })
    assert.equal(response.status, 200)
    return ((await response.json()) as { hits: Record<string, unknown>[] }).hits
  }
  const status = async () =>
    ((await noroshi(['status', '--dir', dir, '--json'])).json()[0] as { armed: { evaluated: Record<string, number> } })
      .armed.evaluated

  assert.deepEqual(
    await send([
      [1, BEACON],
      [2, BEACON],
      [3, BEACON],
    ]),
    [],
  )
  assert.equal((await status())['kept'], 3)
  assert.match(await (await node.ask('/metrics')).text(), /noroshi_evaluated_patterns\{what="kept"\} 3/)
  assert.match(
    (await noroshi(['status', '--dir', dir])).stdout,
    /1 patterns outside of the index, 3 events of 1 observers/,
  )

  const made = await noroshi(['token', 'create', 'sensor', '--scope', 'telemetry', '--dir', dir, '--json'])
  const { text: other } = made.json()[0] as { text: string }
  assert.deepEqual(await send([[4, DROP]], other), [], 'the events of another token are another observer’s')
  assert.deepEqual(await send([[4, DROP]], node.token, '?run=r1'), [], 'and so are those of a drill’s run')
  const [hit, ...more] = await send([
    [4, '192.0.2.1'],
    [4, DROP],
  ])
  assert.deepEqual(more, [])
  assert.deepEqual(
    [hit!['indicator'], hit!['event'], hit!['events'], hit!['first'], hit!['last']],
    [id, { line: 2 }, 4, { time: start + 60_000 }, { time: start + 240_000, event: { line: 2 } }],
  )
  const { hits } = (await (await node.ask('/api/v1/hits')).json()) as { hits: Record<string, unknown>[] }
  assert.deepEqual([hits.length, hits[0]!['first'], hits[0]!['last']], [1, start + 60_000, start + 240_000])

  assert.equal((await noroshi(['recall', id, '--dir', dir])).code, 0)
  assert.equal((await status())['kept'], 0)
  assert.deepEqual(await send([[5, DROP]]), [])
})

test('watch shows a sequence with its lines counted as in the file', async () => {
  await using home = await folder()
  const dir = home.in('node')
  await init(dir)
  await using node = await serve(dir)
  const file = await armed(home)
  assert.equal((await noroshi(['publish', file, '--dir', dir, '--tlp', 'green'])).code, 0)
  const log = home.in('conn.log')
  const start = Date.now() - 600_000
  const noise = Array.from({ length: 1_000 }, () => [0, '192.0.2.1'] as const)
  await writeFile(log, lines([[1, BEACON], [2, BEACON], ...noise, [3, BEACON], [4, DROP]], start))
  const ran = await noroshi(['watch', log, '--dir', dir, '--json'])
  assert.equal(ran.code, 0, `${ran.stderr}${node.url}`)
  const [hit] = ran.json()
  assert.deepEqual(hit!['event'], { file: log, line: 1_004 })
  assert.deepEqual(hit!['last'], { time: start + 240_000, event: { file: log, line: 1_004 } })
  assert.deepEqual(hit!['first'], { time: start + 60_000 }, 'sent with an earlier request')
})
