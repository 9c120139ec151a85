// Charters change after a release: whoever reads a form that names another object may read a form of that, too, under
// charters of which nobody knew. Worlds and later charters are generated.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { timestampMillis } from '#base'
import { admits } from './admits.ts'
import { type Organisation, type Register, toRegister } from './register.ts'
import type { Release } from './release.ts'
import { isOut, LATER, NOW, released, SLUGS, type World, world } from './release-world.ts'
import { ALLIANCES, idOf } from './small-world.ts'

/** One fixed seed; for long runs the environment replaces seed and number. */
const PARAMETERS = {
  seed: Number(process.env['NOROSHI_SEED'] ?? 4),
  numRuns: Number(process.env['NOROSHI_RUNS'] ?? 300),
}

const members = fc.uniqueArray(fc.constantFrom('jp', 'us', 'ph', 'th', 'de'), { minLength: 1 })
const later = fc.record({
  alliances: fc.record({ trilateral: members, 'asean-japan': members }),
  clientOf: fc.dictionary(
    fc.constantFrom('jp-telco', 'us-bank', 'ph-bank', 'jp', 'us'),
    fc.uniqueArray(fc.constantFrom('jp', 'us', 'ph'), { maxLength: 2 }),
  ),
  standing: fc.dictionary(fc.constantFrom('us', 'ph', 'th', 'de'), fc.constantFrom('active', 'suspended'), {
    maxKeys: 2,
  }),
})
type Later = typeof later extends fc.Arbitrary<infer Value> ? Value : never

function registerOf({ register }: World, { alliances, clientOf, standing }: Later): Register {
  const organisations = [...register.organisations()].map((org): Organisation => {
    const providers = clientOf[org.slug]?.filter((slug) => slug !== org.slug).map(idOf)
    return {
      ...org,
      ...(providers && { clientOf: providers }),
      standing: (standing[org.slug] as Organisation['standing'] | undefined) ?? org.standing,
    }
  })
  const carriers = new Map(Object.keys(ALLIANCES).map((slug) => [slug, register.carriers(slug)]))
  return toRegister({
    organisations,
    alliances: new Map(Object.entries(alliances).map(([slug, list]) => [slug, new Set(list)])),
    carriers,
  })
}

test('under later charters, too, what is read names nothing that may not be read', () => {
  fc.assert(
    fc.property(world, later, fc.constantFrom(NOW, LATER), (drawn, charters, now) => {
      const register = registerOf(drawn, charters)
      const out = released(drawn).filter((one) => isOut(one, now))
      const author = idOf(drawn.author)
      const reads = ({ audience }: Release, slug: string) =>
        admits({ audience, author, server: author, reader: slug, channel: 'node', register, now: timestampMillis(now) })
          .send
      for (const slug of SLUGS) {
        if (slug === drawn.author) continue
        const had = out.filter((one) => reads(one, slug))
        const ids = new Set(had.map(({ id }) => id))
        for (const one of had) {
          const text = Buffer.from(one.json).toString()
          for (const { id } of out)
            if (id !== one.id && text.includes(`"${id}"`))
              assert.ok(
                ids.has(id),
                `${slug} reads ${id} by name in ${one.id} of ${JSON.stringify(one.audience)}; it stands for ${JSON.stringify(out.filter((o) => o.id === id).map((o) => o.audience))}`,
              )
        }
      }
    }),
    PARAMETERS,
  )
})
