// Two real nodes that never have a link: what one publishes, recalls and signs reaches the other in files, both ways.
import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { noroshi } from '../cli/command-line.ts'
import { ask, holds, indicator, journal, openWorld, publish, until, type World } from './world.ts'

interface Imported {
  slug: string
  sequence: number
  entries: number
  logs: { log: string; size: number; added: number }[]
  statements: { accepted: number; refused: { code: string }[] }
  behind: string[]
}

const [JP, US, PH] = ['jp-nco', 'us-cisa', 'ph-cert']
const amber = { tlp: 'amber', to: ['alliance:pacific'] }
let world: World
let folder: string
let files = 0

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'noroshi-air-gap-'))
  world = await openWorld({ alliances: { pacific: [JP, US, PH], other: [JP, PH] }, links: false })
})
after(async () => {
  await world[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

async function write(from: string, to: string, ...more: string[]) {
  const out = join(folder, `${++files}.age`)
  const ran = await noroshi(['export', '--to', to, '--out', out, '--dir', world.dir(from), '--json', ...more])
  assert.equal(ran.code, 0, ran.stderr)
  return { out, ...(ran.json()[0] as { entries: number; statements: number; sequence: number; logs: number }) }
}

const read = (at: string, path: string) => noroshi(['import', path, '--dir', world.dir(at), '--json'])

async function taken(at: string, path: string): Promise<Imported> {
  const ran = await read(at, path)
  assert.ok(ran.stdout !== '', ran.stderr)
  return ran.json()[0] as unknown as Imported
}

async function refused(at: string, path: string, why: RegExp): Promise<void> {
  const ran = await read(at, path)
  assert.equal(ran.code, 2, ran.stdout)
  assert.match(ran.stderr, why)
}

const acknowledged = async (id: string) => {
  const { standing } = (await (await ask(world, JP, `/api/v1/objects/${id}/standing`)).json()) as {
    standing: { recall?: { acknowledged: { slug: string; purged: number | null }[] } }[]
  }
  return standing[0]?.recall?.acknowledged ?? []
}

test('what a member publishes reaches the other in a file; receipts, recall and acknowledgement travel the same way', async () => {
  const [one, hidden] = [indicator('198.51.100.7'), indicator('198.51.100.8')]
  await publish(world, JP, [one], amber)
  await publish(world, JP, [hidden], { tlp: 'amber', to: ['alliance:other'] })
  const first = await write(JP, US)
  assert.equal(first.logs, 1, 'what the reader may not mirror is not in its file')
  assert.equal((await stat(first.out)).mode & 0o777, 0o600)
  const imported = await taken(US, first.out)
  assert.deepEqual([imported.slug, imported.entries, imported.behind], [JP, 2, []])
  assert.ok(await holds(world, US, one.id))
  assert.ok(!(await holds(world, US, hidden.id)))
  await until('it is armed there', () => world.node(US).arming.size > 0)

  assert.equal((await noroshi(['who', one.id, '--dir', world.dir(JP)])).code, 1, 'nothing is proved yet')
  const mine = indicator('203.0.113.9')
  await publish(world, US, [mine], amber)
  await until('the armed claim waits', async () => (await write(US, JP, '--all')).statements >= 2)
  const back = await write(US, JP, '--all')
  const returned = await taken(JP, back.out)
  assert.deepEqual([returned.statements.accepted >= 2, returned.statements.refused], [true, []])
  assert.ok(await holds(world, JP, mine.id))
  const who = await noroshi(['who', one.id, '--dir', world.dir(JP)])
  assert.equal(who.code, 0, who.stdout)
  assert.match(who.stdout, /us-cisa +holds it/)

  assert.equal((await noroshi(['recall', one.id, '--dir', world.dir(JP), '--reason', 'personal-data'])).code, 0)
  const recall = await write(JP, US)
  assert.equal(recall.entries, 1, 'a file begins where the last one ended')
  assert.equal((await taken(US, recall.out)).entries, 1)
  assert.ok(!(await holds(world, US, one.id)), 'recalled across the gap')
  assert.deepEqual(await acknowledged(one.id), [])
  await taken(JP, (await write(US, JP)).out)
  const [ack] = await acknowledged(one.id)
  assert.equal(ack?.slug, US)
  assert.ok(ack.purged !== null)
  assert.deepEqual(await journal(world, US, 'evidence'), [])
  for (const slug of [JP, US])
    assert.deepEqual(await readdir(join(world.dir(slug), 'air-gap')), [], 'no file stays behind')
})

test('a file counts once, for its reader alone, and nothing of another member’s', async () => {
  await publish(world, JP, [indicator('198.51.100.20')], amber)
  const { out } = await write(JP, US)
  await refused(PH, out, /not encrypted to a recipient key of this node/)
  const stranger = await noroshi(['export', '--to', 'xx-none', '--out', join(folder, 'x.age'), '--dir', world.dir(JP)])
  assert.match(stranger.stderr, /stands in no charter/)
  await taken(US, out)
  await refused(US, out, /was imported before/)
  await refused(JP, out, /not encrypted to a recipient key/)
})

test('a file that is missing in between is told, and --all repairs it', async () => {
  await publish(world, JP, [indicator('198.51.100.30')], amber)
  await write(JP, US)
  const object = indicator('198.51.100.31')
  await publish(world, JP, [object], amber)
  const second = await write(JP, US)
  await refused(US, second.out, /import the file before, or ask for one with --all/)
  assert.ok(!(await holds(world, US, object.id)))
  await taken(US, (await write(JP, US, '--all')).out)
  assert.ok(await holds(world, US, object.id))
})

test('a file that was cut or changed anywhere is refused, and the whole one still counts', async () => {
  const objects = Array.from({ length: 300 }, (_, i) =>
    indicator(`10.1.${i >> 8}.${i & 255}`, { description: 'x'.repeat(900) }),
  )
  await publish(world, JP, objects, amber)
  const { out } = await write(JP, US)
  const bytes = await readFile(out)
  const spoiled = join(folder, 'spoiled.age')
  const places = [
    40,
    150,
    230,
    66_000,
    100_000,
    bytes.length - 5,
    ...Array.from({ length: 6 }, (_, i) => Math.floor((bytes.length * (i + 1)) / 8)),
  ]
  for (const at of places) {
    const changed = Buffer.from(bytes)
    changed[at]! ^= 0x10
    await writeFile(spoiled, changed)
    await refused(US, spoiled, /cut, or was changed|not encrypted to a recipient key/)
  }
  for (const length of [bytes.length - 1, 65_536, 70_000, 300, 100, 30]) {
    await writeFile(spoiled, bytes.subarray(0, length))
    await refused(US, spoiled, /cut, or was changed|not encrypted/)
  }
  await writeFile(spoiled, Buffer.concat([bytes, Buffer.from('more')]))
  await refused(US, spoiled, /cut, or was changed/)
  assert.deepEqual(await journal(world, US, 'evidence'), [], 'a broken file accuses nobody')
  await taken(US, out)
  assert.ok(await holds(world, US, objects.at(-1)!.id))
  const report = await world.node(US).store.fsck()
  assert.deepEqual(report.faults, [])
})

test('a new recipient key travels by file; files to the key before can still be read', async () => {
  const old = await write(JP, PH, '--all')
  const env = { NOROSHI_PASSPHRASE: 'noroshi demo' }
  const made = await noroshi(['air-gap', 'key', '--dir', world.dir(PH)], { env })
  assert.equal(made.code, 0, made.stderr)
  const secrets = join(world.dir(PH), 'keys/recipient.key')
  const lines = (await readFile(secrets, 'utf8')).trim().split('\n')
  assert.deepEqual([lines.length, (await stat(secrets)).mode & 0o777], [2, 0o600])
  assert.ok(!made.stdout.includes(lines[0]!) && !world.log(PH).includes(lines[0]!), 'the secret is said nowhere')
  await taken(PH, old.out)
  await taken(JP, (await write(PH, JP)).out)
  const object = indicator('198.51.100.40')
  await publish(world, JP, [object], amber)
  const next = await write(JP, PH)
  await writeFile(secrets, `${lines[1]}\n`, { mode: 0o600 })
  await refused(PH, next.out, /not encrypted to a recipient key/)
  await writeFile(secrets, `${lines[0]}\n`, { mode: 0o600 })
  await taken(PH, next.out)
  assert.ok(await holds(world, PH, object.id))
})
