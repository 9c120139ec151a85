/**
 * Generated worlds for the invariant between `release()` and `decide()`, and what decide() alone says about them.
 */
import fc from 'fast-check'
import { type JsonObject, timestampMillis, utf8 } from '#base'
import { TLP_2_MARKINGS } from '#stix'
import { decide, type Decision, type SendContext } from './decide.ts'
import { textOf } from './json-text.ts'
import type { Channel } from './level-audience.ts'
import type { Protection } from './redaction.ts'
import { type Organisation, type Register, toRegister } from './register.ts'
import { type Release, release } from './release.ts'
import { Definitions } from './resolve.ts'
import { ALLIANCES, caveat, idOf, indicator, org, ORGANISATIONS, tlp, uuidOf } from './small-world.ts'
import type { Level } from './tlp.ts'

/** When the sets are released, and a moment after every embargo. */
export const [NOW, LATER] = ['2026-06-01T00:00:00.000Z', '2026-08-01T00:00:00.000Z']
const EMBARGO = '2026-07-01T00:00:00.000Z'

const ALL = [...ORGANISATIONS, org('de-firm', 'DE', { kind: 'company', cyberCommunity: true, clientOf: ['de'] })]

/** Everybody in a generated world. */
export const SLUGS = ALL.map(({ slug }) => slug)

/** Parts that carry a canary, and its last letter. */
export const CANARIES: Readonly<Record<string, string>> = {
  description: 'd',
  'labels.[0]': 'a',
  'labels.[1]': 'b',
  x_host: 'h',
  x_victim: 'v',
}

const level = fc.constantFrom<Level>('clear', 'green', 'amber', 'amber+strict', 'red')
const orgs = fc.uniqueArray(fc.constantFrom(...SLUGS, idOf('us'), idOf('ph')), { maxLength: 5 })
const some = <T>(values: fc.Arbitrary<T>) => fc.option(values, { nil: undefined, freq: 2 })
const few = <T>(values: fc.Arbitrary<T>) => fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, values)

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
    { maxLength: 3 },
  ),
  type: fc.constantFrom('indicator', 'indicator', 'report', 'relationship', 'note'),
  refs: fc.array(fc.nat(3), { minLength: 1, maxLength: 3 }),
  protection: few(
    fc.record(
      {
        submission: fc.boolean(),
        identifying: fc.constant(['x_host']),
        victimFields: fc.constant(['x_victim']),
        victimNation: fc.constantFrom('JP', 'US', 'TH'),
        victim: fc.constantFrom('us-bank', 'ph'),
      },
      { requiredKeys: [] },
    ),
  ),
})

const changesOf = (author: string) =>
  fc.dictionary(
    fc.constantFrom(...SLUGS.filter((slug) => slug !== author)),
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

/** One set of objects, and the world into which its author releases it. */
export interface World {
  readonly author: string
  readonly objects: readonly JsonObject[]
  readonly definitions: readonly JsonObject[]
  readonly protections: ReadonlyMap<string, Protection>
  readonly register: Register
  readonly isGreenOpen: boolean
  readonly carriers: readonly string[]
}

/** Worlds of up to four objects that refer to each other. */
export const world = fc
  .constantFrom('jp', 'jp', 'us')
  .chain((author) =>
    fc.record({
      author: fc.constant(author),
      objects: fc.array(object, { minLength: 1, maxLength: 4 }),
      changes: changesOf(author),
      isGreenOpen: fc.boolean(),
      carriers: fc.subarray(['us', 'ph']),
    }),
  )
  .map((drawn): World => {
    const { author } = drawn
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
        created_by_ref: idOf(author),
        labels: [`canary-${index}-a`, `canary-${index}-b`],
        description: `canary-${index}-d`,
        x_host: `canary-${index}-h`,
        x_victim: `canary-${index}-v`,
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
      organisations: ALL.map((known): Organisation => ({
        ...known,
        ...(drawn.changes[known.slug] as Partial<Organisation>),
      })),
      alliances: new Map(Object.entries(ALLIANCES).map(([slug, members]) => [slug, new Set(members)])),
      opensGreen: new Set(drawn.isGreenOpen ? Object.keys(ALLIANCES) : []),
      carriers: new Map(Object.keys(ALLIANCES).map((slug) => [slug, new Set(drawn.carriers.map(idOf))])),
    })
    const protections = new Map(
      drawn.objects.flatMap(({ protection }, index) => (protection ? [[idAt(index), protection as Protection]] : [])),
    )
    return { ...drawn, objects, definitions, protections, register }
  })

