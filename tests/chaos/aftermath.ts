// What must come about by itself once every fault is over, how soon, and by which way.
import { setTimeout as sleep } from 'node:timers/promises'
import { type Publication, publish, type Run } from './chaos.ts'
import type { Fleet } from './fleet.ts'
import type { Alliances } from './plan.ts'

/** With room for a busy machine. */
const SETTLE_MS = Number(process.env['NOROSHI_CHAOS_SETTLE_MS'] ?? 150_000)
const LOOK_MS = 250
const OFFER = 'POST /link/v1/offer'

/** What was seen after healing; times in milliseconds. */
export interface Aftermath {
  /** Until the last link had its stream again. */
  streamsMs: number
  /** Until every author had the receipts of all that it acknowledged. */
  settledMs: number
  /** Until what every member published afterwards was receipted as held and as armed by all who may have it. */
  probeMs: number
  receipts: number
  faults: string[]
}

/**
 * Sees that each link gets its stream back within `streamsMs`, that nothing that was acknowledged is missing anywhere, and
 * that what is published then comes over the streams: an offer would hide a stream that is gone.
 */
export async function aftermath(fleet: Fleet, run: Run, alliances: Alliances, streamsMs: number): Promise<Aftermath> {
  const healed = Date.now()
  const since = () => Date.now() - healed
  const streams = streamsBack(fleet, streamsMs).then((late) => ({ late, ms: since() }))
  const late = await settled(fleet, run)
  const settledMs = since()
  const { late: without, ms } = await streams
  const faults = [...without, ...late]
  if (faults.length > 0) return { streamsMs: ms, settledMs, probeMs: 0, receipts: 0, faults }
  const began = Date.now()
  const offersBefore = offers(fleet)
  const count = (what: string) => (run.counts[`probe ${what}`] = (run.counts[`probe ${what}`] ?? 0) + 1)
  await Promise.all(
    Object.entries(alliances).flatMap(([alliance, members]) =>
      members.map((node) => {
        const entitled = members.filter((member) => member !== node)
        return publish(fleet, { node, tlp: 'amber', to: [`alliance:${alliance}`], entitled }, run, count)
      }),
    ),
  )
  faults.push(...(await settled(fleet, run)))
  const offered = offers(fleet) - offersBefore
  if (offered > 0) faults.push(`${offered} offers were posted although each link had its stream`)
  const without_ = fleet.links.filter(([from, to]) => !fleet.relay(from, to).hasStream)
  for (const [from, to] of without_) faults.push(`the stream of ${from} to ${to} is gone again though nothing happened`)
  return { streamsMs: ms, settledMs, probeMs: Date.now() - began, receipts: await receiptsGiven(fleet), faults }
}

const offers = (fleet: Fleet) => fleet.relays().reduce((sum, relay) => sum + relay.requests(OFFER), 0)

/** Waits until each node has a stream that lives at each peer; answers which have none in time. */
async function streamsBack(fleet: Fleet, limitMs: number): Promise<string[]> {
  const deadline = Date.now() + limitMs
  for (;;) {
    const without = fleet.links.filter(([from, to]) => !fleet.relay(from, to).hasStream)
    if (without.length === 0) return []
    if (Date.now() > deadline)
      return without.map(([from, to]) => `${from} has no stream to ${to} ${limitMs} ms after all was healed`)
    await sleep(LOOK_MS)
  }
}

/** Receipts that authors hold, of both kinds. */
async function receiptsGiven(fleet: Fleet): Promise<number> {
  const each = await Promise.all(
    fleet.slugs.map(async (slug) => {
      const answer = await fleet.ask(slug, '/api/v1/receipts')
      return ((await answer.json()) as { receipts: unknown[] }).receipts.length
    }),
  )
  return each.reduce((sum, own) => sum + own, 0)
}

/** Two looks without anything under way make it calm. */
const CALM_LOOKS = 2

/** Waits until every author has the receipts of all that it acknowledged; answers who is missing what. */
async function settled(fleet: Fleet, { publications }: Run): Promise<string[]> {
  const deadline = Date.now() + SETTLE_MS
  let calm = 0
  for (;;) {
    const missing = await behind(fleet)
    for (const author of fleet.slugs) {
      const own = publications.filter((one) => one.author === author && one.place)
      if (own.length > 0) missing.push(...(await lateAt(fleet, author, own)))
      for (const one of own) if (one.recalled === 'acknowledged') missing.push(...(await unacknowledged(fleet, one)))
    }
    calm = missing.length === 0 ? calm + 1 : 0
    if (calm >= CALM_LOOKS || Date.now() > deadline) return missing
    await sleep(500)
  }
}

/** Links that are not up, or over which something is still to come. */
async function behind(fleet: Fleet): Promise<string[]> {
  const found = await Promise.all(
    fleet.slugs.map(async (slug) => {
      const answer = await fleet.ask(slug, '/api/v1/status')
      const { links } = (await answer.json()) as { links: { peer: string; state: string; lagEntries: number }[] }
      return links
        .filter(({ state, lagEntries }) => state !== 'up' || lagEntries > 0)
        .map(({ peer, state, lagEntries }) => `${slug}'s link to ${peer} is ${state}, ${lagEntries} entries behind`)
    }),
  )
  return found.flat()
}

async function lateAt(fleet: Fleet, author: string, own: readonly Publication[]): Promise<string[]> {
  const answer = await fleet.ask(author, '/api/v1/receipts')
  const { receipts } = (await answer.json()) as {
    receipts: { kind: string; slug: string; log: string; from: number; size: number; verified: boolean }[]
  }
  const late: string[] = []
  for (const { place, entitled, marker } of own) {
    for (const reader of entitled) {
      const covers = (kind: string) =>
        receipts.some(
          (one) =>
            one.kind === kind &&
            one.slug === reader &&
            one.log === place!.log &&
            one.from <= place!.index &&
            place!.index < one.size,
        )
      for (const kind of ['received', 'armed'])
        if (!covers(kind))
          late.push(
            `${author} has no receipt "${kind}" of ${reader} for ${marker} (${place!.log.slice(0, 8)}/${place!.index})`,
          )
    }
  }
  return late
}

/** Members that hold what was recalled, or did, and have not said that it is withheld. */
async function unacknowledged(fleet: Fleet, { author, id, entitled, marker }: Publication): Promise<string[]> {
  const answer = await fleet.ask(author, `/api/v1/objects/${id}/standing`)
  const { standing } = (await answer.json()) as {
    standing: { recall?: { acknowledged: { slug: string; withheld: number | null }[] } }[]
  }
  const said = new Set(standing.flatMap(({ recall }) => recall?.acknowledged ?? []).map(({ slug }) => slug))
  return entitled
    .filter((reader) => !said.has(reader))
    .map((reader) => `${author} has no acknowledgement of ${reader} that ${marker} is withheld`)
}
