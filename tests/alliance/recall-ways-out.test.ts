// One marked object goes out on every way that a node has; after its recall no way tells of it, and after the purge no file.
import assert from 'node:assert/strict'
import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { inflateRawSync } from 'node:zlib'
import { Decrypter } from 'age-encryption'
import { EXPORT_FORMATS } from '#exchange'
import { backUp, fsckDirectory, restoreBackup } from '#node'
import { noroshi } from '../cli/command-line.ts'
import { BANK, SMALL_WORLD } from '../leak/small-world.ts'
import { matched, tellAll, tellPeer, type Told } from '../leak/ways-out.ts'
import { ask, holds, indicator, openWorld, publish, until, type World } from './world.ts'

const CANARY = 'kanariya-4d81f2'
const [JP, US, PH, TH] = ['jp-nco', 'us-cisa', 'ph-ncert', 'th-ncsa'] as const
const HOLDERS = [JP, US, PH, TH] as const
const PAST_THE_HOLD_MS = 73 * 3_600_000
const JOURNALS = ['published', 'mirrored', 'armed', 'hits', 'sightings', 'receipts', 'recalls', 'alarms', 'evidence']

test('after a recall no way out tells of the object; after the purge no file of any node holds a byte of it', async () => {
  let shift = 0
  await using world = await openWorld({ ...SMALL_WORLD, now: () => Date.now() + shift, logLevel: 'debug' })
  const name = `${CANARY}.example.com`
  const older = indicator('192.0.2.1', { name: `Old ${CANARY}`, pattern: `[domain-name:value = '${name}']` })
  const object = {
    ...older,
    modified: '2026-02-01T00:00:00.000Z',
    name: `Beacon ${CANARY}`,
    description: `see ${CANARY}`,
  }
  const kept = indicator('192.0.2.2')
  // CLEAR, so that clients read it too.
  for (const one of [[older], [object], [kept]]) await publish(world, JP, one, { tlp: 'clear' })
  for (const slug of [US, PH, TH]) for (const { id } of [object, kept]) await until(slug, () => holds(world, slug, id))
  const secret = { author: JP, id: object.id, canary: CANARY, address: '192.0.2.1', object: {}, what: '' }
  const bank = await clientToken(world)
  const live = await Promise.all(HOLDERS.map((slug) => listen(world, slug)))

  for (const slug of HOLDERS) {
    assert.ok((await match(world, slug, name)).includes(CANARY), `armed at ${slug}`)
    assert.notDeepEqual(await filesWith(world.dir(slug)), [], 'the search finds what is there')
  }
  const before = await everything(world, bank, secret)
  for (const way of MUST_TELL) assert.ok(waysWith(before, way).length > 0, `${way} told of it while it stood`)
  const named = (told: readonly Told[]) =>
    told.filter(({ way, text }) => LISTS.test(way) && text.includes(`"id":"${object.id}"`)).map(({ way }) => way)
  for (const way of MUST_NAME)
    assert.ok(
      named(before).some((one) => one.includes(way)),
      `${way} named it`,
    )

  const ran = await noroshi(['recall', object.id, '--dir', world.dir(JP), '--wait', '30', '--json'])
  assert.equal(ran.code, 0, ran.stdout + ran.stderr)
  const [{ recalled }] = ran.json() as unknown as [{ recalled: { index: number }[] }]
  assert.equal(recalled.length, 2, 'every version, in every log')
  const after = await everything(world, bank, secret)
  const telling = after.filter(({ way, text }) => text.includes(CANARY) && !MAY_TELL.test(way)).map(({ way }) => way)
  assert.deepEqual(telling, [], 'withheld on every way out')
  assert.deepEqual(named(after), [], 'and not named on any that lists objects')
  assert.equal(after.length > before.length / 2, true, 'the same ways were walked')
  for (const slug of HOLDERS) {
    assert.equal(await match(world, slug, name), '', `disarmed at ${slug}`)
    assert.ok(await holds(world, slug, kept.id), 'the rest stays')
  }
  // The sightings that matches made name it: each node's people look at their own.
  for (const slug of HOLDERS)
    await until(`${slug} has a task`, async () => {
      const text = await (await ask(world, slug, '/api/v1/tasks')).text()
      return text.includes('"type":"sighting"') && text.includes(object.id)
    })
  for (const stream of live) assert.equal(stream.text().includes(CANARY), false, 'live events')
  for (const stream of live) assert.match(stream.text(), /event: recalled/)
  for (const stream of live) await stream.close()

  shift = PAST_THE_HOLD_MS
  for (const slug of HOLDERS) await world.restart(slug)
  for (const slug of HOLDERS)
    await until(`${slug} has no byte of it`, async () => (await filesWith(world.dir(slug))).length === 0)
  await until('everybody said so', async () => (await purgedBy(world, object.id)).length === 2 * 3)
  const last = await everything(world, bank, secret)
  assert.deepEqual(waysWith(last, ''), [], 'matches lost their values as well')
  for (const slug of HOLDERS) {
    assert.equal(world.log(slug).includes(CANARY), false, `the log of ${slug}`)
    const out = join(world.path, `${slug}.backup`)
    await backUp({ dir: world.dir(slug), out, withKeys: true, now: Date.now() })
    const dir = join(world.path, `${slug}-again`)
    await restoreBackup({ file: out, dir, now: Date.now() })
    assert.equal((await readFile(out)).includes(CANARY), false, `the backup of ${slug}`)
    assert.deepEqual(await filesWith(dir), [], `what is restored of it`)
    await world.stop(slug)
    assert.deepEqual((await fsckDirectory(world.dir(slug))).faults, [], slug)
    assert.deepEqual(await filesWith(world.dir(slug)), [], `${slug} at rest`)
  }
})

