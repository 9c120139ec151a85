import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Json, JsonObject } from '#base'
import { BundleContext } from './bundle-context.ts'
import { BundleReader } from './bundle-reader.ts'
import type { Report } from './report.ts'
import { SAMPLES } from './sample-objects.ts'
import { validateObject } from './validate.ts'

const ID = 'bundle--5d0092c5-5f74-4287-9642-33f4c354e56d'
const sample = (type: string, change: JsonObject = {}): JsonObject => ({
  ...structuredClone(SAMPLES[type] ?? {}),
  ...change,
})
const uuid = (type: string, number: number) => `${type}--0c7b5b88-8ff7-4a4d-aa9d-${String(number).padStart(12, '0')}`
const shown = (findings: Report['errors']) => findings.map(({ path, code }) => `${path} ${code}`)

/** Validates a bundle as a whole and as a stream, and sees that both find the same between its objects. */
function bundle(objects: Json[], strict = false): string[] {
  const whole = validateObject({ type: 'bundle', id: ID, objects }, { strict })
  const single = objects.flatMap((object, index) => {
    const { errors, warnings } = validateObject(object, { strict })
    return shown([...errors, ...warnings]).map((text) => `objects.[${index}].${text}`)
  })
  const between = shown([...whole.errors, ...whole.warnings]).filter((text) => !single.includes(text))
  const streamed = stream(objects, strict)
  assert.deepEqual(shown([...streamed.errors, ...streamed.warnings]).toSorted(), between.toSorted())
  return between
}

function stream(objects: Json[], strict: boolean, context = new BundleContext()): Report {
  const reader = new BundleReader()
  // What stands before a bundle in the stream is not of it.
  const text = `${JSON.stringify(sample('tool'))}\n${JSON.stringify({ type: 'bundle', objects, id: ID })}`
  for (const item of [...reader.push(Buffer.from(text)), ...reader.end()])
    if (item.kind === 'bundle') return context.close(item.value as JsonObject, item.objects, { strict })
    else context.add(item.kind === 'object' ? item.value : null, item.kind === 'object' ? item.bytes.length : 0)
  throw new Error('no bundle came out')
}

test('versions of one object agree in creator and creation, and none comes after the revocation', () => {
  const tool = (change: JsonObject) =>
    sample('tool', { granular_markings: [{ lang: 'de', selectors: ['name'] }], ...change })
  const first = tool({ created: '2026-01-01T00:00:00.000Z', modified: '2026-01-01T00:00:00.000Z' })
  const later = { ...first, modified: '2026-01-02T00:00:00.000Z' }
  const revoked = { ...first, modified: '2026-01-03T00:00:00.000Z', revoked: true }
  assert.deepEqual(bundle([first, later, revoked]), [])
  assert.deepEqual(bundle([first, { ...later, created: '2026-01-01T00:00:00Z', extra: 1 }]), [])
  assert.deepEqual(bundle([first, { ...later, created: '2025-01-01T00:00:00.000Z' }]), [
    'objects.[1].created VERSION_CONFLICT',
  ])
  assert.deepEqual(bundle([first, { ...later, created_by_ref: uuid('identity', 99) }]), [
    'objects.[1].created_by_ref VERSION_CONFLICT',
  ])
  assert.deepEqual(bundle([{ ...later, modified: '2026-01-04T00:00:00.000Z' }, revoked, first]), [
    'objects.[0].modified VERSION_CONFLICT',
  ])
  assert.deepEqual(bundle([first, structuredClone(first)], true), [])
  assert.deepEqual(bundle([first, { ...first, name: 'Other' }], true), ['objects.[1] DUPLICATE_OBJECT'])
})

test('many versions of one object, each revoked, cost no more than their number', () => {
  const objects = Array.from({ length: 20_000 }, (_, at) =>
    sample('tool', { revoked: true, modified: `2026-02-01T00:00:00.${String(at).padStart(6, '0')}Z` }),
  )
  const { errors } = validateObject({ type: 'bundle', id: ID, objects })
  assert.equal(errors.at(-1)?.code, 'TOO_MANY_FINDINGS')
  assert.equal(errors[0]?.path, 'objects.[1].modified')
})

