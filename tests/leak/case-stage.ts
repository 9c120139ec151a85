// What the named cases share: one stage, and what is asked of it.
import assert from 'node:assert/strict'
import { after } from 'node:test'
import { type Found, markersIn } from './markers.ts'
import { Stage } from './stage.ts'
import { walkApi, walkTaxii } from './ways.ts'
import { type Charter, HUB, type Mark, RELAY, type Row, type Server, type Thing } from './world-plan.ts'

export const active = (member: string, ...clients: string[]): Row => ({ member, standing: 'active', clients })
export const charter = (alliance: 'north' | 'south', rows: readonly Row[]): Charter => ({
  alliance,
  rows,
  greenDefault: 'community',
  carriers: [],
  observers: 'green',
})
export const NORTH = [
  active(HUB, 'jp-bank'),
  active(RELAY, 'us-grid'),
  active('ph-cert'),
  { ...active('jp-isac'), maxTlp: 'green' as const },
  { ...active('fr-guest'), standing: 'observer' as const },
]
const SOUTH = [active(HUB), active('th-agency', 'ph-tel')]

let stage: Stage | undefined
let n = 1
export const things = new Map<number, Thing>()

export async function open(): Promise<Stage> {
  if (stage) return stage
  stage = await Stage.open()
  await stage.play({ charters: [charter('north', NORTH), charter('south', SOUTH)], things: [], recalls: [] })
  return stage
}

/** Publishes one thing, and gives its number. */
export async function put(mark: Mark, more: Partial<Thing> = {}): Promise<number> {
  const thing: Thing = { n: n++, author: HUB, type: 'malware', mark, granular: [], refs: [], ...more }
  things.set(thing.n, thing)
  await (await open()).play({ charters: [], things: [thing], recalls: [] })
  return thing.n
}

export const mark = (tlp: Mark['tlp'], ...caveats: Mark['caveats']): Mark => ({ ...(tlp ? { tlp } : {}), caveats })

/** All that a reader is told at a server, over the API and TAXII, in every turn of what is walked in turns. */
export async function told(server: Server, reader: string, turns = [0, 1, 2]): Promise<Map<string, Found>> {
  const on = await open()
  const token = on.tokens(server).get(reader)
  const found = new Map<string, Found>()
  // Whom a server's charters do not name has no token there, and so nothing.
  if (token === undefined) return found
  for (const turn of turns) {
    const walk = { stage: on, server, reader, token, turn }
    const [api, taxii] = [await walkApi(walk), await walkTaxii(walk)]
    for (const { bytes } of [...api.told, ...taxii.told]) for (const [key, one] of markersIn(bytes)) found.set(key, one)
  }
  return found
}

export const hasAny = (found: ReadonlyMap<string, Found>, object: number) =>
  [...found.values()].some((one) => one.object === object)

export async function assertReads(
  object: number,
  may: Record<string, readonly string[]>,
  mayNot: Record<string, readonly string[]>,
) {
  for (const [readers, isIn] of [
    [may, true],
    [mayNot, false],
  ] as const)
    for (const [server, names] of Object.entries(readers))
      for (const reader of names)
        assert.equal(
          hasAny(await told(server as Server, reader), object),
          isIn,
          `${reader} at ${server}, object ${object}`,
        )
}

export async function openStream(server: Server, peer: string): Promise<Buffer[]> {
  const answer = await (await open()).link(server, peer, '/link/v1/stream')
  const chunks: Buffer[] = []
  if ('stream' in answer)
    void (async () => {
      for await (const chunk of answer.stream) chunks.push(Buffer.from(chunk))
    })().catch(() => undefined)
  return chunks
}

after(() => stage?.[Symbol.asyncDispose]())
