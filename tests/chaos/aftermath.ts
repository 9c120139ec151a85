// What must come about by itself once every fault is over, how soon, and by which way.
import { setTimeout as sleep } from 'node:timers/promises'
import { type Publication, publish, recall, type Run } from './chaos.ts'
import type { FaultRelay } from './fault-relay.ts'
import type { Fleet } from './fleet.ts'
import type { Alliances } from './plan.ts'

/** With room for a busy machine. */
const SETTLE_MS = Number(process.env['NOROSHI_CHAOS_SETTLE_MS'] ?? 150_000)
const LOOK_MS = 250
/** Of a link that is cut, while it backs off from a quarter of a second to seconds. */
const TRIES = 7
/** What goes wrong after the plan, one after the other; fewer where one promise alone is looked at. */
const ACTS = (process.env['NOROSHI_CHAOS_ACTS'] ?? 'healing,cut,silence,receipts,recalls,streams').split(',')
const OFFER = 'POST /link/v1/offer'

/** What was seen after healing. */
export interface Aftermath {
  /** Milliseconds that each act took until every stream was back and no receipt was missing. */
  acts: Record<string, number>
  receipts: number
  faults: string[]
}

/**
 * Once the plan is through, one thing after the other goes wrong, and nobody is killed who would make good by starting
 * anew what should have been done before: after each, every link has its stream back within `streamsMs`, and nothing that
 * was acknowledged is missing anywhere. What is published last comes over the streams: an offer would hide one that is gone.
 */
export async function aftermath(fleet: Fleet, run: Run, alliances: Alliances, streamsMs: number): Promise<Aftermath> {
  const seen: Aftermath = { acts: {}, receipts: 0, faults: [] }
  const somebody = Object.values(alliances)[0]![0]!
  const everybody = () => publishAll(fleet, run, alliances)
  const acts: Record<string, () => Promise<string[]>> = {
    healing: async () => [],
    cut: async () => {
      const before = new Map(fleet.relays().map((relay) => [relay, relay.spoiled]))
      for (const relay of fleet.relays()) relay.inflict('cut')
      await everybody()
      const late = await triedAgain(fleet, before, streamsMs)
      for (const relay of fleet.relays()) relay.heal(true)
      return late
    },
    silence: async () => {
      for (const relay of fleet.relays().filter((_, at) => at % 3 === 0)) {
        relay.inflict('half-open')
        relay.heal(false)
      }
      await everybody()
      return []
    },
    receipts: () =>
      gagged(fleet, somebody, async () => {
        await everybody()
        return heldBy(fleet, somebody, run, ({ recalled }) => recalled === undefined)
      }),
    recalls: async () => {
      const heard = async () => {
        const taken = newestFor(somebody, run)
        const count = countIn(run)
        await Promise.all(taken.map((one) => recall(fleet, one, count)))
        return lateRecalls(fleet, somebody, taken)
      }
      const faults = await gagged(fleet, somebody, heard, () => fleet.kill(somebody))
      await fleet.start(somebody)
      return faults
    },
    streams: async () => {
      const before = offers(fleet)
      await everybody()
      const late = await settled(fleet, run)
      const offered = offers(fleet) - before
      return offered > 0 ? [...late, `${offered} offers were posted although each link had its stream`] : late
    },
  }
  for (const [name, act] of Object.entries(acts)) {
    if (!ACTS.includes(name)) continue
    const began = Date.now()
    const faults = await act()
    const [without, late] = await Promise.all([streamsBack(fleet, streamsMs), settled(fleet, run)])
    seen.acts[name] = Date.now() - began
    seen.faults.push(...[...faults, ...without, ...late].map((fault) => `${name}: ${fault}`))
    if (seen.faults.length > 0) return seen
  }
  return { ...seen, receipts: await receiptsGiven(fleet) }
}

