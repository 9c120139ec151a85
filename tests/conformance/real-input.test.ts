// Real input through the doors that users have: two nodes in one alliance, their commands and their API.
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { fromBase64 } from '#base'
import { type Envelope, verifyStatement } from '#log'
import { good } from './noroshi-command.ts'
import { answerToSlowBody } from './slow-body.ts'
import { ALLIANCE, objectsAt, objectTexts, openTwoNodes, type TestNode, type TwoNodes, until } from './two-nodes.ts'

const SHARED = process.env.NOROSHI_SHARED ?? join(import.meta.dirname, '../../../shared')
const DATA = join(SHARED, 'data')
const skip = !existsSync(DATA) && `no ${DATA}`
const KV = join(DATA, 'kv-botnet-iocs.stix21.json')
const VOLT_TYPHOON = join(DATA, 'volt-typhoon-G1017.stix21.json')
const ATTACK = join(DATA, 'attack-enterprise-18.1-compact.stix21.json.gz')
const ADVISORY = join(DATA, 'aa23-270a-reconstructed.stix21.json')
const BLACKTECH = join(DATA, 'blacktech-G0098.stix21.json')
const DAYS = ['2023-07-01', '2023-12-12', '2023-12-20', '2024-03-01', '2024-07-01', '2026-06-01']
const HITS = [0, 0, 20, 23, 0, 0]
const CLEAR = 'marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487'

interface Recipient {
  slug: string
  code: string
}
interface Published {
  id: string
  log: string
  index: number
  audience: { tlp: string }
  recipients: (string | Recipient)[]
}
interface PublishAnswer {
  dryRun?: true
  published: Published[]
  refused: { id: string; code: string; message: string }[]
  refusedByType?: Record<string, Record<string, number>>
}
interface StixObject {
  id: string
  type: string
  pattern?: string
  object_marking_refs?: string[]
}
interface TelemetryAnswer {
  events: number
  bad: number
  hits: { indicator: string; value: string; time: number }[]
}
interface Receipt {
  kind: 'received' | 'armed'
  slug: string
  log: string
  from: number
  size: number
  envelope: Envelope
}

const read = (path: string) => (path.endsWith('.gz') ? gunzipSync(readFileSync(path)) : readFileSync(path))
const objectsOf = (path: string) => (JSON.parse(read(path).toString('utf8')) as { objects: StixObject[] }).objects
const countBy = <T>(list: readonly T[], name: (item: T) => string): Record<string, number> =>
  Object.fromEntries([...Map.groupBy(list, name)].map(([key, some]) => [key, some.length]))
const dayOf = (time: number) => new Date(time).toISOString().slice(0, 10)
const parse = <T>(text: string) => JSON.parse(text) as T

/** Publishes a file by the command, and answers what it printed. */
async function publish(
  node: TestNode,
  file: string,
  ...options: string[]
): Promise<PublishAnswer & { code: number | null }> {
  const { code, stdout, stderr } = await node.run('publish', file, '--json', ...options)
  assert.notEqual(stdout, '', stderr)
  return { ...parse<PublishAnswer>(stdout), code }
}

async function journal<T>(node: TestNode, stream: string): Promise<T[]> {
  const { rows } = await node.get<{ rows: { value: T }[] }>(`/api/v1/journal?stream=${stream}&limit=1000`)
  return rows.map(({ value }) => value)
}

const post = (node: TestNode, path: string, body: Uint8Array, headers: Record<string, string> = {}) =>
  node.send(path, { method: 'POST', body, headers: { 'content-type': 'application/x-ndjson', ...headers } })