test('a version that was taken back is not published again: not by hand, not by a client, not by a source of TAXII', async () => {
  await using world = await openWorld(SMALL_WORLD)
  const object = indicator('192.0.2.3')
  const green = { tlp: 'green', to: ['alliance:trilateral'] }
  await publish(world, JP, [object], green)
  await until('us holds it', () => holds(world, US, object.id))
  assert.equal((await noroshi(['recall', object.id, '--dir', world.dir(JP), '--reason', 'personal-data'])).code, 0)
  await until('us took it out', async () => !(await holds(world, US, object.id)))
  const again = await publish(world, JP, [object], green)
  assert.deepEqual(
    again.refused.map(({ code }) => code),
    ['RECALLED'],
  )
  assert.equal(await holds(world, JP, object.id), false)
  await world.restart(JP)
  assert.equal((await publish(world, JP, [object], green)).refused.length, 1, 'also after a restart')
  const newer = { ...object, modified: '2026-02-01T00:00:00.000Z' }
  assert.deepEqual((await publish(world, JP, [newer], green)).refused, [])
  await until('a newer version reaches us', () => holds(world, US, object.id))
})

/** Ways on which the object has to be seen while it stands: else the search proves nothing. */
const MUST_TELL = [
  'GET /api/v1/objects, all pages',
  'GET /api/v1/objects/{id}',
  'GET /api/v1/situation',
  'GET /taxii2/',
  'link entries',
  'journal?stream=hits',
  'GET /api/v1/hits',
  ...[...EXPORT_FORMATS, 'misp-feed'].map((format) => `export ${format}`),
  'air-gap',
  'client',
]
/** Ways on which its id alone shows. */
const MUST_NAME = ['manifest', 'objects/ID/']
/** Ways that list objects: what is recalled is not named there either. */
const LISTS = /taxii2|\/api\/v1\/objects(?!.*standing)|export|air-gap|client/
/** A match stays in the journal of matches until the purge, for whoever has to answer it. */
const MAY_TELL = /journal\?stream=hits|GET \/api\/v1\/hits|GET \/api\/v1\/situation|journal\?stream=sightings/

/** Everything that every holder's node tells: its operator, a client, its peers, and in files. */
async function everything(world: World, bank: string, secret: Parameters<typeof tellAll>[3][number]): Promise<Told[]> {
  const told: Told[] = []
  for (const slug of HOLDERS) {
    const at = (list: readonly Told[]) => list.map(({ way, text }) => ({ way: `${slug}: ${way}`, text }))
    const operator = (await readFile(join(world.dir(slug), 'operator.token'), 'utf8')).trim()
    told.push(...at(await tellAll(world, slug, operator, [secret])))
    const peer = slug === US ? PH : US
    told.push(...at((await tellPeer(world, slug, peer)).told))
    for (const path of [
      `/api/v1/objects/${secret.id}/standing`,
      '/api/v1/tasks?all=true',
      '/api/v1/evidence',
      '/api/v1/submissions',
      ...JOURNALS.map((stream) => `/api/v1/journal?stream=${stream}&limit=1000`),
    ])
      told.push(...at([{ way: `GET ${path}`, text: await (await ask(world, slug, path)).text() }]))
    if (slug === US) told.push(...at(await exported(world, slug)))
  }
  told.push({ way: 'air-gap', text: await airGap(world) })
  const client = await tellAll(world, PH, bank, [secret])
  told.push(...client.map(({ way, text }) => ({ way: `client: ${way}`, text })))
  const hits = await matched(world, PH, bank, [secret]).catch(() => undefined)
  if (hits) told.push({ ...hits, way: `client: ${hits.way}` })
  return told
}

const waysWith = (told: readonly Told[], way: string) =>
  told.filter((one) => one.way.includes(way) && one.text.includes(CANARY)).map((one) => one.way)

let exports = 0

