// The invariant between release() and decide(): a reader admitted by an audience may have that rendition whole, and every
// entitled reader is covered. Worlds, objects and markings are generated; decide() on the original is the oracle.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type JsonObject, timestampMillis, utf8 } from '#base'
import { TLP_2_MARKINGS } from '#stix'
import { admits } from './admits.ts'
import { decide, type Decision, type SendContext } from './decide.ts'
import type { Channel } from './level-audience.ts'
import { propertyParameters } from './property-parameters.ts'
import { type Organisation, type Register, toRegister } from './register.ts'
import { type Release, release } from './release.ts'
import { Definitions } from './resolve.ts'
import { ALLIANCES, caveat, idOf, indicator, ORGANISATIONS, tlp, uuidOf } from './small-world.ts'
import type { Level } from './tlp.ts'
import { textOf } from './json-text.ts'

const RUNS = 200
const AUTHOR = 'jp'
const NOW = '2026-06-01T00:00:00.000Z'
const EMBARGO = '2026-07-01T00:00:00.000Z'
const LATER = '2026-08-01T00:00:00.000Z'
const SLUGS = ORGANISATIONS.map(({ slug }) => slug)

const level = fc.constantFrom<Level>('clear', 'green', 'amber', 'amber+strict', 'red')
const orgs = fc.uniqueArray(fc.constantFrom(...SLUGS), { maxLength: 5 })
const some = <T>(values: fc.Arbitrary<T>) => fc.option(values, { nil: undefined, freq: 2 })

const releasable = fc.record(
  {
    nations: fc.uniqueArray(fc.constantFrom('JP', 'US', 'PH', 'TH', 'DE'), { maxLength: 4 }),
    orgs,
    alliances: fc.uniqueArray(fc.constantFrom('trilateral', 'asean-japan'), { maxLength: 2 }),
    kinds: fc.uniqueArray(fc.constantFrom('national-csirt', 'company'), { maxLength: 2 }),
    sectors: fc.uniqueArray(fc.constantFrom('government', 'financial', 'telecom'), { maxLength: 3 }),
  },
  { requiredKeys: [] },
)

const extension = fc.record(
  {
    releasable_to: releasable,
    community: fc.constantFrom('trilateral', 'asean-japan'),
    distribution: orgs,
    participants: orgs,
    coauthors: orgs,
    embargo_until: fc.constant(EMBARGO),
    consent: fc.constantFrom('none', 'own-gov', 'gov', 'everyone'),
  },
  { requiredKeys: [] },
)

const marking = fc.record({ level: some(level), extension: some(extension) })

const object = fc.record({
  level,
  extension: some(extension),
  granular: fc.array(
    fc.record({ selector: fc.constantFrom('description', 'labels.[0]', 'labels.[1]', 'name', 'pattern'), marking }),
    {
      maxLength: 3,
    },
  ),
  type: fc.constantFrom('indicator', 'indicator', 'report', 'relationship', 'note'),
  refs: fc.array(fc.nat(3), { minLength: 1, maxLength: 3 }),
})

const changes = fc.dictionary(
  fc.constantFrom(...SLUGS.filter((slug) => slug !== AUTHOR)),
  fc.record(
    {
      standing: fc.constantFrom('active', 'active', 'suspended'),
      maxTlp: level,
      tlpVersion: fc.constantFrom(1, 2),
      caveats: fc.boolean(),
    },
    { requiredKeys: [] },
  ),
  { maxKeys: 3 },
)

interface World {
  objects: JsonObject[]
  definitions: JsonObject[]
  register: Register
}