/** A peer that can't be reached is called ever more slowly, but again and again. */
const triedAgain = (fleet: Fleet, before: ReadonlyMap<FaultRelay, number>, limitMs: number): Promise<string[]> =>
  within(limitMs, async () =>
    fleet.links.flatMap(([from, to]) => {
      const relay = fleet.relay(from, to)
      const tries = relay.spoiled - before.get(relay)!
      return tries < TRIES ? [`${from} tried ${tries} times to reach ${to} in ${limitMs} ms while it could not`] : []
    }),
  )

const countIn = (run: Run) => (what: string) => {
  run.counts[`after healing: ${what}`] = (run.counts[`after healing: ${what}`] ?? 0) + 1
}

/** Every member publishes to each of its alliances. */
async function publishAll(fleet: Fleet, run: Run, alliances: Alliances): Promise<void> {
  await Promise.all(
    Object.entries(alliances).flatMap(([alliance, members]) =>
      members.map((node) => {
        const entitled = members.filter((member) => member !== node)
        return publish(fleet, { node, tlp: 'amber', to: [`alliance:${alliance}`], entitled }, run, countIn(run))
      }),
    ),
  )
}

/** Nothing new of `slug` gets through, while its streams go on, until `work` is done, it has tried in vain everywhere, and `last` has ended. */
async function gagged(
  fleet: Fleet,
  slug: string,
  work: () => Promise<string[]>,
  last: () => Promise<void> = async () => undefined,
): Promise<string[]> {
  const own = fleet.links.flatMap(([from, to]) => (from === slug ? [fleet.relay(from, to)] : []))
  const before = new Map(own.map((relay) => [relay, relay.spoiled]))
  for (const relay of own) relay.inflict('full')
  const faults = await work()
  const hasTried = () => own.every((relay) => relay.spoiled > before.get(relay)!)
  await within(SETTLE_MS, async () => (hasTried() ? [] : ['']))
  await last()
  for (const relay of own) relay.heal(true)
  return faults
}

/** Who lacks what of the publications that it may have. */
const heldBy = (fleet: Fleet, slug: string, { publications }: Run, which: (one: Publication) => boolean) =>
  within(SETTLE_MS, async () => {
    const own = publications.filter((one) => one.place && one.entitled.includes(slug) && which(one))
    const shown = await Promise.all(own.map(({ id }) => isShown(fleet, slug, id)))
    return own.filter((_, at) => !shown[at]).map(({ marker }) => `${slug} did not get ${marker} over its streams`)
  })

const lateRecalls = (fleet: Fleet, slug: string, taken: readonly Publication[]) =>
  within(SETTLE_MS, async () => {
    const shown = await Promise.all(taken.map(({ id }) => isShown(fleet, slug, id)))
    return taken.filter((_, at) => shown[at]).map(({ marker }) => `${slug} did not hear that ${marker} was recalled`)
  })

async function isShown(fleet: Fleet, slug: string, id: string): Promise<boolean> {
  const answer = await fleet.ask(slug, `/api/v1/objects?id=${id}`)
  return ((await answer.json()) as { objects: unknown[] }).objects.length > 0
}

/** The newest publication of each author that `slug` may have. */
function newestFor(slug: string, { publications }: Run): Publication[] {
  const own = publications.filter((one) => one.place && one.entitled.includes(slug) && one.recalled === undefined)
  return [...new Map(own.map((one) => [one.author, one])).values()]
}

/** Looks again until nothing is missing, or the time is over; answers what is. */
async function within(limitMs: number, missing: () => Promise<string[]>): Promise<string[]> {
  const deadline = Date.now() + limitMs
  for (;;) {
    const found = await missing()
    if (found.length === 0 || Date.now() > deadline) return found
    await sleep(LOOK_MS)
  }
}

const offers = (fleet: Fleet) => fleet.relays().reduce((sum, relay) => sum + relay.requests(OFFER), 0)

/** Waits until each node has a stream that lives at each peer; answers which have none in time. */
const streamsBack = (fleet: Fleet, limitMs: number): Promise<string[]> =>
  within(limitMs, async () =>
    fleet.links
      .filter(([from, to]) => !fleet.relay(from, to).hasStream)
      .map(([from, to]) => `${from} has no stream to ${to} ${limitMs} ms after all was healed`),
  )

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