/** Files in every format. */
async function exported(world: World, slug: string): Promise<Told[]> {
  const told: Told[] = []
  for (const format of [...EXPORT_FORMATS, 'misp-feed']) {
    const out = join(world.path, `${slug}-${exports++}-${format}`)
    if (format === 'misp-feed') await mkdir(out)
    const ran = await noroshi(['export', '--format', format, '--out', out, '--dir', world.dir(slug)])
    assert.equal(ran.code, 0, `${format}: ${ran.stderr}`)
    const files = format === 'misp-feed' ? await readdir(out, { recursive: true, withFileTypes: true }) : []
    const paths =
      format === 'misp-feed' ? files.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name)) : [out]
    const bytes = await Promise.all(paths.map((path) => readFile(path)))
    told.push({
      way: `export ${format}`,
      text: bytes.map((one) => (format === 'xlsx' ? unzipped(one) : one.toString())).join('\n'),
    })
  }
  return told
}

/** The texts of a zip file. */
function unzipped(zip: Buffer): string {
  let text = ''
  for (let at = zip.indexOf('PK\u0003\u0004'); at >= 0; at = zip.indexOf('PK\u0003\u0004', at + 4)) {
    const start = at + 30 + zip.readUInt16LE(at + 26) + zip.readUInt16LE(at + 28)
    const isDeflated = zip.readUInt16LE(at + 8) === 8
    text += isDeflated
      ? inflateRawSync(zip.subarray(start), { finishFlush: 2 }).toString()
      : zip.subarray(start, start + zip.readUInt32LE(at + 18)).toString()
  }
  return text
}

/** What a file for another member holds, as that member reads it. */
async function airGap(world: World): Promise<string> {
  const out = join(world.path, `air-gap-${exports++}`)
  const ran = await noroshi(['export', '--to', US, '--all', '--out', out, '--dir', world.dir(JP)])
  assert.equal(ran.code, 0, ran.stderr)
  const decrypter = new Decrypter()
  for (const identity of (await readFile(join(world.dir(US), 'keys/recipient.key'), 'utf8')).trim().split('\n'))
    decrypter.addIdentity(identity)
  return Buffer.from(await decrypter.decrypt(await readFile(out))).toString('latin1')
}

async function clientToken(world: World): Promise<string> {
  const response = await ask(world, PH, '/api/v1/tokens', {
    method: 'POST',
    body: JSON.stringify({ name: 'bank', scope: 'read', org: BANK }),
    headers: { 'content-type': 'application/json' },
  })
  return ((await response.json()) as { text: string }).text
}

/** What telemetry with a name tells. */
async function match(world: World, slug: string, name: string): Promise<string> {
  const event = { ts: Date.now() / 1_000, uid: 'C', 'id.orig_h': '10.0.0.5', 'id.orig_p': 5_000, 'id.resp_h': '10.0.0.1', 'id.resp_p': 53, proto: 'udp', query: name, qtype_name: 'A' } // prettier-ignore
  const response = await ask(world, slug, '/api/v1/telemetry', {
    method: 'POST',
    body: JSON.stringify(event),
    headers: { 'content-type': 'application/x-ndjson' },
  })
  const { hits } = (await response.json()) as { hits: object[] }
  return hits.length === 0 ? '' : JSON.stringify(hits)
}

/** Live events of a node's page. */
async function listen(world: World, slug: string): Promise<{ text: () => string; close: () => Promise<void> }> {
  const response = await ask(world, slug, '/api/v1/events')
  const reader = response.body!.getReader()
  let text = ''
  const reading = (async () => {
    for (let got = await reader.read(); !got.done; got = await reader.read()) text += Buffer.from(got.value).toString()
  })().catch(() => undefined)
  const close = async () => {
    await reader.cancel()
    await reading
  }
  return { text: () => text, close }
}

/** Members that said that they purged, one for each version. */
async function purgedBy(world: World, id: string): Promise<string[]> {
  const { standing } = (await (await ask(world, JP, `/api/v1/objects/${id}/standing`)).json()) as {
    standing: { recall?: { acknowledged: { slug: string; purged: number | null }[] } }[]
  }
  return standing.flatMap(({ recall }) =>
    (recall?.acknowledged ?? []).filter(({ purged }) => purged !== null).map(({ slug }) => slug),
  )
}

/** Files below a folder that hold the canary, as it is or in base64 at any offset. */
async function filesWith(dir: string): Promise<string[]> {
  const needles = [CANARY, ...[0, 1, 2].map((at) => encodedAt(at))]
  const found: string[] = []
  for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const bytes = await readFile(join(entry.parentPath, entry.name)).catch(() => Buffer.alloc(0))
    if (needles.some((needle) => bytes.includes(needle))) found.push(entry.name)
  }
  return found
}

/** The middle of the canary's base64 where it begins at that offset of three. */
const encodedAt = (at: number) =>
  Buffer.from('x'.repeat(at) + CANARY)
    .toString('base64')
    .slice(4, 16)
