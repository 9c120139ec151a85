import { fromHex, type Json, type LogId, parseJson, toHex } from '#base'
import { ENTRY_KIND, type Frame, FrameDecoder, Frontier } from '#log'
import { objectColumns } from '#stix'
import type { Change, MirroredEntry, Store } from '#store'
import type { Recovered } from './api.ts'
import type { Context } from './context.ts'
import type { Heads } from './heads.ts'
import { toObject } from './judge.ts'
import { CHECKPOINT_GAP_BYTES } from './limits.ts'
import type { LinkClient, Target } from './link-client.ts'
import type { Recalls } from './recalls.ts'
import { type MirrorState, provesGrowth, type SignedCheckpoint, type VerifiedEntry } from './verify.ts'

/** What entries of own logs come back with. */
export interface RecoveredParts {
  context: Context
  /** Takes appends also while the gate is shut. */
  store: Store
  heads: Heads
  client: LinkClient
  recalls: Recalls
}

/** Own entries that were lost, as they come back from a peer that holds them. */
export class RecoveredLogs {
  readonly #parts: RecoveredParts

  constructor(parts: RecoveredParts) {
    this.#parts = parts
  }

  /** What makes a batch of an own log part of it again, and what of it people are told. */
  async changes(state: MirrorState, from: number, checkpoint: SignedCheckpoint, entries: readonly VerifiedEntry[]) {
    const { context, recalls } = this.#parts
    const { log, author } = state
    const arrived = context.now()
    const objects: Recovered['objects'] = []
    const toEntry = (entry: VerifiedEntry): MirroredEntry => {
      if (!entry.bytes) return { leaf: entry.leaf }
      const { bytes, kind, time, index } = entry
      const object = kind === ENTRY_KIND.object ? toObject(entry.payload) : undefined
      if (!object) return { bytes, kind, time }
      const columns = { ...objectColumns(object), status: 'accepted' as const }
      objects.push({ index, id: columns.id })
      return { bytes, kind, time, object: columns }
    }
    const mirror: Change = {
      op: 'mirror',
      recovers: true,
      log,
      author,
      from,
      entries: entries.map(toEntry),
      checkpoint: { ...checkpoint },
      audience: state.audience!,
      arrived,
    }
    const taken = await recalls.recover({ author, log, audience: state.audience!, entries })
    const recovered = { log, from, size: checkpoint.size, objects, time: arrived }
    return { changes: [mirror, ...taken.changes], recovered, done: taken.done }
  }

  /** Whether a peer can show that its copy goes on from what is held here. */
  async isPart(from: Target, { log, frontier }: MirrorState, checkpoint: SignedCheckpoint): Promise<boolean> {
    const { size } = frontier
    if (size === 0) return true
    const path = `/link/v1/logs/${log}/consistency?from=${size}&to=${checkpoint.size}`
    const { proof } = parseJson(await this.#parts.client.get(from, path)) as { proof?: Json }
    return Array.isArray(proof) && provesGrowth({ size, root: toHex(frontier.root()) }, checkpoint, proof.map(String))
  }

  /** Where an own log stands on this disk. */
  async stateOf(log: LogId): Promise<MirrorState> {
    const { context, heads, store } = this.#parts
    const frontier = new Frontier()
    const head = heads.get(log)
    let entryTime = 0
    while (head && frontier.size < head.size) {
      const entries = await store.entries(log, frontier.size, head.size, context.limits.pageBytes)
      if (entries.length === 0) throw new Error(`entry ${frontier.size} of the log can't be read`)
      for (const { leaf, time } of entries) {
        frontier.append(fromHex(leaf))
        entryTime = Math.max(entryTime, time)
      }
    }
    const known = head ? { audience: head.audience } : {}
    return { log, author: context.self.member, frontier, checkpointTime: head?.time ?? 0, entryTime, ...known }
  }

  /** Entries [first, end) as a peer holds them. */
  async frames(from: Target, log: LogId, first: number, end: number): Promise<Frame[]> {
    const frames: Frame[] = []
    let bytes = 0
    while (first + frames.length < end) {
      const body = await this.#parts.client.get(
        from,
        `/link/v1/logs/${log}/entries?from=${first + frames.length}&to=${end}`,
      )
      const decoder = new FrameDecoder()
      const more = decoder.push(body)
      decoder.end()
      bytes += body.length
      if (more.length === 0 || first + frames.length + more.length > end || bytes > CHECKPOINT_GAP_BYTES)
        throw new Error(`it sent ${more.length} entries and ${bytes} bytes`)
      frames.push(...more)
    }
    return frames
  }
}
