// The invariant between release() and decide(): a reader admitted by an audience may have that rendition whole, and every
// entitled reader is covered. Worlds, objects and markings are generated; decide() on the original is the oracle.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { timestampMillis } from '#base'
import type { Audience } from '#log'
import { admits } from './admits.ts'
import { resolvedOf, withoutDefaults } from './audience.ts'
import { textOf } from './json-text.ts'
import type { Channel } from './level-audience.ts'
import type { Register } from './register.ts'
import type { Release } from './release.ts'
import {
  CANARIES,
  isOut,
  LATER,
  NOW,
  type Oracle,
  oracle,
  released,
  SLUGS,
  type World,
  world,
} from './release-world.ts'
import { idOf } from './small-world.ts'

const RUNS = 200
/** One fixed seed, so that every run asks the same questions. For long runs the environment replaces seed and number. */
const PARAMETERS = { seed: numberOf('NOROSHI_SEED') ?? 20_260_601, numRuns: numberOf('NOROSHI_RUNS') ?? RUNS }

function numberOf(name: string): number | undefined {
  const text = process.env[name] ?? ''
  if (text === '') return undefined
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new TypeError(`${name} is ${JSON.stringify(text)}; write a whole number`)
  return value
}

const RELAYS = ['us', 'ph', 'us-bank', 'ph-bank', 'de']

test('whoever an audience admits, from the author or a relay, may have its rendition whole', () => {
  fc.assert(
    fc.property(
      world,
      fc.constantFrom<Channel>('node', 'client', 'open'),
      fc.constantFrom(NOW, LATER),
      (drawn, channel, now) => {
        const releases = released(drawn).filter((one) => isOut(one, now))
        for (const server of new Set([drawn.author, ...RELAYS]))
          for (const to of SLUGS)
            if (to !== server && to !== drawn.author) checkReader(drawn, releases, { server, to, channel, now })
      },
    ),
    PARAMETERS,
  )
})

interface Ask {
  server: string
  to: string
  channel: Channel
  now: string
}

/** Everything that a reader gets from a server is such that one way of passing it, as decide() sees it, allows it. */
function checkReader(drawn: World, releases: readonly Release[], { server, to, channel, now }: Ask): void {
  const { author, register } = drawn
  const common = { author: idOf(author), register, now: timestampMillis(now) }
  const oracles = new Map<string, Oracle>()
  const ask = (key: 'relay' | 'client' | 'carrier', knowsCaveats: boolean) => {
    const known = oracles.get(key + String(knowsCaveats))
    if (known) return known
    const from = key === 'carrier' ? author : server
    const made = oracle(drawn, { from, to, now, channel, isViaClient: key === 'client', knowsCaveats })
    oracles.set(key + String(knowsCaveats), made)
    return made
  }
  const carries = (slug: string) =>
    register.carriers(slug).has(idOf(server)) &&
    [server, author].every((member) => register.alliance(slug)?.has(idOf(member)))
  const isCarrier = server !== author && register.alliances().some(carries)
  for (const one of releases) {
    const { audience } = one
    const holds = server === author || admits({ ...common, audience, server, reader: server, channel: 'node' }).send
    if (!holds || !admits({ ...common, audience, server, reader: to, channel }).send) continue
    const isDirect = admits({ ...common, audience, server: author, reader: server, channel: 'node' }).send
    const isBare = bindsNothing(audience, author, register)
    const ways = [ask(server === author || isDirect ? 'relay' : 'client', isBare)]
    if (isCarrier && audience.tlp !== 'red') ways.push(ask('carrier', isBare))
    const faults = ways.map((way) => faultOf(drawn, one, way))
    assert.ok(faults.includes(undefined), `${server} to ${to} in ${JSON.stringify(audience)}: ${faults.join(' | ')}`)
  }
}

/** A caveat that only repeats what the level says by itself binds nobody further, so any tool may have it. */
function bindsNothing(audience: Audience, author: string, register: Register): boolean {
  const { caveats } = withoutDefaults(resolvedOf(audience), idOf(author), register)
  return Object.keys(caveats).every((name) => name === 'participants' && audience.tlp !== 'red')
}

function faultOf(drawn: World, { objectId, id, json }: Release, { answers, whole }: Oracle): string | undefined {
  const answer = answers.get(objectId)
  if (!answer?.send) return `${objectId}: ${JSON.stringify(answer)}`
  const text = Buffer.from(json).toString()
  const number = drawn.objects.findIndex((object) => object['id'] === objectId)
  for (const cut of answer.redact)
    for (const [name, letter] of Object.entries(CANARIES))
      if ((name === cut || name.startsWith(`${cut}.`)) && text.includes(`canary-${number}-${letter}`))
        return `${name} of ${objectId}`
  if (id === objectId && !whole.has(objectId)) return `${objectId} whole`
  const leaked = drawn.objects.map((object) => textOf(object['id'])).find((at) => text.includes(at) && !whole.has(at))
  return leaked && `reference from ${objectId} to ${leaked}`
}

test('whoever decide() entitles gets every part that it may have, from the author', () => {
  fc.assert(
    fc.property(world, fc.constantFrom(NOW, LATER), (drawn, now) => {
      const { author, register } = drawn
      const releases = released(drawn).filter((one) => isOut(one, now))
      for (const to of SLUGS) {
        if (to === author || register.org(to)?.caveats === false) continue
        const { answers, whole } = oracle(drawn, { from: author, to, now, channel: 'node' })
        const common = { author: idOf(author), server: author, reader: to, channel: 'node', register } as const
        const mine = releases.filter(({ audience }) => admits({ ...common, audience, now: timestampMillis(now) }).send)
        for (const [number, object] of drawn.objects.entries()) {
          const id = textOf(object['id'])
          const answer = answers.get(id)
          if (!answer?.send) continue
          const got = mine.filter(({ objectId }) => objectId === id)
          const text = got.map(({ json }) => Buffer.from(json).toString()).join('\n')
          const where = `${id} to ${to}: ${JSON.stringify(answer)} got ${JSON.stringify(got.map(({ audience }) => audience))}`
          assert.ok(got.length > 0, where)
          if (whole.has(id))
            assert.ok(
              got.some((one) => one.id === id),
              `whole: ${where}`,
            )
          for (const [name, letter] of Object.entries(CANARIES)) {
            const isCut = answer.redact.some((cut) => name === cut || name.startsWith(`${cut}.`))
            if (!isCut) assert.ok(text.includes(`canary-${number}-${letter}`), `${name}: ${where}`)
          }
        }
      }
    }),
    PARAMETERS,
  )
})
