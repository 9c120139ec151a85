import { fromUtf8, type Json, type LogId, type MemberId, type Millis, parseJson } from '#base'
import { type DelegationEnd, peekCheckpoint, verifyStatement } from '#log'
import { type LogHead, type Store, StoreError } from '#store'
import type { Context } from './context.ts'
import type { CharterDirectory } from './directory.ts'
import { FederationError } from './error.ts'
import type { Heads } from './heads.ts'
import { CLOCK_AHEAD_MS } from './limits.ts'
import { linkAddresses } from './link-addresses.ts'
import type { KeyStatements } from './key-statements.ts'
import type { LinkClient, Target } from './link-client.ts'
import type { Recalls } from './recalls.ts'
import { RecoveredLogs } from './recovered-logs.ts'
import { noteRestore, unsureFor } from './restored-since.ts'
import type { SigningGate } from './signing-gate.ts'
import { checkCheckpoint, checkEntries, type MirrorState, type SignedCheckpoint } from './verify.ts'

/** How long an ordinary start asks its peers before it serves without their answers. */
const START_ASK_MS = 3_000
/** How long a restored node asks: its peers may be busy, or on their way up as well. */
const RESTORED_ASK_MS = 30_000
const ASK_AGAIN_MS = 1_000
/** A peer that holds what was lost, and could not be reached for it, is asked again after this. */
const RECOVER_AGAIN_MS = 30_000
/** Entries that come back from a peer in one commit. */
const BATCH_ENTRIES = 2_048

/** What the restore needs of the federation. */
export interface RestoreParts {
  context: Context
  /** Takes appends also while the gate is shut. */
  store: Store
  gate: SigningGate
  directory: CharterDirectory
  heads: Heads
  client: LinkClient
  recalls: Recalls
  keyStatements: KeyStatements
  /** A member's key was ended before its time. */
  onEnds: (member: MemberId, ends: readonly DelegationEnd[]) => Promise<void>
  /** What was found out is on disk: the node is restored no more. */
  onSettled: () => Promise<void>
}

/** Heads of own logs as one peer holds them. */
interface Held {
  from: Target
  notes: Map<LogId, SignedCheckpoint>
}

/**
 * Asks peers which checkpoints they hold of this node's logs, before it signs any. What a peer has and this node has not
 * was lost: it comes back from there, and the log goes on in a new incarnation, because others may hold still more. After
 * a restore from a backup every log goes on in a new incarnation, whatever the peers answer.
 *
 * Example: a backup has 3 entries of a log, a peer 5. Entries 3 and 4 are fetched from it, checked against the checkpoint
 * that this node signed itself, and a log for the same audience is opened whose genesis names size 5.
 * @see docs/wire.md, Heads
 */
export class Restore {
  readonly #parts: RestoreParts
  readonly #recovered: RecoveredLogs
  readonly #held = new Map<MemberId, Held>()
  readonly #asking = new Map<MemberId, AbortController>()
  readonly #forked = new Set<LogId>()
  /** Peers that said they hold a log, and then did not know it. */
  readonly #denied = new Set<string>()
  /** Logs and peers whose copy does not go on from this node's: what one of them sends keeps nobody else's from coming back. */
  readonly #apart = new Set<string>()
  /** Peers that are asked again after a while. */
  readonly #waiting = new Set<MemberId>()
  #turn: Promise<unknown> = Promise.resolve()
  /** For so long after a restore a peer may come to hold more than it said. */
  #unsureMs = 0
  #stopped = false

  constructor(parts: RestoreParts) {
    this.#parts = parts
    this.#recovered = new RecoveredLogs(parts)
  }

