// Grants: what their copies hold, whom their audience admits, and what a grant does not lift.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type JsonObject, timestampMillis, utf8 } from '#base'
import { type Audience, audienceId, toAudience } from '#log'
import { admits } from './admits.ts'
import { decide, type Grant } from './decide.ts'
import { type GrantedRequest, releaseGranted } from './granted.ts'
import { textOf } from './json-text.ts'
import type { Channel } from './level-audience.ts'
import { CANARIES, inheritedRefs, isOut, NOW as WORLD_NOW, released, SLUGS, world } from './release-world.ts'
import { renditionId } from './rendition.ts'
import { Definitions } from './resolve.ts'
import { caveat, idOf, indicator, smallWorld, tlp } from './small-world.ts'

const SECRET = utf8('a secret of a node')
const NOW = timestampMillis('2026-06-01T00:00:00Z')
const VERSION = '2026-01-01T00:00:00.000Z'

/** JP grants one object that stands in these audiences. */
function granted(
  value: JsonObject,
  standing: readonly Audience[],
  more: Partial<GrantedRequest> & Partial<Grant> = {},
) {
  const { to = ['th'], expires, version = VERSION, ...rest } = more
  const grant: Grant = { object: textOf(value['id']), by: idOf('jp'), to, version, ...(expires ? { expires } : {}) }
  const { releases, answers } = releaseGranted({
    object: { value, bytes: utf8(` ${JSON.stringify(value)} `) },
    grant: 'grant' in rest && rest.grant ? rest.grant : grant,
    author: idOf('jp'),
    register: smallWorld(),
    standing: standing.map((audience) => ({ audience: toAudience(audience) })),
    now: NOW,
    secret: SECRET,
    heldBy: () => new Map(),
    ...rest,
  })
  return { releases, codes: answers.map(({ send, code }) => (send ? code : `no: ${code}`)) }
}

/** Slugs that the audience admits from a server, asked over that channel. */
function readers(audience: Audience, server = 'jp', channel: Channel = 'node', changes = {}): string[] {
  const register = smallWorld(changes)
  return [...register.organisations()].flatMap(({ slug }) => {
    if (slug === 'jp') return []
    return admits({ audience, author: 'jp', server, reader: slug, channel, register, now: NOW }).send ? [slug] : []
  })
}

const AMBER: Audience = { v: 1, tlp: 'amber', community: ['asean-japan', 'trilateral'], distribution: [idOf('us')] }
const PLAIN: Audience = { v: 1, tlp: 'amber', community: ['trilateral'] }

test('the audience of a grant admits those whom it names, from its source and from nobody else’s relaying further', () => {
  for (const level of ['green', 'amber', 'amber+strict', 'red'] as const) {
    const standing: Audience = {
      v: 1,
      tlp: level,
      ...(level === 'red' ? { participants: [idOf('us')] } : { distribution: [idOf('us')] }),
    }
    const object = indicator('a', [tlp(level)])
    const { releases, codes } = granted(object, [standing])
    assert.deepEqual(codes, ['SOURCE_GRANT'], level)
    const [{ audience, id, json, recipients } = assert.fail()] = releases
    assert.deepEqual([id, Buffer.from(json).toString()], [object.id, ` ${JSON.stringify(object)} `])
    assert.deepEqual(
      recipients.map(({ slug, code }) => [slug, code]),
      [['th', 'SOURCE_GRANT']],
    )
    assert.deepEqual(readers(audience), ['th'], level)
    assert.deepEqual(readers(audience, 'th'), ['th'], `${level}: a grantee passes nothing on`)
    assert.deepEqual(readers(audience, 'us'), ['th'], `${level}: nor does anybody else`)
    assert.deepEqual(readers(audience, 'jp', 'open'), [], 'never without an identity')
  }
})

test('the log for grantees tells no community and no list that the grant lifts', () => {
  const { releases } = granted(indicator('a', [tlp('amber')]), [AMBER])
  assert.deepEqual(releases[0]?.audience, { v: 1, tlp: 'amber', members: [idOf('th')], grantees: [idOf('th')] })
  const bare = granted(
    indicator('a', [tlp('amber')]),
    [{ v: 1, tlp: 'amber', community: ['asean-japan', 'trilateral'] }],
    { to: ['ph-shop'] },
  )
  assert.deepEqual(bare.releases[0]?.audience, { v: 1, tlp: 'amber', grantees: [idOf('ph-shop')] })
})