const stack = new AsyncDisposableStack()
const folder = mkdtempSync(join(tmpdir(), 'noroshi-real-input-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
let nodes: TwoNodes
/** What was published, by version: the text that was published first. */
const expected = new Map<string, string>()
const expectFile = (path: string) => {
  for (const [version, text] of objectTexts(read(path))) if (!expected.has(version)) expected.set(version, text)
}

before(async () => {
  if (!skip) nodes = await openTwoNodes(folder, stack)
})
after(() => stack.disposeAsync())

test('the KV botnet list arms its 57 indicators at its author and at the mirror', { skip }, async () => {
  const { author, mirror } = nodes
  const { published, refused } = await publish(author, KV, '--tlp', 'clear')
  expectFile(KV)
  assert.deepEqual(refused, [])
  assert.deepEqual(
    published.map(({ id }) => id).sort(),
    objectsOf(KV)
      .map(({ id }) => id)
      .sort(),
  )
  const patterns = new Map(objectsOf(KV).map(({ id, pattern }) => [id, pattern ?? '']))
  for (const node of [author, mirror]) {
    const active = async () => (await node.get<{ armed: { active: number } }>('/api/v1/status')).armed.active
    await until(`${node.slug} has 57 active`, async () => (await active()) === 57)
    const armed = await journal<{ id: string; refused?: string }>(node, 'armed')
    assert.deepEqual(
      armed.filter(({ refused: why }) => why !== undefined),
      [],
    )
    assert.equal(new Set(armed.map(({ id }) => id)).size, 57)
    const kinds = countBy(armed, ({ id }) => /^\[([a-z0-9-]+):/.exec(patterns.get(id) ?? '')?.[1] ?? id)
    assert.deepEqual(kinds, { 'ipv4-addr': 23, file: 32, 'x509-certificate': 2 }, node.slug)
  }
})

test('telemetry at the mirror meets its addresses within their validity, and decoys never', { skip }, async () => {
  const { author, mirror } = nodes
  const lines = read(join(DATA, 'telemetry/kv-check-conn.jsonl'))
  const answer = (await (await post(mirror, '/api/v1/telemetry?format=zeek', lines)).json()) as TelemetryAnswer
  assert.deepEqual([answer.events, answer.bad], [276, 0])
  assert.deepEqual(
    DAYS.map((day) => answer.hits.filter(({ time }) => dayOf(time) === day).length),
    HITS,
  )
  assert.equal(answer.hits.length, 43)
  const patterns = new Map(objectsOf(KV).map(({ id, pattern }) => [id, pattern]))
  for (const { indicator, value } of answer.hits)
    assert.equal(patterns.get(indicator), `[ipv4-addr:value = '${value}']`)
  assert.equal((await journal(mirror, 'hits')).length, 43)
  assert.deepEqual(await journal(author, 'hits'), [])
  const { types } = await author.get<{ types: Record<string, number> }>('/api/v1/counts')
  assert.equal(types['sighting'], undefined, 'old telemetry is not told to the author of an indicator')
})

test('recorded traffic of another attack meets none of them', { skip }, async () => {
  const lines = read(join(DATA, 'telemetry/zeek/apt29_day1_zeek.jsonl.gz'))
  for (const format of ['auto', 'zeek']) {
    const response = await post(nodes.mirror, `/api/v1/telemetry?format=${format}`, lines)
    assert.deepEqual(await response.json(), { events: 2140, bad: 0, hits: [] })
  }
})

const isClear = ({ object_marking_refs: refs }: StixObject) => refs?.includes(CLEAR) === true

test(
  'the joint advisory by its own markings: what is CLEAR goes, what has no level is counted by type',
  { skip },
  async () => {
    const dry = await publish(nodes.author, ADVISORY, '--dry-run')
    assert.deepEqual([dry.dryRun, dry.code], [true, 1])
    const objects = objectsOf(ADVISORY)
    const [clear, unmarked] = [objects.filter(isClear), objects.filter((object) => !isClear(object))]
    // The definition of CLEAR goes along with what it marks; the report and its relationships would point at nothing.
    const [alone, pointing] = [
      clear.filter(({ type }) => type === 'identity'),
      clear.filter(({ type }) => type !== 'identity'),
    ]
    assert.deepEqual(dry.published.map(({ id }) => id).sort(), [...alone.map(({ id }) => id), CLEAR].sort())
    for (const { audience, recipients } of dry.published) {
      assert.equal(audience.tlp, 'clear')
      assert.deepEqual(
        (recipients as Recipient[]).map(({ slug, code }) => [slug, code]),
        [[nodes.mirror.slug, 'CLEAR']],
      )
    }
    const isUnmarked = ({ code }: { code: string }) => code === 'UNMARKED'
    assert.deepEqual(
      dry.refusedByType?.['UNMARKED'],
      countBy(
        unmarked.filter(({ id }) => id !== CLEAR),
        ({ type }) => type,
      ),
    )
    const withheld = dry.refused.filter((row) => !isUnmarked(row))
    assert.deepEqual(withheld.map(({ id }) => id).sort(), pointing.map(({ id }) => id).sort())
    assert.ok(withheld.every(({ code }) => /^REDACT_REQUIRED:(source_ref|object_refs)$/.test(code)))
  },
)

test('a dry run shows recipients and reasons, and a level tightens what is marked already', { skip }, async () => {
  const { author, mirror } = nodes
  const to = ['--to', `alliance:${ALLIANCE}`]
  for (const [path, level, code] of [
    [ADVISORY, 'green', 'COMMUNITY'],
    [BLACKTECH, 'amber', 'ALLIANCE'],
  ] as const) {
    const dry = await publish(author, path, '--dry-run', '--tlp', level, ...to)
    assert.deepEqual([dry.refused, dry.published.length], [[], objectsOf(path).length])
    for (const { audience, recipients } of dry.published) {
      assert.equal(audience.tlp, level)
      assert.deepEqual(
        (recipients as Recipient[]).map((one) => [one.slug, one.code]),
        [[mirror.slug, code]],
      )
    }
    const told = await good(author.run('publish', path, '--dry-run', '--tlp', level, ...to))
    const words = `Would publish ${dry.published.length} objects as TLP:${level.toUpperCase()} to:`
    assert.match(told.stdout, new RegExp(`^${words}\\n\\s+${mirror.slug}\\s+${code}\\s+[A-Z][^\\n]+\\.\\n$`))
  }
  const { types } = await author.get<{ types: Record<string, number> }>('/api/v1/counts')
  assert.equal(types['report'], undefined, 'a dry run publishes nothing')
})

for (const path of [ADVISORY, BLACKTECH])
  test(`${path.split('/').at(-1)} is published, what is marked as marked, the rest as told`, { skip }, async () => {
    const { published, refused, code } = await publish(nodes.author, path, '--tlp', 'clear')
    expectFile(path)
    assert.deepEqual([refused, code], [[], 0])
    assert.deepEqual(
      published.map(({ id }) => id).sort(),
      objectsOf(path)
        .map(({ id }) => id)
        .sort(),
    )
    assert.ok(
      published.every(({ audience, recipients }) => audience.tlp === 'clear' && recipients[0] === nodes.mirror.slug),
    )
  })

test('without a level unmarked content is refused, counted by type', { skip }, async () => {
  const answer = await publish(nodes.author, ATTACK)
  assert.equal(answer.code, 1)
  assert.deepEqual(answer.published, [])
  const { UNMARKED = {}, ...others } = answer.refusedByType ?? {}
  assert.deepEqual(others, {})
  assert.deepEqual(
    UNMARKED,
    countBy(objectsOf(ATTACK), ({ type }) => type),
  )
  const told = await nodes.author.run('publish', VOLT_TYPHOON)
  assert.equal(told.code, 1)
  const { relationship, tool } = countBy(objectsOf(VOLT_TYPHOON), ({ type }) => type)
  assert.match(told.stdout, new RegExp(`UNMARKED: .*\\b${relationship} relationship\\b`))
  assert.match(told.stdout, new RegExp(`UNMARKED: .*\\b${tool} tool\\b`))
  assert.match(told.stdout, /--tlp/)
})

test('Volt Typhoon is published over the API, which tells how far it is', { skip }, async () => {
  const response = await post(nodes.author, '/api/v1/publish?tlp=clear', read(VOLT_TYPHOON), {
    accept: 'application/x-ndjson',
  })
  expectFile(VOLT_TYPHOON)
  const lines = (await response.text())
    .trimEnd()
    .split('\n')
    .map((line) => parse<{ progress?: { done: number; total: number } } & PublishAnswer>(line))
  const answer = lines.pop()
  assert.equal(answer?.published.length, 460)
  const progress = lines.map((line) => line.progress)
  assert.ok(progress.length >= 2)
  const total = progress[0]?.total
  assert.deepEqual(
    [progress[0], progress.at(-1)],
    [
      { done: 0, total },
      { done: total, total },
    ],
  )
})

test('the whole of ATT&CK, packed, is published and stands at the mirror byte for byte', { skip }, async (t) => {
  const { author, mirror } = nodes
  const started = Date.now()
  const { published, refused, code } = await publish(author, ATTACK, '--tlp', 'clear')
  const durable = Date.now()
  expectFile(ATTACK)
  assert.deepEqual([refused, code, published.length], [[], 0, 21_081])
  assert.deepEqual(
    published.map(({ id }) => id).sort(),
    objectsOf(ATTACK)
      .map(({ id }) => id)
      .sort(),
  )
  const counts = (node: TestNode) => node.get<{ total: number; types: Record<string, number> }>('/api/v1/counts')
  await until('the mirror is complete', async () => (await counts(mirror)).total >= expected.size)
  t.diagnostic(
    `ATT&CK 18.1, 21,081 objects: published in ${durable - started} ms by the command; ` +
      `the mirror was complete ${Date.now() - durable} ms after the command ended`,
  )
  assert.deepEqual(await counts(mirror), await counts(author))
  for (const node of [author, mirror]) {
    const found = await objectsAt(node)
    assert.equal(found.size, expected.size, node.slug)
    const differing = [...expected].filter(([version, text]) => found.get(version) !== text).map(([version]) => version)
    assert.deepEqual(differing, [], node.slug)
  }
})

test('receipts of everything, signed by the mirror, lie at the author', { skip }, async () => {
  const { author, mirror } = nodes
  const { key, member, entries } = await mirror.get<{ key: string; member: string; entries: number }>('/api/v1/status')
  const { receipts } = await author.get<{ receipts: Receipt[] }>('/api/v1/receipts')
  const [log, ...otherLogs] = new Set(receipts.map((receipt) => receipt.log))
  assert.ok(log !== undefined)
  assert.deepEqual(otherLogs, [], 'all of it is CLEAR, so it stands in one log')
  const received = receipts.filter(({ kind }) => kind === 'received')
  let covered = 0
  for (const { from, size } of received) {
    assert.equal(from, covered)
    covered = size
  }
  assert.equal(covered, entries)
  assert.equal(covered, expected.size + 1, 'each object is an entry, behind the first that describes the log')
  assert.ok(receipts.some(({ kind, size }) => kind === 'armed' && size > 57))
  for (const { kind, slug, envelope, size } of receipts) {
    assert.equal(slug, mirror.slug)
    const { statement } = envelope as unknown as { statement: Record<string, unknown> }
    assert.deepEqual([statement['member'], statement['log'], statement['size']], [member, log, size])
    verifyStatement(envelope, kind, [fromBase64(key)])
  }
})

test(
  'a body over the limit is answered 413 with problem details, and malformed JSON with its place',
  { skip },
  async () => {
    const { author } = nodes
    const spaces = (bytes: number) => Buffer.alloc(bytes, ' ')
    for (const [path, bytes] of [
      ['/api/v1/publish?tlp=clear', 67_108_865],
      ['/api/v1/telemetry', 33_554_433],
      ['/api/v1/recall', 1_048_577],
    ] as const) {
      const response = await post(author, path, spaces(bytes), { 'content-type': 'application/json' })
      assert.equal(response.status, 413, path)
      assert.match(response.headers.get('content-type') ?? '', /^application\/problem\+json/)
      const problem = (await response.json()) as Record<string, unknown>
      assert.deepEqual([problem['status'], problem['code']], [413, 'BODY_TOO_LARGE'])
      assert.ok(String(problem['detail']).length > 10 && String(problem['next']).length > 10)
    }
    assert.match(await answerToSlowBody(author, '/api/v1/recall', 4_194_304), /^HTTP\/1\.1 413 /)
    const nested = `{"type":"note","x":${'['.repeat(10_000)}${']'.repeat(10_000)}}`
    const bad: [name: string, text: string, words: RegExp][] = [
      ['nested', nested, /line 1\b.*levels deep/],
      ['malformed', '{"type":"bundle",\n"objects":[\n{"x": tru}]}', /line 3\b/],
      ['cut', '{"type":"bundle",\n"objects":[{"type":"no', /line 2\b/],
    ]
    for (const [name, text, words] of bad) {
      const response = await post(author, '/api/v1/publish?tlp=clear', Buffer.from(text))
      assert.equal(response.status, 400, name)
      const problem = (await response.json()) as { code: string; detail: string }
      assert.equal(problem.code, 'JSON_INVALID')
      assert.match(problem.detail, words)
      const file = join(folder, `${name}.json`)
      writeFileSync(file, text)
      const { code, stdout, stderr } = await author.run('publish', file, '--tlp', 'clear')
      assert.deepEqual([code, stdout], [2, ''], name)
      assert.match(stderr, words)
    }
    assert.ok((await author.send('/readyz')).ok, 'the node still serves')
  },
)

test('after a stop everything on both disks verifies', { skip }, async (t) => {
  for (const node of [nodes.author, nodes.mirror]) {
    assert.equal(await node.stop(), 0, `exit code of ${node.slug}`)
    const started = Date.now()
    const { stdout } = await good(node.run('fsck', '--json'))
    t.diagnostic(`fsck of ${node.slug}: ${Date.now() - started} ms`)
    const report = parse<{ ok: boolean; checked: { objects: number; entries: number }; faults: unknown[] }>(stdout)
    assert.deepEqual([report.ok, report.faults], [true, []])
    assert.equal(report.checked.objects, expected.size)
    assert.equal(report.checked.entries, expected.size + 1)
  }
})
