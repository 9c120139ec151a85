import {
  fromBase64,
  fromUtf8,
  type Hash,
  isJsonObject,
  type Json,
  type LogId,
  type MemberId,
  type Millis,
  parseJson,
  toHex,
} from '#base'
import { type Frame, FrameDecoder, type Proof } from '#log'
import { type Absorber, type Batch, type Prepared, prepare } from './absorb.ts'
import { carriedLink } from './carriage/carriers.ts'
import { AuthorTurns } from './author-turns.ts'
import type { Context } from './context.ts'
import type { CharterDirectory } from './directory.ts'
import type { Heads } from './heads.ts'
import { contradictionOf, contradictionWith, shownByPath } from './evidence/proofs.ts'
import type { SignedRows } from './evidence/signed-rows.ts'
import { CHECKPOINT_GAP_BYTES } from './limits.ts'
import type { LinkClient, Target } from './link-client.ts'
import type { Head } from './machine-state.ts'
import { MirrorFault, readMirrorState } from './mirror-state.ts'
import type { BroughtPart, Early, VerifiedBatch } from './mirror-batches.ts'
import { type InlineEntries, PushedEntries } from './pushed-entries.ts'
import { ToldFaults } from './told-faults.ts'
import {
  checkCheckpoint,
  checkEntries,
  checkFollows,
  type Fault,
  type MirrorState,
  provesGrowth,
  type SignedCheckpoint,
} from './verify.ts'

/** Entries asked for at once: two such batches are in memory, parsed, while a third is written. */
const BATCH_ENTRIES = 2_048
/** Bytes of entries from which on a batch ends with the next checkpoint. */
const BATCH_BYTES = 32 * 1_024 * 1_024
/** Batches that are got ready while the one before is written; the oldest goes when another comes. */
const AHEAD_MOST = 8
/** Bytes of entries of one such batch; the rest is fetched when its turn comes. */
const AHEAD_BYTES = 8 * 1_024 * 1_024

/** Mirrors of other authors' logs: fetched in bounded pages up to a checkpoint, verified, judged, committed. */
export class Mirrors {
  readonly #context: Context
  readonly #directory: CharterDirectory
  readonly #heads: Heads
  readonly #client: LinkClient
  readonly #absorber: Absorber
  readonly #signedRows: SignedRows
  readonly #states = new Map<LogId, MirrorState>()
  readonly #pushed = new PushedEntries()
  /** What follows a state, by log, while that state is being written. */
  readonly #ahead = new Map<LogId, { peer: MemberId; state: MirrorState; early: Promise<Early | undefined> }>()
  readonly #turns = new AuthorTurns()
  readonly #told = new ToldFaults()

  constructor(
    context: Context,
    directory: CharterDirectory,
    heads: Heads,
    client: LinkClient,
    absorber: Absorber,
    signedRows: SignedRows,
  ) {
    this.#signedRows = signedRows
    this.#context = context
    this.#directory = directory
    this.#heads = heads
    this.#client = client
    this.#absorber = absorber
  }

  /** Keeps what came along until the fetch that it saves begins. */
  offer(peer: MemberId, entries: InlineEntries): void {
    this.#pushed.keep(peer, entries)
  }

