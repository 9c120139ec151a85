// Every property of every table, one after another: what holds for all of them needs no list that could forget one.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Json, JsonObject } from '#base'
import type { DataType, Property, StructDefinition } from '../engine/data-type.ts'
import { DEFINITIONS } from '../engine/definitions.ts'
import { SAMPLES } from '../sample-objects.ts'
import { validateObject } from '../validate.ts'
import { COMMON_USE } from './common.ts'

/** Of no data type of STIX, at any depth. */
const NOTHING: Json = [[[true]]]
const UUID = '0c7b5b88-8ff7-4a4d-aa9d-000000000001'

const found = (object: JsonObject) => validateObject(object).errors.map(({ path, code }) => `${path} ${code}`)
const sample = (type: string): JsonObject => structuredClone(SAMPLES[type] ?? {})

test('there is a sample of every type', () => {
  assert.deepEqual(
    [...DEFINITIONS.keys()].filter((type) => SAMPLES[type] === undefined),
    [],
  )
})

test('a value of the wrong type, or null, in any property of any type is an error there', () => {
  for (const { type, kind, properties } of DEFINITIONS.values())
    for (const name of Object.keys({ ...COMMON_USE[kind].properties, ...properties }))
      for (const value of [NOTHING, null]) {
        const errors = found({ ...sample(type), [name]: value })
        assert.ok(
          errors.some((error) => error.startsWith(`${name} `) || error.startsWith(`${name}.`)),
          `${type}.${name}: ${errors.join(', ')}`,
        )
      }
})

test('every required property of every type is missed', () => {
  for (const { type, kind, properties } of DEFINITIONS.values()) {
    const all: Record<string, Property> = { ...COMMON_USE[kind].properties, ...properties }
    const required = Object.keys(all).filter((name) => all[name]?.required === true)
    for (const name of [...required, 'id', 'type']) {
      const object = sample(type)
      delete object[name]
      assert.ok(found(object).includes(`${name} MISSING_PROPERTY`), `${type}.${name}`)
    }
  }
})

test('a reference to anything but what the property may point to is an error there', () => {
  const types = [...DEFINITIONS.keys(), 'bundle']
  for (const { type, kind, properties } of DEFINITIONS.values()) {
    const all: Record<string, Property> = { ...COMMON_USE[kind].properties, ...properties }
    for (const [name, property] of Object.entries(all)) {
      const isList = property.type.kind === 'list'
      const reference = property.type.kind === 'list' ? property.type.of : property.type
      if (reference.kind !== 'reference' || typeof reference.to === 'string') continue
      for (const target of types) {
        const id = `${target}--${UUID}`
        const errors = found({ ...sample(type), [name]: isList ? [id] : id })
        const refused = errors.includes(isList ? `${name}.[0] INVALID_REFERENCE` : `${name} INVALID_REFERENCE`)
        assert.equal(refused, !reference.to.includes(target), `${type}.${name} to ${target}`)
      }
    }
  }
})

test('a value of the wrong type in any property of any structure, and a missing required one, is an error there', () => {
  const structures: [type: string, path: string, place: (value: JsonObject) => JsonObject, of: StructDefinition][] = []
  const gather = (type: string, path: string, data: DataType, place: (value: Json) => JsonObject): void => {
    if (data.kind === 'list') gather(type, `${path}.[0]`, data.of, (value) => place([value]))
    if (data.kind !== 'struct') return
    structures.push([type, path, place, data.definition])
    for (const [name, property] of Object.entries(data.definition.properties))
      gather(type, `${path}.${name}`, property.type, (value) => place({ [name]: value }))
  }
  for (const { type, kind, properties, extensions } of DEFINITIONS.values()) {
    for (const [name, property] of Object.entries({ ...COMMON_USE[kind].properties, ...properties }))
      gather(type, name, property.type, (value) => ({ ...sample(type), [name]: value }))
    for (const [name, definition] of Object.entries(extensions ?? {}))
      gather(type, `extensions.${name}`, { kind: 'struct', definition }, (value) => ({
        ...sample(type),
        extensions: { [name]: value },
      }))
  }
  assert.ok(structures.length > 50)
  for (const [type, path, place, { properties }] of structures)
    for (const [name, property] of Object.entries(properties)) {
      const errors = found(place({ [name]: NOTHING }))
      const at = `${path}.${name}`
      assert.ok(
        errors.some((error) => error.startsWith(`${at} `) || error.startsWith(`${at}.`)),
        `${type} ${at}: ${errors.join(', ')}`,
      )
      if (property.required === true)
        assert.ok(found(place({ x_other: 1 })).includes(`${at} MISSING_PROPERTY`), `${type} ${at} is required`)
    }
})
