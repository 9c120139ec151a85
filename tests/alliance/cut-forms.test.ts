// An object of which nobody has all: its cut forms stand under other ids, and what happens to the object happens to them.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { noroshi } from '../cli/command-line.ts'
import { backUp, restoreBackup } from '#node'
import { ask, holds, indicator, openWorld, publish, until, type World, type WorldOptions } from './world.ts'

const MEMBERS = ['jp', 'us', 'ph']
const BANK = 'identity--00000000-0000-5000-8000-0000000000ba'
const CLIENTS: NonNullable<WorldOptions['clients']> = {
  jp: [{ id: BANK, slug: 'jp-bank', name: 'Bank', kind: 'company', sectors: ['financial'], nation: 'JP' }],
}
const GREEN = { tlp: 'green' }
const JSON_TYPE = { 'content-type': 'application/json' }
const TIMES = { created: '2026-01-02T00:00:00.000Z', modified: '2026-01-02T00:00:00.000Z' }
const common = (type: string) => ({ type, spec_version: '2.1', id: `${type}--${randomUUID()}`, ...TIMES })
/** Nobody knows what it means, so it closes what it marks. */
const CLOSED = `marking-definition--${randomUUID()}`
const open = () => openWorld({ alliances: { all: MEMBERS }, clients: CLIENTS, logLevel: 'error' })

let addresses = 0
/** An indicator with a label that nobody may see. */
const partly = (more: object = {}) =>
  indicator(`198.51.100.${++addresses}`, {
    labels: ['open', 'closed'],
    granular_markings: [{ marking_ref: CLOSED, selectors: ['labels.[1]'] }],
    ...more,
  })
const later = (object: Record<string, unknown> & { id: string }, more: object = {}) => ({
  ...object,
  modified: '2026-06-01T00:00:00.000Z',
  ...more,
})
function without(object: Record<string, unknown> & { id: string }): Record<string, unknown> & { id: string } {
  const { granular_markings: _, ...rest } = object
  return rest as typeof object
}

/** Publishes an object that becomes one form, and gives that form's id. */
async function cut(world: World, object: { id: string }, marking: object = GREEN): Promise<string> {
  const { published, refused } = await publish(world, 'jp', [object], marking)
  assert.deepEqual(refused, [])
  assert.equal(published.length, 1, 'nobody has all of it')
  const id = String(published[0]?.id)
  assert.notEqual(id, object.id)
  await until('us holds the form', () => holds(world, 'us', id))
  return id
}

async function assertGone(world: World, id: string): Promise<void> {
  for (const slug of ['us', 'ph']) await until(`${slug} took it out`, async () => !(await holds(world, slug, id)))
  assert.equal(await holds(world, 'jp', id), false)
}

test('a newer version takes back the forms that it has no more, over a restart and a restore; so does its author', async () => {
  await using world = await open()
  const [first, second, third] = [partly(), partly(), partly()]
  const forms = [await cut(world, first), await cut(world, second), await cut(world, third)]
  await world.restart('jp')
  const narrow = await publish(world, 'jp', [later(without(first))], { tlp: 'red', to: ['member:us'] })
  assert.deepEqual(narrow.published[0]?.recipients, ['us'])
  await assertGone(world, forms[0]!)
  assert.ok(await holds(world, 'jp', first.id))
  const { standing } = (await (await ask(world, 'jp', `/api/v1/objects/${forms[0]}/standing`)).json()) as {
    standing: { recall?: { reason?: string } }[]
  }
  assert.deepEqual(
    standing.map(({ recall }) => recall?.reason),
    ['superseded'],
  )
  const backup = join(world.path, 'jp.backup')
  await backUp({ dir: world.dir('jp'), out: backup, withKeys: true, now: Date.now() })
  await world.stop('jp')
  await rm(world.dir('jp'), { recursive: true })
  await restoreBackup({ file: backup, dir: world.dir('jp'), now: Date.now() })
  await world.restart('jp')
  await until('jp is ready', async () => (await ask(world, 'jp', '/readyz')).status === 200, 60_000)
  await publish(world, 'jp', [later(without(second))], { tlp: 'red', to: ['member:us'] })
  await assertGone(world, forms[1]!)

  const ran = await noroshi(['recall', third.id, '--reason', 'error', '--dir', world.dir('jp')])
  assert.equal(ran.code, 0, ran.stdout + ran.stderr)
  await assertGone(world, forms[2]!)
})

