import { join } from 'node:path'
import type { JsonObject } from '#base'
import {
  ExchangeError,
  type FeedEntry,
  INPUT_MAX_BYTES,
  LossReport,
  parseManifest,
  readInput,
  type ReadOptions,
  type Understood,
} from '#exchange'
import { UsageError } from './command.ts'
import { readBounded } from './input.ts'
import type { NodeClient } from './node-client.ts'
import type { Output } from './output.ts'

/** Which events of a feed were read. */
export interface FeedReading extends Understood {
  feed: { events: number; read: number; unchanged: number; failed: number; left: number }
}

/** Objects of a feed that one run takes; the events beyond them are for the next run, which passes over what is there. */
const RUN_MAX_OBJECTS = 100_000
/** An answer of a feed's server that is not complete by then counts as failed. */
const FETCH_TIMEOUT_MS = 60_000

/**
 * Reads a MISP feed, the newest events first. Events that the node has in that version are passed over; one that cannot
 * be read is told, and does not keep the others.
 * @throws UsageError where there is no manifest
 */
export async function readFeed(
  home: string,
  options: ReadOptions,
  node: NodeClient | undefined,
  output: Output,
): Promise<FeedReading> {
  const losses = new LossReport()
  const entries = parseManifest(await manifestOf(home), losses)
  const gathered = new Gathered(losses)
  const feed = { events: entries.length, read: 0, unchanged: 0, failed: 0, left: 0 }
  for (const [index, entry] of entries.entries()) {
    output.progress(`${index} of ${entries.length} events read`)
    if (gathered.size >= RUN_MAX_OBJECTS) {
      feed.left = entries.length - index
      break
    }
    if (node && (await isHeld(node, entry))) {
      feed.unchanged++
      continue
    }
    const name = `${entry.uuid}.json`
    try {
      gathered.add(name, readInput(await bytesOf(home, name), { ...options, format: 'misp' }))
      feed.read++
    } catch (error) {
      if (!isOfFile(error)) throw error
      feed.failed++
      losses.add(name, `the event was not read: ${(error as Error).message}`)
    }
  }
  return { ...gathered.result(noteOf(feed)), feed }
}

/** Whether a failure is that of one file: not there, not fetched, or nothing that can be read. */
const isOfFile = (error: unknown): boolean =>
  error instanceof ExchangeError ||
  error instanceof UsageError ||
  typeof (error as NodeJS.ErrnoException).syscall === 'string'

function noteOf({ events, read, unchanged, failed, left }: FeedReading['feed']): string {
  const parts = [
    `${read} read`,
    ...(unchanged > 0 ? [`${unchanged} there already`] : []),
    ...(failed > 0 ? [`${failed} not readable`] : []),
    ...(left > 0 ? [`${left} left for the next run`] : []),
  ]
  return `Feed of ${events} events: ${parts.join(', ')}.`
}

async function manifestOf(home: string): Promise<Uint8Array> {
  try {
    return await bytesOf(home, 'manifest.json')
  } catch (error) {
    throw new UsageError(
      `${home} is no MISP feed: its manifest.json cannot be read (${(error as Error).message}). Give the folder or address that holds it, or one event file.`,
    )
  }
}

async function bytesOf(home: string, name: string): Promise<Uint8Array> {
  return /^https?:/i.test(home)
    ? await fetched(new URL(name, home))
    : await readBounded(join(home, name), INPUT_MAX_BYTES)
}

/** A file of a feed on the web: over TLS except on this machine, from there and nowhere else, and bounded. */
async function fetched(address: URL): Promise<Uint8Array> {
  const isHere = ['localhost', '127.0.0.1', '[::1]'].includes(address.hostname)
  if (address.protocol !== 'https:' && !isHere)
    throw new UsageError(`${address.origin}: feeds are fetched by https, except from this machine.`)
  try {
    const response = await fetch(address, { redirect: 'error', signal: AbortSignal.timeout(FETCH_TIMEOUT_MS) })
    if (!response.ok || !response.body) throw new Error(`answered ${response.status}`)
    const chunks: Uint8Array[] = []
    let size = 0
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      size += chunk.length
      if (size > INPUT_MAX_BYTES) throw new Error(`more than ${INPUT_MAX_BYTES} bytes`)
      chunks.push(chunk)
    }
    return Buffer.concat(chunks)
  } catch (error) {
    const { message, cause } = error as Error
    throw new UsageError(`${address.href}: ${cause instanceof Error ? cause.message : message}`)
  }
}

/** Whether the node has the report or grouping of an event, in the version that the manifest names or a later one. */
async function isHeld(node: NodeClient, { uuid, modified }: FeedEntry): Promise<boolean> {
  if (modified === undefined) return false
  for (const type of ['report', 'grouping']) {
    const query = new URLSearchParams({ id: `${type}--${uuid}`, order: 'newest', limit: '1' })
    const { objects } = await node.get<{ objects: { object: JsonObject }[] }>(`/api/v1/objects?${query.toString()}`)
    if (objects.some(({ object }) => Date.parse(String(object['modified'])) >= Date.parse(modified))) return true
  }
  return false
}

/** What the events of a feed became, each object once, the newest event's first. */
class Gathered {
  readonly #objects = new Map<string, JsonObject>()
  readonly #preview: string[] = []
  readonly #notes = new Set<string>()
  readonly #sharedWith = new Map<string, Understood['sharedWith'][number]>()
  readonly #losses: LossReport

  constructor(losses: LossReport) {
    this.#losses = losses
  }

  get size(): number {
    return this.#objects.size
  }

  add(name: string, { objects, preview, notes, losses, sharedWith }: Understood): void {
    for (const object of objects)
      if (!this.#objects.has(String(object['id']))) this.#objects.set(String(object['id']), object)
    this.#preview.push(...preview.slice(0, 1))
    for (const note of notes) if (!/^\d+ MISP event/.test(note)) this.#notes.add(note)
    for (const one of sharedWith) this.#sharedWith.set(one.name, one)
    for (const { path, why } of losses.listed) this.#losses.add(`${name} ${path}`, why)
    this.#losses.total += losses.total - losses.listed.length
  }

  result(note: string): Understood {
    const objects = [...this.#objects.values()]
    const counts: Record<string, number> = {}
    for (const { type } of objects) counts[String(type)] = (counts[String(type)] ?? 0) + 1
    return {
      format: 'misp',
      objects,
      counts,
      preview: this.#preview,
      notes: [note, ...this.#notes],
      sharedWith: [...this.#sharedWith.values()],
      losses: { total: this.#losses.total, listed: this.#losses.listed },
    }
  }
}