  /**
   * Extends the mirror of a log by one batch, up to a checkpoint.
   * @throws MirrorFault when what came does not hold; FederationError when the peer can't be reached
   */
  async extend(peer: Target, log: LogId, offered: Head): Promise<Head> {
    const state = await this.#state(peer.carries ?? peer.member, log, peer.carries && peer.member)
    const held = { size: state.frontier.size, root: toHex(state.frontier.root()) as Hash }
    // A file brought it meanwhile.
    if (held.size > offered.size || (held.size === offered.size && held.root === offered.root)) return held
    const inline = this.#pushed.take(peer.member, log)
    try {
      const batch = inline ? this.#fromInline(state, inline) : undefined
      const { checkpoint, frames, ready } = batch ?? (await this.#fetch(peer, state, offered))
      await this.#requireOffered(state, checkpoint, offered)
      const checked = ready ? { ok: true as const, value: ready.verified } : checkEntries(state, frames, checkpoint)
      if (!checked.ok) {
        if (batch) return await this.extend(peer, log, offered)
        throw new MirrorFault(await this.#explain(peer, state, checkpoint, checked.fault))
      }
      const came = { checkpoint, frames, offered: offered.size, prepared: ready?.prepared }
      return await this.#write(state, checked.value, came, (next) => this.#lookAhead(peer, next, offered))
    } catch (cause) {
      // What is on disk may differ from what is remembered: read it again next time.
      this.#states.delete(log)
      this.#ahead.delete(log)
      throw cause
    }
  }

  /** Where the mirror of a log stands. @throws MirrorFault where the log is another author's */
  standing(author: MemberId, log: LogId): Promise<MirrorState> {
    return this.#state(author, log)
  }

  /**
   * The verified entries after a state, up to a checkpoint, and the state behind them; nothing of them is kept.
   * @throws MirrorFault when what came does not hold; FederationError when the peer can't be reached
   */
  async read(peer: Target, state: MirrorState, offered: Head) {
    const { checkpoint, frames } = await this.#fetch(peer, state, offered)
    await this.#requireOffered(state, checkpoint, offered)
    const checked = checkEntries(state, frames, checkpoint)
    if (!checked.ok) throw new MirrorFault({ ...checked.fault, kind: 'bad-answer' })
    const { entries, frontier, audience } = checked.value
    const entryTime = lastTime(entries, state.entryTime)
    return { entries, next: { ...state, frontier, audience, checkpointTime: checkpoint.time, entryTime } }
  }

  /**
   * Extends the mirror of a log by entries that came in a file or an offer: checked, judged and committed as what comes over a link is.
   * Entries that are held already are passed over.
   * @throws MirrorFault when what came does not hold, or does not follow what is held
   */
  async take(author: MemberId, part: BroughtPart, offered: Head): Promise<Head & { added: number }> {
    const { log, from, checkpoint: note, frames, by = 'file' } = part
    const state = await this.#state(author, log)
    const { size } = state.frontier
    if (from > size)
      throw new MirrorFault({
        kind: 'bad-answer',
        message: `its ${by} goes on with entry ${from} of log ${log}, of which ${size} are held: import the file before, or ask for one with --all`,
      })
    try {
      const checked = this.#check(state, note)
      if (!checked.ok) throw new MirrorFault(await this.#keep(state, note, checked.fault))
      const checkpoint = checked.value
      if (checkpoint.size !== from + frames.length || checkpoint.size > offered.size)
        throw new MirrorFault({
          kind: 'bad-answer',
          message: `its ${by} holds ${frames.length} entries from ${from} on of log ${log} under a checkpoint of ${checkpoint.size}`,
        })
      if (checkpoint.size <= size) {
        const root = await this.#context.store.root(log, checkpoint.size)
        const fault: Fault = { kind: 'fork', message: `its ${by} has another root for ${checkpoint.size} entries` }
        if (root !== checkpoint.root) throw new MirrorFault(await this.#keep(state, note, fault))
        return { size, root: toHex(state.frontier.root()) as Hash, added: 0 }
      }
      const follows = checkFollows(state, checkpoint)
      if (follows) throw new MirrorFault(await this.#keep(state, note, follows))
      await this.#requireOffered(state, checkpoint, offered)
      const rest = frames.slice(size - from)
      const verified = checkEntries(state, rest, checkpoint)
      // Whoever carried it may have changed it: entries that do not hash into the root prove nothing.
      if (!verified.ok) throw new MirrorFault({ ...verified.fault, kind: 'bad-answer' })
      const came = { checkpoint, frames: rest, offered: offered.size, prepared: undefined }
      const head = await this.#write(state, verified.value, came)
      return { ...head, added: rest.length }
    } catch (cause) {
      this.#states.delete(log)
      this.#ahead.delete(log)
      throw cause
    }
  }

  /** A charter changed: what came before it admitted this member counts from now on. */
  async readmit(): Promise<void> {
    const authors = new Set(this.#heads.all().flatMap(({ author, own }) => (own ? [] : [author])))
    for (const author of authors) await this.#turns.take(author, () => this.#absorber.readmit(author))
  }

  /** Judges and commits a verified batch. */
  async #write(
    state: MirrorState,
    verified: VerifiedBatch,
    batch: Pick<Batch, 'checkpoint' | 'frames' | 'offered'> & { prepared: Prepared | undefined },
    meanwhile?: (next: MirrorState) => void,
  ): Promise<Head> {
    const { log, author } = state
    const { entries, frontier, audience } = verified
    const { checkpoint, frames, offered } = batch
    const prepared = batch.prepared ?? prepare(log, audience, entries)
    const entryTime = lastTime(entries, state.entryTime)
    const next: MirrorState = { ...state, frontier, audience, checkpointTime: checkpoint.time, entryTime }
    await this.#turns.take(author, async () => {
      const written = this.#absorber.absorb(state, { ...verified, checkpoint, frames, offered, prepared })
      meanwhile?.(next)
      await written
      await this.#heads.refresh(log)
    })
    this.#states.set(log, next)
    return { size: checkpoint.size, root: checkpoint.root }
  }

  async #state(author: MemberId, log: LogId, via?: MemberId): Promise<MirrorState> {
    const held = this.#states.get(log)
    // Whoever offers another member's log as its own must not speak for that member, not even with its old checkpoints.
    const isIts = held?.author === author
    const known = isIts ? held : await readMirrorState(this.#context, this.#heads, author, log)
    if (known.via === via) return known
    const { via: _before, ...state } = known
    return via === undefined ? state : { ...state, via }
  }

  #fromInline(state: MirrorState, inline: InlineEntries) {
    if (inline.from !== state.frontier.size) return undefined
    const checked = this.#check(state, inline.checkpoint)
    if (!checked.ok || checked.value.size <= state.frontier.size) return undefined
    try {
      const decoder = new FrameDecoder()
      const frames = decoder.push(fromBase64(inline.frames))
      decoder.end()
      return { checkpoint: checked.value, frames, ready: undefined }
    } catch {
      return undefined
    }
  }

  async #fetch(peer: Target, state: MirrorState, offered: Head) {
    const { size } = state.frontier
    const early = await this.#takeEarly(peer, state)
    const wanted = this.#wanted(size, offered)
    const checkpoint = await this.#follows(state, early?.note ?? (await this.#noteOf(peer, state, wanted)))
    if (checkpoint.size < wanted && !early) throw uncovered(checkpoint, wanted)
    if (early?.ready) return { checkpoint, frames: early.frames, ready: early.ready }
    const frames = await this.#frames(peer, state.log, size, checkpoint.size, early?.frames, BATCH_BYTES)
    const reached = size + frames.length
    if (reached === checkpoint.size) return { checkpoint, frames }
    // Large entries: as many as came are a batch, where a checkpoint ends them.
    const nearer = await this.#follows(state, await this.#noteOf(peer, state, reached))
    if (nearer.size < reached) throw uncovered(nearer, reached)
    return { checkpoint: nearer, frames: await this.#frames(peer, state.log, size, nearer.size, frames) }
  }

  /** A checkpoint of the author's that goes on from a state. @throws MirrorFault */
  async #follows(state: MirrorState, note: string): Promise<SignedCheckpoint> {
    const checked = this.#check(state, note)
    if (!checked.ok) throw new MirrorFault(await this.#keep(state, note, checked.fault))
    const fault = checkFollows(state, checked.value)
    if (fault) throw new MirrorFault(await this.#keep(state, note, fault))
    return checked.value
  }

  #wanted(size: number, offered: Head): number {
    return Math.min(offered.size, size + Math.min(BATCH_ENTRIES, this.#context.limits.pageEntries))
  }

  async #noteOf(peer: Target, state: MirrorState, wanted: number): Promise<string> {
    return fromUtf8(await this.#client.get(peer, `/link/v1/logs/${state.log}/checkpoint?size=${wanted}`))
  }

  /**
   * Fetches the batch after the one that is about to be judged and written, and does all of it that depends on nothing
   * else: hashes, form, validity. Whatever is wrong with it is found again, and told, when its turn comes.
   */
  #lookAhead(peer: Target, state: MirrorState, offered: Head): void {
    if (state.frontier.size >= offered.size) return
    const [oldest] = this.#ahead.keys()
    if (this.#ahead.size >= AHEAD_MOST && oldest !== undefined) this.#ahead.delete(oldest)
    const early = this.#early(peer, state, offered).catch(() => undefined)
    this.#ahead.set(state.log, { peer: peer.member, state, early })
  }

  async #takeEarly(peer: Target, state: MirrorState): Promise<Early | undefined> {
    const ahead = this.#ahead.get(state.log)
    this.#ahead.delete(state.log)
    return ahead?.state === state && ahead.peer === peer.member ? ahead.early : undefined
  }

  async #early(peer: Target, state: MirrorState, offered: Head): Promise<Early | undefined> {
    const { size } = state.frontier
    const wanted = this.#wanted(size, offered)
    const note = await this.#noteOf(peer, state, wanted)
    const checked = this.#check(state, note)
    if (!checked.ok || checked.value.size < wanted || checkFollows(state, checked.value)) return undefined
    const checkpoint = checked.value
    const frames = await this.#frames(peer, state.log, size, checkpoint.size, [], AHEAD_BYTES)
    if (frames.length < checkpoint.size - size) return { note, frames }
    const verified = checkEntries(state, frames, checkpoint)
    if (!verified.ok) return undefined
    const prepared = prepare(state.log, verified.value.audience, verified.value.entries)
    return { note, frames, ready: { verified: verified.value, prepared } }
  }

  #check(state: MirrorState, note: string) {
    const { log, author } = state
    const nodeKeys = (at: Millis) => this.#directory.nodeKeys(author, at)
    return checkCheckpoint(note, { log, author, now: this.#context.now(), nodeKeys })
  }

  /** Entries [from, to) after those that are there already, page by page until `enough` bytes came. */
  async #frames(peer: Target, log: LogId, from: number, to: number, frames: Frame[] = [], enough = Infinity) {
    let bytes = 0
    while (from + frames.length < to && bytes < enough) {
      const path = `/link/v1/logs/${log}/entries?from=${from + frames.length}&to=${to}`
      const body = await this.#client.get(peer, path)
      const decoder = new FrameDecoder()
      const more = decoder.push(body)
      decoder.end()
      bytes += body.length
      if (more.length === 0 || from + frames.length + more.length > to)
        throw new MirrorFault({ kind: 'bad-answer', message: `it sent ${more.length} entries to ${path}` })
      if (bytes > CHECKPOINT_GAP_BYTES)
        throw new MirrorFault({
          kind: 'bad-answer',
          message: `more than ${CHECKPOINT_GAP_BYTES} bytes stand between its checkpoints`,
        })
      for (const frame of more) frames.push(frame)
    }
    return frames
  }

  /** Two signed words of one author that contradict each other: its snapshot's row and its checkpoint. */
  async #requireOffered(state: MirrorState, checkpoint: SignedCheckpoint, offered: Head): Promise<void> {
    if (checkpoint.size !== offered.size || checkpoint.root === offered.root) return
    const fault: Fault = {
      kind: 'fork',
      message: `its checkpoint of ${checkpoint.size} entries has another root than its snapshot`,
    }
    const { author, via } = state
    const snapshot = this.#signedRows.of(via === undefined ? author : carriedLink(author, via), state.log)
    const heads = snapshot && ([{ note: checkpoint.note }, { snapshot, log: state.log }] as const)
    const proof: Proof | undefined = heads && { type: 'fork', heads: [...heads] }
    await this.#alarm(state, fault, { checkpoint: checkpoint.note, offered: { ...offered }, ...toEvidence(proof) })
    throw new MirrorFault(fault)
  }

  /** Entries that don't give the root: a broken transfer where the author can prove its growth, else a fork. */
  async #explain(peer: Target, state: MirrorState, checkpoint: SignedCheckpoint, fault: Fault): Promise<Fault> {
    const { size } = state.frontier
    if (fault.kind !== 'fork') return this.#keep(state, checkpoint.note, fault)
    if (size === 0) return this.#keep(state, checkpoint.note, { ...fault, kind: 'bad-answer' })
    const proof = await this.#proof(peer, state.log, size, checkpoint.size).catch(() => undefined)
    const root = toHex(state.frontier.root()) as Hash
    const isHonest = proof !== undefined && provesGrowth({ size, root }, checkpoint, proof)
    const shown = proof && !isHonest ? shownByPath(this.#heads.get(state.log), checkpoint, proof) : undefined
    // A carrier that gives other entries, and no path, says nothing of the author.
    if (isHonest || (state.via !== undefined && !shown))
      return this.#keep(state, checkpoint.note, { ...fault, kind: 'bad-answer' })
    return this.#keep(state, checkpoint.note, fault, shown)
  }

  async #proof(peer: Target, log: LogId, from: number, to: number): Promise<string[]> {
    const body = await this.#client.get(peer, `/link/v1/logs/${log}/consistency?from=${from}&to=${to}`)
    const { proof } = parseJson(body) as { proof?: Json }
    return Array.isArray(proof) ? proof.map(String) : []
  }

