// Bundle in, bundle out: every byte of an object stays as its author wrote it, through every door and over a link.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { noroshi } from '../cli/command-line.ts'
import { ask, holds, openWorld, until } from './world.ts'

const open = () => openWorld({ alliances: { pair: ['jp-nco', 'us-cisa'] }, logLevel: 'error' })

/** Objects written as no serializer would write them. */
function oddTexts(): { id: string; text: string }[] {
  const times = '"created":"2026-01-01T00:00:00.000Z" , "modified":"2026-01-01T00:00:00.100Z"'
  const bodies: ((id: string) => string)[] = [
    (id) => `{ "modified" :"2026-01-01T00:00:00.000Z","id":"${id}",\t"created": "2026-01-01T00:00:00.000Z",\r\n"name":"\\u0041\\/b","spec_version":"2.1", "type":"campaign" }`,
    (id) => `{"type":"campaign","spec_version":"2.1","id":"${id}",${times},"name":"n","x_n":[1.0,1e2,-0.0,1E+2,0.10,9007199254740991,-9007199254740991]}`,
    (id) => `{"type":"campaign","spec_version":"2.1","id":"${id}",${times},"name":"\\ud83d\\ude00 😀 é e\u0301 \\"]}\\\\","x_z":{"b":1,"a":{"objects":[ {"type":"bundle"} ,2]},"c":false}}`,
    (id) => `{"x_deep":${'[ '.repeat(60)}1e0${' ]'.repeat(60)},"type":"campaign","spec_version":"2.1","id":"${id}",${times},"name":"\\n\\t\\u007f\u2028"}`,
    (id) => `{"objects":[ 1 ,{"type":"x"}],"type":"campaign","spec_version":"2.1","id":"${id}",${times},"name":"a list before the type"}`,
  ] // prettier-ignore
  return bodies.map((body) => {
    const id = `campaign--${randomUUID()}`
    return { id, text: body(id) }
  })
}

test('an object’s bytes come out as they went in: API, TAXII, export, and the same at the mirror', async () => {
  await using world = await open()
  const objects = oddTexts()
  const bundle = `{\n "id" : "bundle--${randomUUID()}", "x_of":"the container", "objects" : [ ${objects.map(({ text }) => text).join('\n,\t')} ], "type":"bundle"}\n`
  const file = join(world.path, 'bundle.json')
  await writeFile(file, bundle)
  const at = (slug: string) => ['--dir', world.dir(slug)]
  const ran = await noroshi(['publish', file, '--tlp', 'green', '--json', ...at('jp-nco')])
  assert.equal(ran.code, 0, ran.stdout + ran.stderr)
  for (const { id } of objects) await until(id, () => holds(world, 'us-cisa', id))

  for (const slug of ['jp-nco', 'us-cisa']) {
    const told = async (path: string, accept: string) => (await ask(world, slug, path, { headers: { accept } })).text()
    const type = 'application/taxii+json;version=2.1'
    const ways: [string, string][] = [
      ['the list', await told('/api/v1/objects', 'application/json')],
      ['the latest', await told('/api/v1/objects?versions=latest', 'application/json')],
      ['the bundle', await told('/api/v1/objects?type=campaign', 'application/stix+json')],
      ['TAXII', await told('/taxii2/_node/collections/everything/objects/', type)],
    ]
    for (const { id } of objects) ways.push([`alone`, await told(`/api/v1/objects/${id}`, 'application/json')])
    for (const [way, text] of ways)
      for (const object of objects)
        if (way !== 'alone' || text.includes(`{"id":"${object.id}"`))
          assert.ok(text.includes(object.text), `${way} at ${slug}: ${object.text}\n${text}`)

    const out = join(world.path, `${slug}.json`)
    const exported = await noroshi(['export', '--format', 'stix', '--ids-from', file, '--out', out, ...at(slug)])
    assert.equal(exported.code, 0, exported.stderr)
    assert.match(exported.stderr, /strictest of it is TLP:GREEN/)
    const again = await readFile(out, 'utf8')
    const list = objects.map(({ text }) => text).join(',\n')
    assert.match(again, /^\{"type":"bundle","id":"bundle--[0-9a-f-]{36}","objects":\[\n/)
    assert.equal(
      again.slice(again.indexOf('[') + 2, again.lastIndexOf(']') - 1),
      list,
      'the same bytes, the same order',
    )
    const all = await noroshi(['export', '--format', 'stix', '--type', 'campaign', ...at(slug)])
    assert.equal(all.stdout, again, 'and in order of arrival')
  }
  const reversed = objects.toReversed().flatMap(({ id }) => ['--id', id])
  const chosen = await noroshi(['export', '--format', 'stix', ...reversed, ...at('us-cisa')])
  assert.ok(
    chosen.stdout.includes(
      objects
        .map(({ text }) => text)
        .toReversed()
        .join(',\n'),
    ),
  )
  const converted = await noroshi(['export', '--format', 'stix', '--from', file])
  assert.ok(converted.stdout.includes(objects.map(({ text }) => text).join(',\n')), 'from a file too')
  const none = join(world.path, 'none.json')
  await writeFile(none, '{"type":"bundle","objects":[]}')
  const empty = await noroshi(['export', '--format', 'stix', '--ids-from', none, ...at('us-cisa')])
  assert.equal(empty.code, 1, 'no ids are no objects, not all of them')
  assert.ok(!empty.stdout.includes('campaign'))

  const marked = await noroshi(['export', '--format', 'stix', '--mark', '--type', 'campaign', ...at('us-cisa')])
  assert.match(marked.stdout, /"object_marking_refs":\["marking-definition--bab4a63c/)
})

test('what two readers could read differently is refused whole, by publish as by validate', async () => {
  await using world = await open()
  const { text } = oddTexts()[0] as { text: string }
  const deep = `{"type":"campaign","x":${'['.repeat(64)}${']'.repeat(64)}}`
  const cases: [string, RegExp][] = [
    [text.replace('"name"', '"name":"first", "n\\u0061me"'), /twice|duplicate/i],
    [text.replace('"spec_version"', '"x_n":9007199254740993, "spec_version"'), /9007199254740991|2\^53|range/i],
    [text.replace('\\u0041', '\\ud83d'), /surrogate/i],
    [deep, /nested 65 levels deep; at most 64 are read/],
  ]
  for (const [body, why] of cases) {
    const file = join(world.path, 'bad.json')
    for (const wrapped of [body, `{"type":"bundle","objects":[${body}]}`]) {
      await writeFile(file, wrapped)
      const published = await noroshi(['publish', file, '--tlp', 'clear', '--dir', world.dir('jp-nco')])
      assert.equal(published.code, 2, published.stdout)
      assert.match(published.stderr, why)
      const checked = await noroshi(['validate', file])
      assert.equal(checked.code, 1)
      assert.match(checked.stdout, why)
    }
  }
})
