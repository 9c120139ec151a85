// One run: a fleet, a plan, the test's own journal of what was acknowledged, and what must hold once all is healed.
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { indicator } from '../alliance/world.ts'
import type { Fleet } from './fleet.ts'
import type { Step } from './plan.ts'

/** Marks every publication; nothing else in a data directory looks so. */
export const MARKER = /chaos-marker-[0-9a-f]{24}/g
/** Between two lines of progress. */
const PROGRESS_MS = 5_000
/** A refusal while a node starts is no answer to what was asked. */
const RECALL_TRIES = 3

/** A publication as the test knows it. */
export interface Publication {
  author: string
  id: string
  marker: string
  entitled: readonly string[]
  /** Set where the node acknowledged it. */
  place?: { log: string; index: number }
  recalled?: 'asked' | 'acknowledged'
}

export interface Run {
  publications: Publication[]
  counts: Record<string, number>
  faults: string[]
}

/** Carries the plan out, and ends everything it began. */
export async function carryOut(fleet: Fleet, steps: readonly Step[], progress: (line: string) => void): Promise<Run> {
  const run: Run = { publications: [], counts: {}, faults: [] }
  const count = (what: string) => (run.counts[what] = (run.counts[what] ?? 0) + 1)
  const began = Date.now()
  let said = began
  const busy = new Map<string, Promise<void>>()
  const underWay: Promise<void>[] = []
  const waiting = new Map<string, number>()
  /** Kills and starts of one node follow each other. */
  const inTurn = (node: string, work: () => Promise<void>) => {
    waiting.set(node, (waiting.get(node) ?? 0) + 1)
    const next = (busy.get(node) ?? Promise.resolve())
      .then(work)
      .finally(() => waiting.set(node, waiting.get(node)! - 1))
    busy.set(
      node,
      next.catch((error: unknown) => void run.faults.push(`${node}: ${String(error)}`)),
    )
  }
  const kill = (node: string) => {
    // On a busy machine a start takes longer than the plan thinks: kills that queue behind it would go on long after it.
    if (!fleet.isUp(node) || (waiting.get(node) ?? 0) > 0) return count('kill left out')
    inTurn(node, async () => {
      count('kill')
      await fleet.kill(node)
    })
  }
  for (const step of steps) {
    await sleep(Math.max(0, began + step.at - Date.now()))
    if (step.do === 'fault') {
      count(`fault ${step.fault}`)
      fleet.relay(step.from, step.to).inflict(step.fault)
    } else if (step.do === 'heal') fleet.relay(step.from, step.to).heal(step.forgets)
    else if (step.do === 'kill') kill(step.node)
    else if (step.do === 'start')
      inTurn(step.node, async () => void (fleet.isUp(step.node) || (await fleet.start(step.node))))
    else if (step.do === 'publish') {
      const done = publish(fleet, step, run, count)
      underWay.push(step.killed ? done.then(() => void kill(step.node)) : done)
    } else {
      const publication = run.publications.filter(({ place }) => place).at(step.of)
      if (publication && !publication.recalled) underWay.push(recall(fleet, publication, count))
    }
    if (Date.now() - said < PROGRESS_MS) continue
    said = Date.now()
    progress(JSON.stringify(run.counts))
  }
  await Promise.all(underWay)
  await Promise.all(busy.values())
  for (const slug of fleet.slugs) if (!fleet.isUp(slug)) await fleet.start(slug)
  // Silenced connections stay silent: nodes have to find that out by themselves.
  for (const relay of fleet.relays()) relay.heal(false)
  run.counts['connections spoiled'] = fleet.relays().reduce((sum, relay) => sum + relay.spoiled, 0)
  return run
}

/** Publishes a new object, and notes in `run` what the node answered. */
export async function publish(
  fleet: Fleet,
  step: Pick<Extract<Step, { do: 'publish' }>, 'node' | 'tlp' | 'to' | 'entitled'>,
  run: Run,
  count: (what: string) => void,
): Promise<void> {
  const { node, tlp, to, entitled } = step
  const marker = `chaos-marker-${randomBytes(12).toString('hex')}`
  const object = indicator('192.0.2.1', { name: marker, pattern: `[domain-name:value = '${marker}.example']` })
  const publication: Publication = { author: node, id: object.id, marker, entitled }
  run.publications.push(publication)
  try {
    const answer = await fleet.ask(node, '/api/v1/publish', { objects: [object], tlp, to })
    const body = (await answer.json()) as {
      published?: { log: string; index: number; recipients: string[] }[]
      refused?: unknown[]
    }
    const [published] = body.published ?? []
    if (answer.ok && published) {
      publication.place = { log: published.log, index: published.index }
      const told = published.recipients.toSorted().join()
      if (told !== entitled.toSorted().join())
        run.faults.push(`${node} names the recipients ${told} for ${to.join()}, not ${entitled.join()}`)
      count('published')
    } else if (answer.status < 500) run.faults.push(`${node} refused ${tlp} ${to.join()}: ${JSON.stringify(body)}`)
    else count('publication without an answer')
  } catch {
    count('publication without an answer')
  }
}

/** Recalls a publication, and notes in it what the node answered. */
export async function recall(fleet: Fleet, publication: Publication, count: (what: string) => void): Promise<void> {
  publication.recalled = 'asked'
  for (let tries = 0; tries < RECALL_TRIES; tries++) {
    try {
      const answer = await fleet.ask(publication.author, '/api/v1/recall', { id: publication.id, reason: 'error' })
      if (answer.ok) {
        publication.recalled = 'acknowledged'
        count('recalled')
        return
      }
    } catch {
      // The node is down: its acknowledgement never came.
    }
    await sleep(200)
  }
}