/** How something passes to a reader. */
export interface Passing {
  readonly from: string
  readonly to: string
  readonly now: string
  readonly channel: Channel
  readonly isViaClient?: boolean
  /** The reader is taken to know caveats, whatever it declared. */
  readonly knowsCaveats?: boolean
}

/** What one passage means for every object. */
export interface Oracle {
  readonly answers: ReadonlyMap<string, Decision>
  /** Ids of those that may be had whole, with everything that they refer to. */
  readonly whole: ReadonlySet<string>
}

/** What decide() alone says. */
export function oracle(drawn: World, { from, to, now, channel, isViaClient, knowsCaveats }: Passing): Oracle {
  const { author, objects, definitions, protections } = drawn
  const register = knowsCaveats ? knowing(drawn.register, to) : drawn.register
  const known = new Definitions(definitions, register)
  const byId = new Map(objects.map((one) => [textOf(one['id']), one]))
  let answers = new Map<string, Decision>()
  const gone = new Set<string>()
  for (let size = -1; size !== gone.size;) {
    size = gone.size
    answers = new Map(
      objects.map((one) => {
        const id = textOf(one['id'])
        const context: SendContext = {
          ...protections.get(id),
          channel,
          unreleasable: gone,
          ...(drawn.isGreenOpen && from === author ? { greenDefault: 'cyber-defence' } : {}),
          ...(isViaClient ? { via: 'client' } : {}),
        }
        const marked = { ...one, object_marking_refs: inheritedRefs(one, byId) } as JsonObject
        return [id, decide({ now, from, to, source: author, object: marked, register, definitions: known, context })]
      }),
    )
    for (const [id, answer] of answers) if (!answer.send) gone.add(id)
  }
  const isWhole = (answer: Decision) => answer.send && answer.redact.length === 0
  const whole = new Set([...answers].filter(([, answer]) => isWhole(answer)).map(([id]) => id))
  for (let size = -1; size !== whole.size;) {
    size = whole.size
    for (const one of objects) if (refsOf(one).some((id) => !whole.has(id))) whole.delete(textOf(one['id']))
  }
  return { answers, whole }
}

function knowing(register: Register, slug: string): Register {
  const org = (name: string): Organisation | undefined => {
    const known = register.org(name)
    return known?.slug === slug ? { ...known, caveats: true } : known
  }
  return { ...register, org }
}

const refsOf = (one: JsonObject): string[] =>
  [one['source_ref'], one['target_ref'], ...((one['object_refs'] as string[]) ?? [])].filter(
    (id) => typeof id === 'string',
  )

/** The markings that an object carries and inherits. */
export function inheritedRefs(one: JsonObject, byId: Map<string, JsonObject>, seen = new Set<JsonObject>()): string[] {
  seen.add(one)
  const own = one['object_marking_refs'] as string[]
  if (one['type'] !== 'note') return own
  const targets = refsOf(one).flatMap((id): readonly JsonObject[] => {
    const target = byId.get(id)
    return target ? [target] : []
  })
  return [
    ...own,
    ...targets.filter((target) => !seen.has(target)).flatMap((target) => inheritedRefs(target, byId, seen)),
  ]
}

/** What release() makes of the world. */
export function released(drawn: World): Release[] {
  const objects = drawn.objects.map((value) => ({ value, bytes: utf8(JSON.stringify(value)) }))
  const { author, definitions, register, protections } = drawn
  const now = timestampMillis(NOW)
  return release({ objects, author: idOf(author), register, definitions, protections, now, secret: utf8('s') }).releases
}

/** Whether it stands in its log by then. */
export const isOut = ({ notBefore }: Release, now: string): boolean =>
  notBefore === undefined || notBefore <= timestampMillis(now)