const world = fc.record({ objects: fc.array(object, { minLength: 1, maxLength: 4 }), changes }).map((drawn): World => {
  const definitions: JsonObject[] = [...TLP_2_MARKINGS]
  const define = (name: string, body: object | undefined) => {
    if (body === undefined) return []
    const definition = caveat(name, JSON.parse(JSON.stringify(body)) as JsonObject)
    definitions.push(definition)
    return [textOf(definition['id'])]
  }
  const idAt = (index: number) => `${drawn.objects[index]?.type}--${uuidOf(`o${index}`)}`
  const objects = drawn.objects.map((spec, index): JsonObject => {
    const refs = spec.refs.map((to) => idAt(to % drawn.objects.length)).filter((id) => id !== idAt(index))
    const granular = spec.granular.flatMap((part, at) => {
      const ids = [
        ...(part.marking.level ? [tlp(part.marking.level)] : []),
        ...define(`g${index}-${at}`, part.marking.extension),
      ]
      return ids.map((id) => ({ marking_ref: id, selectors: [part.selector] }))
    })
    return {
      ...indicator(`o${index}`, [tlp(spec.level), ...define(`m${index}`, spec.extension)]),
      type: spec.type,
      id: idAt(index),
      labels: [`canary-${index}-a`, `canary-${index}-b`],
      description: `canary-${index}-d`,
      ...(spec.type === 'report' || spec.type === 'note'
        ? { object_refs: [...new Set(refs)], published: NOW, content: 'c' }
        : {}),
      ...(spec.type === 'relationship' && refs[0]
        ? { relationship_type: 'related-to', source_ref: refs[0], target_ref: refs.at(-1) ?? '' }
        : {}),
      ...(granular.length > 0 ? { granular_markings: granular } : {}),
    }
  })
  const register = toRegister({
    organisations: ORGANISATIONS.map((org): Organisation => ({
      ...org,
      ...(drawn.changes[org.slug] as Partial<Organisation>),
    })),
    alliances: new Map(Object.entries(ALLIANCES).map(([slug, members]) => [slug, new Set(members)])),
  })
  return { objects, definitions, register }
})

/** What one passage means for every object: nothing, part of it, or the whole, by decide() alone. */
function oracle(
  { objects, definitions, register }: World,
  from: string,
  to: string,
  now: string,
  channel: Channel,
  isViaClient: boolean,
) {
  const known = new Definitions(definitions)
  const byId = new Map(objects.map((object) => [textOf(object['id']), object]))
  let answers = new Map<string, Decision>()
  const gone = new Set<string>()
  for (let size = -1; size !== gone.size;) {
    size = gone.size
    answers = new Map(
      objects.map((object) => {
        const context: SendContext = { channel, unreleasable: gone, ...(isViaClient ? { via: 'client' } : {}) }
        const marked = { ...object, object_marking_refs: inheritedRefs(object, byId) } as JsonObject
        return [
          textOf(object['id']),
          decide({ now, from, to, source: AUTHOR, object: marked, register, definitions: known, context }),
        ]
      }),
    )
    for (const [id, answer] of answers) if (!answer.send) gone.add(id)
  }
  const whole = new Set(
    [...answers].filter(([, answer]) => answer.send && answer.redact.length === 0).map(([id]) => id),
  )
  for (let size = -1; size !== whole.size;) {
    size = whole.size
    for (const object of objects) if (refsOf(object).some((id) => !whole.has(id))) whole.delete(textOf(object['id']))
  }
  return { answers, whole }
}

const refsOf = (object: JsonObject): string[] =>
  [object['source_ref'], object['target_ref'], ...((object['object_refs'] as string[]) ?? [])].filter(
    (id) => typeof id === 'string',
  )

function inheritedRefs(object: JsonObject, byId: Map<string, JsonObject>, seen = new Set<JsonObject>()): string[] {
  seen.add(object)
  const own = object['object_marking_refs'] as string[]
  if (object['type'] !== 'note') return own
  const targets = refsOf(object).flatMap((id): JsonObject[] => {
    const target = byId.get(id)
    return target ? [target] : []
  })
  return [
    ...own,
    ...targets.filter((target) => !seen.has(target)).flatMap((target) => inheritedRefs(target, byId, seen)),
  ]
}

const SELECTORS: Record<string, string> = { description: 'd', 'labels.[0]': 'a', 'labels.[1]': 'b' }

function released(drawn: World): Release[] {
  const objects = drawn.objects.map((value) => ({ value, bytes: utf8(JSON.stringify(value)) }))
  const { definitions, register } = drawn
  return release({ objects, author: idOf(AUTHOR), register, definitions, now: timestampMillis(NOW), secret: utf8('s') })
    .releases
}