  /**
   * Whether a reader may be offered an own log: one that was superseded is offered to those alone who are known to hold
   * no more of it, because to anybody else it would look like a rollback.
   */
  mayOffer(head: LogHead, reader: MemberId): boolean {
    if (!head.superseded) return true
    if (this.#unsureMs > 0) return false
    const held = this.#held.get(reader)
    return held !== undefined && !this.#forked.has(head.log) && (held.notes.get(head.log)?.size ?? 0) <= head.size
  }

  /** Asks everybody, brings back what was lost, and opens the gate; again from the start where the disk does not take it. */
  async settle(): Promise<void> {
    const { context } = this.#parts
    while (!this.#stopped) {
      try {
        return await this.#settleOnce()
      } catch (cause) {
        context.log('error', 'This node can not begin yet', { cause: String(cause) })
        await new Promise<void>((resolve) => context.timers.set(RECOVER_AGAIN_MS, resolve))
      }
    }
  }

  async #settleOnce(): Promise<void> {
    const { gate, heads, onSettled, context, directory, store } = this.#parts
    const members = await linkAddresses(context, directory)
    const targets = members.flatMap(({ id, address }) => (address === undefined ? [] : [{ member: id, address }]))
    const until = context.now() + (gate.isRestored ? RESTORED_ASK_MS : START_ASK_MS)
    await Promise.all(targets.map((target) => this.#askUntil(target, until)))
    if (this.#stopped) return
    const lost = await this.#bringBack()
    // What was on its way as they answered can still reach a peer: a place that was signed once is never signed again.
    const renewed = heads.own().filter(({ log, closed }) => lost.has(log) || (gate.isRestored && !closed))
    await this.#renew(renewed)
    if (gate.isRestored) await noteRestore(store, context.now())
    this.#unsureMs = await unsureFor(store, context.now())
    await onSettled()
    if (gate.isRestored || lost.size > 0)
      context.log('warn', 'Asked peers for the heads of own logs', {
        asked: targets.length,
        answered: this.#held.size,
        lost: lost.size,
        renewed: renewed.length,
      })
    gate.open()
  }

  /** A peer is met for the first time since the start: what it holds may show that this data is an older copy. */
  async met(target: Target): Promise<boolean> {
    const { gate, heads } = this.#parts
    if (this.#held.has(target.member)) return false
    if (gate.why !== undefined || !(await this.#ask(target))) {
      this.#askLater(target)
      return false
    }
    await this.#inTurn(async () => {
      const lost = await this.#bringBack()
      await this.#renew(heads.own().filter(({ log }) => lost.has(log)))
    })
    return true
  }

  /**
   * Asks everybody once more when nothing that was on its way as this member was restored can arrive any more: what did
   * arrive comes back too, and logs that ended are offered to those who hold no more of them.
   * @param onMet - a peer has answered
   */
  async settleLate(onMet: () => void): Promise<void> {
    const { context, directory } = this.#parts
    if (this.#unsureMs === 0) return
    await new Promise<void>((resolve) => context.timers.set(this.#unsureMs, resolve))
    const members = await linkAddresses(context, directory)
    this.#held.clear()
    this.#unsureMs = 0
    await Promise.all(
      members.map(async ({ id, address }) => {
        if (address !== undefined && !this.#stopped && (await this.met({ member: id, address }))) onMet()
      }),
    )
  }

  /** Two peers met at once would bring the same entries back. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(work)
    this.#turn = done.catch(() => undefined)
    return done
  }

  stop(): void {
    this.#stopped = true
    for (const abort of this.#asking.values()) abort.abort(new Error('this node stops'))
  }

  async #askUntil(target: Target, until: Millis): Promise<void> {
    const { context, gate } = this.#parts
    while (!this.#stopped && !(await this.#ask(target, until - context.now()))) {
      if (!gate.isRestored || context.now() + ASK_AGAIN_MS >= until) return
      await new Promise<void>((resolve) => context.timers.set(ASK_AGAIN_MS, resolve))
    }
  }

  /** Whether the peer answered with a list that holds. */
  async #ask(target: Target, withinMs = START_ASK_MS): Promise<boolean> {
    const { context } = this.#parts
    if (this.#asking.has(target.member)) return false
    const abort = new AbortController()
    this.#asking.set(target.member, abort)
    const timer = context.timers.set(withinMs, () => abort.abort(new Error(`no answer within ${withinMs} ms`)))
    try {
      const notes = await this.#headsAt(target, abort.signal)
      this.#held.set(target.member, { from: target, notes })
      return true
    } catch (cause) {
      context.log('info', 'A peer did not say which heads it holds', { peer: target.member, cause: String(cause) })
      return false
    } finally {
      context.timers.clear(timer)
      this.#asking.delete(target.member)
    }
  }

  /** Asked before any link is up: nothing else has told the two of each other's new keys yet. */
  async #headsAt(target: Target, signal: AbortSignal): Promise<Map<LogId, SignedCheckpoint>> {
    const { client, keyStatements, onEnds } = this.#parts
    const ask = async () => this.#notesOf(target.member, await client.get(target, '/link/v1/heads', signal))
    try {
      return await ask()
    } catch (cause) {
      if (signal.aborted || !(await keyStatements.learnedAfter(cause, client, target, onEnds))) throw cause
      return ask()
    }
  }

  #notesOf(peer: MemberId, body: Uint8Array): Map<LogId, SignedCheckpoint> {
    const { context, directory } = this.#parts
    const now = context.now()
    const envelope = parseJson(body)
    const statement = verifyStatement(envelope, 'heads', directory.nodeKeys(peer, now))
    const { member, reader, time, heads } = statement as unknown as {
      member: MemberId
      reader: MemberId
      time: Millis
      heads: string[]
    }
    if (member !== peer || reader !== context.self.member) throw new Error('the answer is another member’s')
    if (Math.abs(time - now) > CLOCK_AHEAD_MS) throw new Error('its answer is of another time')
    const notes = new Map<LogId, SignedCheckpoint>()
    for (const note of heads) {
      const checked = this.#check(note, peekCheckpoint(note).log as LogId)
      if (!checked.ok) throw new Error(checked.fault.message)
      notes.set(checked.value.log as LogId, checked.value)
    }
    return notes
  }

  /** A note under this member's own keys: those that a charter names, and the one in use. */
  #check(note: string, log: LogId) {
    const { context, directory } = this.#parts
    const { member: author, nodeKey } = context.self
    const nodeKeys = (at: Millis) => [...directory.nodeKeys(author, at), nodeKey.publicKey]
    return checkCheckpoint(note, { log, author, now: context.now(), nodeKeys })
  }

  /** Fetches what peers have and this node has not; answers the logs of which anything was lost. */
  async #bringBack(): Promise<Set<LogId>> {
    const lost = new Set<LogId>()
    const all = [...this.#held.values()].flatMap(({ from, notes }) =>
      [...notes.values()].map((note) => ({ from, note })),
    )
    // The longest first: whoever has less of a log has nothing more to give.
    for (const { from, note } of all.sort((a, b) => b.note.size - a.note.size)) {
      const log = note.log as LogId
      const verdict = await this.#compare(note)
      if (verdict === 'held') continue
      lost.add(log)
      if (verdict === 'ahead' && !this.#apart.has(`${log}/${from.member}`)) await this.#recover(from, note)
      if (verdict === 'forked') await this.#forkFound(from.member, log, note)
    }
    return lost
  }

  async #compare(note: SignedCheckpoint): Promise<'held' | 'ahead' | 'forked'> {
    const { heads, store } = this.#parts
    const head = await heads.refresh(note.log as LogId)
    if (!head || head.size < note.size) return 'ahead'
    const root = head.size === note.size ? head.root : await store.root(head.log, note.size)
    return root === note.root ? 'held' : 'forked'
  }

  async #forkFound(peer: MemberId, log: LogId, note: SignedCheckpoint): Promise<void> {
    const { context, heads } = this.#parts
    const isKnown = this.#forked.has(log) || heads.get(log)?.superseded
    this.#forked.add(log)
    this.#apart.add(`${log}/${peer}`)
    if (isKnown) return
    const message =
      'This node signed other entries of one of its logs before: its data directory is an older copy, or runs twice'
    await context.alarm('fork', context.self.member, message, {
      log,
      evidence: { before: note.note, now: heads.get(log)?.checkpoint ?? null, from: peer } as Json,
    })
  }

  /** Brings an own log up to what a peer holds of it; what can't be had stays lost, and is told. */
  async #recover(from: Target, target: SignedCheckpoint): Promise<void> {
    const { context, heads } = this.#parts
    const log = target.log as LogId
    try {
      let state = await this.#recovered.stateOf(log)
      while (state.frontier.size < target.size && !this.#stopped) state = await this.#recoverBatch(from, state, target)
    } catch (cause) {
      if (isUnanswered(cause)) return this.#askLater(from)
      const denied = `${from.member}/${log}`
      // It may have lost data itself in between: asked anew, it says so.
      if (!this.#denied.has(denied)) {
        this.#denied.add(denied)
        return this.#askLater(from)
      }
      const held = heads.get(log)?.size ?? 0
      const message = `${target.size - held} entries of an own log were lost, and the peer that holds them does not give them back: ${cause instanceof Error ? cause.message : String(cause)}`
      await context.alarm('omission', from.member, message, { log, index: held })
    }
  }

  /** The way to the peer broke: that is no fault of its own, and it still holds what is lacking. */
  #askLater(from: Target): void {
    const { context } = this.#parts
    this.#held.delete(from.member)
    if (this.#waiting.has(from.member)) return
    this.#waiting.add(from.member)
    context.timers.set(RECOVER_AGAIN_MS, () => {
      this.#waiting.delete(from.member)
      if (this.#stopped) return
      const failed = (cause: unknown) =>
        context.log('warn', 'Asking for what was lost failed', { cause: String(cause) })
      this.met(from).catch(failed)
    })
  }

  async #recoverBatch(from: Target, state: MirrorState, target: SignedCheckpoint): Promise<MirrorState> {
    const { context, client, heads } = this.#parts
    const { log, frontier } = state
    const wanted = Math.min(target.size, frontier.size + BATCH_ENTRIES)
    const note = fromUtf8(await client.get(from, `/link/v1/logs/${log}/checkpoint?size=${wanted}`))
    const checked = this.#check(note, log)
    if (!checked.ok) throw new Error(checked.fault.message)
    const checkpoint = checked.value
    const frames = await this.#recovered.frames(from, log, frontier.size, checkpoint.size)
    const entries = checkEntries(state, frames, checkpoint)
    if (!entries.ok) {
      // What does not hash is a fork only where the trees differ; else the peer sent something else than it holds.
      if (entries.fault.kind === 'fork' && !(await this.#recovered.isPart(from, state, checkpoint)))
        await this.#forkFound(from.member, log, checkpoint)
      throw new Error(entries.fault.message)
    }
    const next: MirrorState = {
      ...state,
      frontier: entries.value.frontier,
      audience: entries.value.audience,
      checkpointTime: checkpoint.time,
      entryTime: entries.value.entries.reduce((time, entry) => (entry.bytes ? entry.time : time), state.entryTime),
    }
    const { changes, recovered, done } = await this.#recovered.changes(
      next,
      frontier.size,
      checkpoint,
      entries.value.entries,
    )
    await this.#parts.store.commit(changes)
    for (const one of done) one()
    await heads.refresh(log)
    context.emit('recovered', recovered)
    return next
  }

  async #renew(logs: readonly LogHead[]): Promise<void> {
    const { context, store, heads, directory } = this.#parts
    const { random, now } = context
    for (const { log, audience } of logs) {
      const genesis = { salt: random(32), time: now(), incarnation: random(16) }
      const charters = directory.charterLines(audience)
      const [outcome] = await store.commit([{ op: 'renew', log, genesis, charters }])
      await heads.refresh(log)
      if (outcome?.op === 'renew') await heads.refresh(outcome.log)
    }
  }
}

/** Whether nothing of substance was answered, or what was could not be written here. */
const isUnanswered = (cause: unknown): boolean =>
  cause instanceof StoreError ||
  (cause instanceof FederationError &&
    (cause.code === 'LINK_UNREACHABLE' || (cause.code === 'LINK_REFUSED' && cause.details['status'] !== 404)))