test('what the newer version replaces stays; a revocation follows, but not to those from whom it is kept', async () => {
  await using world = await open()
  const kept = partly()
  const form = await cut(world, kept)
  assert.equal(await cut(world, later(kept, { name: 'newer' })), form)
  const versions = async (id: string) =>
    (
      (await (await ask(world, 'us', `/api/v1/objects/${id}`)).json()) as {
        versions?: { object: { name: string; revoked?: boolean } }[]
      }
    ).versions?.map(({ object }) => object)
  await until('both versions', async () => (await versions(form))?.length === 2)

  // From cut to whole: the form goes, the whole one comes.
  const opened = partly()
  const before = await cut(world, opened)
  await publish(world, 'jp', [later(without(opened))], GREEN)
  await assertGone(world, before)
  await until('the whole one', () => holds(world, 'us', opened.id))
  // And from whole to cut, also where both versions come at once.
  const closed = partly()
  const both = await publish(world, 'jp', [without(closed), later(closed)], GREEN)
  assert.deepEqual(both.refused, [])
  await assertGone(world, closed.id)
  const after = both.published.find(({ id }) => id !== closed.id)?.id ?? ''
  await until('its form', () => holds(world, 'us', after))

  const revoked = partly()
  const told = await cut(world, revoked)
  assert.equal(await cut(world, later(revoked, { revoked: true })), told)
  await until('the revocation', async () => (await versions(told))?.some((one) => one.revoked === true) === true)
  const [hidden, whole] = [partly(), indicator('198.51.100.200')]
  const gone = await cut(world, hidden)
  await publish(world, 'jp', [whole], GREEN)
  await until('the whole one', () => holds(world, 'ph', whole.id))
  const strict = [later(without(hidden), { revoked: true }), later(whole, { revoked: true, name: 'secret' })]
  const { refused } = await publish(world, 'jp', strict, { tlp: 'red', to: ['member:us'] })
  assert.deepEqual(refused, [])
  await assertGone(world, gone)
  await until('ph took it out', async () => !(await holds(world, 'ph', whole.id)))
  await until('us is told', async () => (await versions(whole.id))?.every(({ name }) => name === 'secret') === true)
})

test('what refers later to an object of which nobody has all is cut like that, and inherits', async () => {
  await using world = await open()
  const green = partly()
  const amber = partly()
  const [greenForm, amberForm] = [await cut(world, green), await cut(world, amber, { tlp: 'amber' })]
  const other = indicator('198.51.100.201')
  await publish(world, 'jp', [other], GREEN)
  const times = { ...TIMES, published: TIMES.created }
  const referring = [
    { ...common('sighting'), sighting_of_ref: green.id },
    { ...common('note'), content: 'See our case.', object_refs: [green.id] },
    { ...common('report'), ...times, name: 'All', object_refs: [green.id, other.id] },
    {
      ...common('relationship'),
      relationship_type: 'related-to',
      source_ref: other.id,
      target_ref: green.id,
    },
  ]
  await world.restart('jp')
  for (const one of referring) {
    const { published, refused } = await publish(world, 'jp', [one], { tlp: 'clear' })
    assert.deepEqual(refused, [], one.type)
    const shown = published.filter(({ recipients }) => recipients.length > 0)
    assert.equal(shown.length, 1, `${one.type}: ${JSON.stringify(published)}`)
    const id = String(shown[0]?.id)
    await until('us holds it', () => holds(world, 'us', id))
    const text = await (await ask(world, 'us', `/api/v1/objects/${id}`)).text()
    assert.ok(!text.includes(green.id), `${one.type} tells no id that nobody was given`)
    if (one.type !== 'relationship' && one.type !== 'report') assert.ok(text.includes(greenForm), one.type)
  }
  for (const one of [
    { ...common('sighting'), sighting_of_ref: amber.id },
    { ...common('note'), content: 'See our case.', object_refs: [amber.id] },
  ]) {
    const { published } = await publish(world, 'jp', [one], { tlp: 'clear' })
    const levels = published.map((row) => (row as unknown as { audience: { tlp: string } }).audience.tlp)
    assert.deepEqual(new Set(levels), new Set(['amber']), one.type)
    const id = String(published.filter(({ recipients }) => recipients.length > 0)[0]?.id)
    await until('us holds it', () => holds(world, 'us', id))
    assert.ok((await (await ask(world, 'us', `/api/v1/objects/${id}`)).text()).includes(amberForm))
  }
})

test('a client that names such an object takes nothing of it back, and is not told its form', async () => {
  await using world = await open()
  const object = partly()
  const form = await cut(world, object)
  const { text: token } = (await (
    await ask(world, 'jp', '/api/v1/tokens', {
      method: 'POST',
      headers: JSON_TYPE,
      body: JSON.stringify({ name: 'bank', scope: 'publish', org: 'jp-bank' }),
    })
  ).json()) as { text: string }
  const send = async (objects: readonly { id: string }[]) => {
    const body = JSON.stringify({ objects, ...GREEN })
    const answer = await (
      await ask(world, 'jp', '/api/v1/publish', { method: 'POST', headers: JSON_TYPE, body, token })
    ).text()
    return objects.reduce((text, { id }, k) => text.replaceAll(id, `ID${k}`), answer).replace(/"index":\d+/g, '')
  }
  const absent = { ...without(object), id: `indicator--${randomUUID()}` }
  const newer = later(without(object))
  assert.equal(await send([newer]), await send([later(absent)]))
  assert.ok(await holds(world, 'us', form))
  const noteOn = (id: string) => ({ ...common('note'), content: 'Seen.', object_refs: [id] })
  const nowhere = `indicator--${randomUUID()}`
  assert.equal(await send([noteOn(object.id)]), await send([noteOn(nowhere)]))
})