const isOut = ({ notBefore }: Release, now: string) => notBefore === undefined || notBefore <= timestampMillis(now)

test('whoever an audience admits, from the author or a relay, may have its rendition whole', () => {
  fc.assert(
    fc.property(
      world,
      fc.constantFrom<Channel>('node', 'client', 'open'),
      fc.constantFrom(NOW, LATER),
      (drawn, channel, now) => {
        const { register } = drawn
        const releases = released(drawn).filter((one) => isOut(one, now))
        for (const server of ['jp', 'us', 'ph', 'us-bank', 'ph-bank']) {
          for (const reader of SLUGS.filter((slug) => slug !== server && slug !== AUTHOR)) {
            const common = { author: idOf(AUTHOR), register, now: timestampMillis(now) }
            const oracles = new Map<boolean, ReturnType<typeof oracle>>()
            for (const { audience, objectId, id, json } of releases) {
              const holds =
                server === AUTHOR || admits({ ...common, audience, server, reader: server, channel: 'node' }).send
              if (!holds || !admits({ ...common, audience, server, reader, channel }).send) continue
              const isViaClient =
                server !== AUTHOR &&
                !admits({ ...common, audience, server: AUTHOR, reader: server, channel: 'node' }).send
              const seen = oracles.get(isViaClient) ?? oracle(drawn, server, reader, now, channel, isViaClient)
              oracles.set(isViaClient, seen)
              const answer = seen.answers.get(objectId)
              const where = `${objectId} from ${server} to ${reader} in ${JSON.stringify(audience)}: ${JSON.stringify(answer)}`
              assert.ok(answer?.send, where)
              const text = Buffer.from(json).toString()
              const number = drawn.objects.findIndex((object) => object['id'] === objectId)
              for (const selector of answer.redact)
                for (const [name, letter] of Object.entries(SELECTORS))
                  if (name === selector || name.startsWith(`${selector}.`))
                    assert.ok(!text.includes(`canary-${number}-${letter}`), `${where} ${name}`)
              if (id === objectId) assert.ok(seen.whole.has(objectId), `whole: ${where}`)
              for (const object of drawn.objects) {
                const other = textOf(object['id'])
                if (text.includes(other)) assert.ok(seen.whole.has(other), `reference to ${other}: ${where}`)
              }
            }
          }
        }
      },
    ),
    propertyParameters(RUNS),
  )
})

test('whoever decide() entitles gets every part that it may have, from the author', () => {
  fc.assert(
    fc.property(world, fc.constantFrom(NOW, LATER), (drawn, now) => {
      const { register } = drawn
      const releases = released(drawn).filter((one) => isOut(one, now))
      for (const reader of SLUGS.filter((slug) => slug !== AUTHOR && register.org(slug)?.caveats !== false)) {
        const { answers, whole } = oracle(drawn, AUTHOR, reader, now, 'node', false)
        const mine = releases.filter(
          ({ audience }) =>
            admits({
              audience,
              author: idOf(AUTHOR),
              server: AUTHOR,
              reader,
              channel: 'node',
              register,
              now: timestampMillis(now),
            }).send,
        )
        for (const [number, object] of drawn.objects.entries()) {
          const id = textOf(object['id'])
          const answer = answers.get(id)
          if (!answer?.send) continue
          const got = mine.filter(({ objectId }) => objectId === id)
          const text = got.map(({ json }) => Buffer.from(json).toString()).join('\n')
          const where = `${id} to ${reader}: ${JSON.stringify(answer)} got ${JSON.stringify(got.map(({ audience }) => audience))}`
          assert.ok(got.length > 0, where)
          if (whole.has(id))
            assert.ok(
              got.some((one) => one.id === id),
              `whole: ${where}`,
            )
          for (const [name, letter] of Object.entries(SELECTORS)) {
            const isCut = answer.redact.some((cut) => name === cut || name.startsWith(`${cut}.`))
            if (!isCut) assert.ok(text.includes(`canary-${number}-${letter}`), `${name}: ${where}`)
          }
        }
      }
    }),
    propertyParameters(RUNS),
  )
})