test('a client of undeclared software may be granted what no caveat binds, and nothing else', () => {
  const bare = granted(
    indicator('a', [tlp('amber')]),
    [{ v: 1, tlp: 'amber', community: ['asean-japan', 'trilateral'] }],
    { to: ['ph-shop'] },
  )
  assert.deepEqual(readers(bare.releases[0]!.audience, 'jp', 'client'), ['ph-shop'])
  const bound = granted(indicator('a', [tlp('amber')]), [AMBER], { to: ['ph-shop'] })
  assert.deepEqual(readers(bound.releases[0]!.audience, 'jp', 'client'), [])
  assert.deepEqual(readers(bound.releases[0]!.audience, 'jp', 'client', { 'ph-shop': { caveats: true } }), ['ph-shop'])
})

test('a grant is void while its source is not active, never for the public, and lifts neither cap nor releasable_to', () => {
  const { releases } = granted(indicator('a', [tlp('amber')]), [PLAIN])
  const [{ audience } = assert.fail()] = releases
  assert.deepEqual(readers(audience, 'jp', 'node', { jp: { standing: 'suspended' } }), [])
  assert.deepEqual(readers(audience, 'jp', 'node', { th: { maxTlp: 'green' } }), [])
  assert.deepEqual(readers(audience, 'jp', 'node', { th: { standing: 'suspended' } }), [])
  assert.deepEqual(readers({ ...audience, grantees: [idOf('world')] }), [])
  const nations = caveat('n', { releasable_to: { nations: ['JP', 'US'] } })
  const object = indicator('a', [tlp('amber'), nations.id])
  const standing: Audience = { ...PLAIN, nations: ['JP', 'US'] }
  assert.deepEqual(granted(object, [standing], { definitions: [nations] }).codes, ['no: REL_NATION'])
  assert.deepEqual(
    granted(indicator('a', [tlp('amber')]), [standing]).codes,
    ['no: REL_NATION'],
    'as published with --to',
  )
  assert.deepEqual(granted(indicator('a', [tlp('amber')]), [PLAIN], { to: ['nobody'] }).codes, [
    'no: RECIPIENT_SUSPENDED',
  ])
})

test('above GREEN a grant names its version; whoever may have the object already needs none; one no refuses all', () => {
  const object = indicator('a', [tlp('amber')])
  const grant: Grant = { object: object.id, by: idOf('jp'), to: ['th'] }
  assert.deepEqual(granted(object, [PLAIN], { grant }).releases, [])
  assert.deepEqual(granted(object, [PLAIN], { version: '2025-01-01T00:00:00.000Z' }).releases, [])
  assert.deepEqual(granted(object, [PLAIN], { expires: '2026-06-01T00:00:00.000Z' }).releases, [])
  assert.equal(granted(object, [PLAIN], { expires: '2026-06-01T00:00:00.001Z' }).releases.length, 1)
  const green = granted(indicator('a', [tlp('green')]), [{ v: 1, tlp: 'green', community: ['trilateral'] }], { grant })
  assert.deepEqual(green.codes, ['SOURCE_GRANT'])
  const both = granted(object, [PLAIN], { to: ['th', 'us'] })
  assert.deepEqual([both.codes, both.releases], [['SOURCE_GRANT', 'no: ALLIANCE'], []])
})

test('a grant never covers a granular marking: the part is cut from the copy, which has an id of its own', () => {
  const object = indicator('a', [tlp('amber')], {
    granular_markings: [{ marking_ref: tlp('red'), selectors: ['description'] }],
  })
  const [{ id, json, audience } = assert.fail()] = granted(object, [PLAIN]).releases
  assert.equal(id, renditionId(SECRET, object.id, audienceId(audience)))
  const copy = JSON.parse(Buffer.from(json).toString()) as JsonObject
  assert.deepEqual([copy['id'], copy['description'], copy['name']], [id, undefined, 'name of a'])
})

test('what the object refers to goes as the grantee has it, and else not at all', () => {
  const [seen, cut, gone, unknown] = ['s', 'c', 'g', 'u'].map((name) => indicator(name, []).id) as [
    string,
    string,
    string,
    string,
  ]
  const report = { ...indicator('r', [tlp('amber')]), type: 'report', object_refs: [seen, cut, gone, unknown] }
  const held = new Map([
    [seen, seen],
    [cut, 'indicator--form'],
    [gone, null],
  ])
  const [{ json } = assert.fail()] = granted(report, [PLAIN], { heldBy: () => held }).releases
  const copy = JSON.parse(Buffer.from(json).toString()) as JsonObject
  assert.deepEqual(copy['object_refs'], [seen, 'indicator--form', unknown])
  const none = granted({ ...report, object_refs: [gone] }, [PLAIN], { heldBy: () => held })
  assert.deepEqual(none.codes, ['no: REDACT_REQUIRED:object_refs'])
})