  /** Raises the alarm that goes with a fault, with both signed notes where the author contradicts itself. */
  async #keep(state: MirrorState, note: string, fault: Fault, shown?: Proof): Promise<Fault> {
    const held = this.#heads.get(state.log)
    const isSigned = fault.kind === 'fork' || fault.kind === 'rollback'
    const proof =
      shown ??
      (held && (await contradictionWith(this.#context.store, held, note, fault.kind))) ??
      (held && isSigned && state.via !== undefined ? contradictionOf(held.checkpoint, note) : undefined)
    await this.#alarm(state, fault, { before: held?.checkpoint ?? null, now: note, ...toEvidence(proof) })
    return fault
  }

  async #alarm(state: MirrorState, fault: Fault, evidence: Json): Promise<void> {
    const { author, log, via } = state
    const isProved = isJsonObject(evidence) && evidence['proof'] !== undefined
    if (!this.#told.isDue(log, fault, isProved, this.#context.now())) return
    const slugOf = (member: MemberId) => this.#directory.member(member)?.slug ?? member
    const where = { log, evidence }
    if (via === undefined || isProved)
      return this.#context.alarm(fault.kind, author, `${slugOf(author)}: ${fault.message}`, where)
    // What the author did not sign against itself is the carrier's doing.
    const message = `${slugOf(via)}, which carries ${slugOf(author)}: ${fault.message}`
    const seen = { carries: author, seen: evidence }
    await this.#context.alarm(fault.kind, via, message, { log, evidence: seen })
  }
}

const uncovered = (checkpoint: SignedCheckpoint, wanted: number) =>
  new MirrorFault({ kind: 'bad-answer', message: `its checkpoint of ${checkpoint.size} does not cover ${wanted}` })

const toEvidence = (proof: Proof | undefined): Record<string, Json> =>
  proof ? { proof: proof as unknown as Json } : {}

function lastTime(entries: readonly { bytes?: Uint8Array | undefined; time?: Millis }[], before: Millis): Millis {
  return entries.reduce((time, entry) => (entry.bytes ? Math.max(time, entry.time ?? 0) : time), before)
}