test('an extension is used as its definition in the bundle says', () => {
  const id = uuid('extension-definition', 7)
  const definition = (types: string[], properties?: string[]) => {
    const object = sample('extension-definition', { id, extension_types: types })
    delete object['extension_properties']
    return properties === undefined ? object : { ...object, extension_properties: properties }
  }
  const used = (kind: string, change: JsonObject = {}) => {
    const extensions = { [id]: { extension_type: kind } }
    return sample('tool', { extensions, ...change })
  }
  const conflict = [`objects.[1].extensions.${id}.extension_type INVALID_EXTENSION`]
  assert.deepEqual(bundle([definition(['property-extension', 'new-sco']), used('property-extension')]), [])
  assert.deepEqual(bundle([definition(['new-sdo']), used('property-extension')]), conflict)
  assert.deepEqual(bundle([definition(['property-extension']), used('toplevel-property-extension')]), conflict)
  for (const kind of ['new-sdo', 'new-sco', 'new-sro']) {
    const type = 'x-own-type'
    const { created, modified } = sample('tool') as { created: string; modified: string }
    const own = {
      type,
      id: uuid(type, 8),
      spec_version: '2.1',
      created,
      modified,
      extensions: { [id]: { extension_type: kind } },
    }
    assert.deepEqual(bundle([definition([kind]), own]), [])
    assert.deepEqual(bundle([definition(['property-extension']), own]), conflict)
  }
  const toplevel = definition(['toplevel-property-extension'], ['rank'])
  const ranked = (change: JsonObject) => used('toplevel-property-extension', change)
  assert.deepEqual(bundle([toplevel, ranked({ rank: 1 })], true), [])
  assert.deepEqual(bundle([toplevel, ranked({ rank: 1, rang: 2 })], true), ['objects.[1].rang CUSTOM_PROPERTY'])
  assert.deepEqual(bundle([definition(['toplevel-property-extension']), ranked({ rang: 2 })], true), [])
})

test('a family of malware is no variant of an instance', () => {
  const malware = (number: number, isFamily: boolean) =>
    sample('malware', { id: uuid('malware', number), is_family: isFamily, name: 'M' })
  const variant = (source: number, target: number) =>
    sample('relationship', {
      relationship_type: 'variant-of',
      source_ref: uuid('malware', source),
      target_ref: uuid('malware', target),
    })
  const objects = [malware(1, true), malware(2, false), malware(3, true)]
  for (const [source, target] of [
    [2, 1],
    [3, 1],
    [2, 2],
    [1, 9],
    [9, 2],
  ] as const)
    assert.deepEqual(bundle([...objects, variant(source, target)]), [], `${source} of ${target}`)
  assert.deepEqual(bundle([...objects, variant(1, 2)]), ['objects.[3].relationship_type INVALID_RELATIONSHIP'])
  assert.deepEqual(bundle([...objects, malware(1, false), variant(1, 2)]), [])
})

test('a translation has the shape of the version that it translates', () => {
  const tool = (name: Json, modified: string) =>
    sample('tool', { name, aliases: ['a', 'b'], created: '2026-01-01T00:00:00.000Z', modified })
  const content = (contents: JsonObject, modified?: string) => {
    const object = sample('language-content', { object_ref: tool('', '')['id'] ?? null, contents: { de: contents } })
    delete object['object_modified']
    return modified === undefined ? object : { ...object, object_modified: modified }
  }
  const [old, recent] = ['2026-01-01T00:00:00.000Z', '2026-01-02T00:00:00.000Z']
  const versions = [tool('Old', old), { ...tool('New', recent), aliases: ['a'] }]
  assert.deepEqual(bundle([...versions, content({ aliases: ['', 'B'] }, old)]), [])
  const wrong = ['objects.[2].contents.de.aliases INVALID_VALUE']
  assert.deepEqual(bundle([...versions, content({ aliases: ['', 'B'] }, recent)]), wrong)
  assert.deepEqual(bundle([...versions, content({ aliases: ['', 'B', 'C'] })]), [])
  assert.deepEqual(bundle([...versions, content({ aliases: ['B'] }, '2026-01-09T00:00:00.000Z')]), [])
  assert.deepEqual(bundle([tool('Only', old), content({ aliases: ['B'], name: 7, none: 7 })]), [
    'objects.[1].contents.de.aliases INVALID_VALUE',
    'objects.[1].contents.de.name WRONG_TYPE',
  ])
})

test('under strict, one creator has no UUID twice for different types', () => {
  const other = sample('malware', { id: uuid('malware', 1) })
  assert.deepEqual(bundle([sample('tool', { id: uuid('tool', 1) }), other], true), ['objects.[1].id INVALID_ID'])
  assert.deepEqual(bundle([sample('tool', { id: uuid('tool', 2) }), other], true), [])
})

test('a large bundle is compared as far as its limit, and says how much was left out', () => {
  const first = sample('tool', { revoked: true })
  const later = sample('tool', { modified: '2026-03-01T00:00:00.000Z' })
  const report = (limit: number) => {
    const context = new BundleContext(limit)
    return [shown(stream([first, later], false, context).errors), context.notCompared]
  }
  assert.deepEqual(report(1_000_000), [['objects.[1].modified VERSION_CONFLICT'], 0])
  assert.deepEqual(report(JSON.stringify(first).length * 2 + 10), [[], 1])
})

test('each bundle of a stream is compared by itself', () => {
  const revoked = sample('tool', { revoked: true })
  const later = sample('tool', { modified: '2026-03-01T00:00:00.000Z' })
  const context = new BundleContext(JSON.stringify(revoked).length * 4)
  const found = [[revoked], [later], [sample('malware'), revoked, later]].map((objects) => {
    for (const object of objects) context.add(object, JSON.stringify(object).length)
    return shown(context.close({ type: 'bundle', id: ID }, objects.length).errors)
  })
  assert.deepEqual(found, [[], [], ['objects.[2].modified VERSION_CONFLICT']])
  assert.equal(context.notCompared, 0)
})