test('grantees who may have different parts get logs of their own', () => {
  const seen = indicator('s', []).id
  const report = { ...indicator('r', [tlp('amber')]), type: 'report', object_refs: [seen, 'indicator--x'] }
  const { releases } = granted(report, [PLAIN], {
    to: ['th', 'ph-shop', 'de'],
    heldBy: (id) => new Map([[seen, id === idOf('th') ? seen : null]]),
  })
  assert.deepEqual(
    releases.map(({ id, grantees }) => [id === report.id, grantees]),
    [
      [true, [idOf('th')]],
      [false, [idOf('ph-shop'), idOf('de')]],
    ],
  )
})

test('whatever the world, a grant gives what decide() says with it, to those alone whom it names', () => {
  fc.assert(
    fc.property(world, fc.nat(3), fc.constantFrom(...SLUGS), fc.boolean(), (whole, number, to, isVersion) => {
      const drawn = { ...whole, protections: new Map() }
      const { author, objects, definitions, register } = drawn
      const value = objects[number % objects.length] as JsonObject
      const id = textOf(value['id'])
      if (to === author) return
      const out = released(drawn).filter((one) => isOut(one, WORLD_NOW))
      const standing = out.flatMap(({ objectId, id: form, audience }) =>
        objectId === id ? [{ audience, ...(form === id ? {} : { form }) }] : [],
      )
      const now = timestampMillis(WORLD_NOW)
      const asked = { author: idOf(author), server: author, channel: 'node', register, now } as const
      const held = new Map<string, string | null>(
        objects.flatMap((one) => {
          const ref = textOf(one['id'])
          if (ref === id) return []
          const forms = out.filter(
            ({ objectId, audience }) => objectId === ref && admits({ ...asked, audience, reader: to }).send,
          )
          return [[ref, (forms.find((form) => form.id === ref) ?? forms[0])?.id ?? null] as const]
        }),
      )
      const grant: Grant = { object: id, by: idOf(author), to: [to], ...(isVersion ? { version: VERSION } : {}) }
      const { releases, answers } = releaseGranted({
        object: { value, bytes: utf8(JSON.stringify(value)) },
        grant,
        author: idOf(author),
        register,
        definitions,
        standing,
        now,
        secret: SECRET,
        heldBy: () => held,
      })
      const byId = new Map(objects.map((one) => [textOf(one['id']), one]))
      const answer = decide({
        now: WORLD_NOW,
        from: author,
        to,
        source: author,
        object: { ...value, object_marking_refs: inheritedRefs(value, byId) },
        register,
        definitions: new Definitions(definitions, register),
        context: {
          channel: 'node',
          grants: [grant],
          unreleasable: new Set([...held].flatMap(([ref, form]) => (form === null ? [ref] : []))),
        },
      })
      const where = JSON.stringify({ id, to, standing, answer, answers, refs: value['object_marking_refs'] })
      for (const { audience, json, id: form } of releases) {
        assert.equal(answer.code, 'SOURCE_GRANT', where)
        assert.ok(admits({ ...asked, audience, reader: to }).send, where)
        for (const other of SLUGS)
          if (other !== to && other !== author)
            for (const server of [author, to])
              assert.equal(admits({ ...asked, audience, server, reader: other }).send, false, `${other} ${where}`)
        const text = Buffer.from(json).toString()
        for (const cut of answer.redact)
          for (const [name, letter] of Object.entries(CANARIES))
            if (name === cut || name.startsWith(`${cut}.`))
              assert.ok(!text.includes(`canary-${number % objects.length}-${letter}`), `${name} ${where}`)
        for (const [ref, kept] of held) if (kept !== ref) assert.ok(!text.includes(ref), `${ref} ${where}`)
        assert.equal(
          form === id,
          answer.redact.length === 0 &&
            [...held].every(([ref, kept]) => kept === ref || !JSON.stringify(value).includes(ref)),
          where,
        )
      }
      // Of what nobody has in any form, the marking that its widest form would have is not known any more.
      const has = (reader: string) => standing.some(({ audience }) => admits({ ...asked, audience, reader }).send)
      const isHad = SLUGS.some((slug) => slug !== author && has(slug))
      if (isVersion && isHad && !has(to) && answer.code === 'SOURCE_GRANT') assert.equal(releases.length, 1, where)
    }),
    { seed: Number(process.env['NOROSHI_SEED'] ?? 1), numRuns: Number(process.env['NOROSHI_RUNS'] ?? 300) },
  )
})
