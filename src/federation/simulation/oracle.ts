/**
 * What is true in a simulated world, kept apart from the code under test: what each member published, to whom, which
 * charters it knew when, what was taken back. Every change of a disk and every answer on the wire is held against it.
 */
import { type Hash, isJsonObject, type Json, type LogId, type MemberId, parseJson, toHex } from '#base'
import {
  type Audience,
  type CharterStatement,
  ENTRY_KIND,
  type Envelope,
  FrameDecoder,
  leafHash,
  statementHash,
} from '#log'
import type { Change, MirrorChange, Outcome } from '#store'
import type { Alarm } from '../api.ts'
import type { VotedCharter } from '../alliance-api.ts'
import type { Coverage } from './coverage.ts'
import { isEntitledBy, type Knowledge } from './entitlement.ts'
import type { SimulatedNode } from './simulated-node.ts'
import type { VirtualTime } from './virtual-time.ts'

/** One log as its author made it. */
interface Truth {
  log: LogId
  author: SimulatedNode
  audience: Audience
  leaves: Hash[]
  /** What readers took, and when. */
  taken: { by: SimulatedNode; from: number; to: number; at: number }[]
  /** Indexes that the author took back, and when. */
  gone: Map<number, { at: number; byPerson: boolean }>
  /** Its author's disk lost what it had said was safe: two trees are its fault, and no lie of its own. */
  isExcused: boolean
}

/** What an answer may still hold that was decided a moment before it was sent. */
const ON_ITS_WAY_MS = 1_000
/** What a reader may still take of what it was entitled to when it asked: a request with all its pages. */
const TAKEN_LATE_MS = 60_000
/** An honest world gives no reason for these. */
const ACCUSATIONS = new Set([
  'fork',
  'rollback',
  'equivocation',
  'forged-author',
  'bad-signature',
  'bad-answer',
  'misdelivered',
  'omission',
  'charter',
  'malformed',
])

/** Everything known of the world, and what was found against it. */
export class Oracle {
  readonly violations = new Set<string>()
  readonly truths = new Map<LogId, Truth>()
  /** Members that lie, or whose data directory runs twice; what is said of them is true. */
  readonly rogues = new Set<MemberId>()
  /** Members whose disk is damaged at present: what they send may be broken. */
  readonly damaged = new Set<MemberId>()
  /** Members whose disk once forgot what it said it had synced: they may have signed twice, and know nothing of it. */
  readonly forgetful = new Set<MemberId>()
  /** Members that lost data for a reason of their own, and when they began again; peers may bring it back. */
  readonly bereft = new Map<SimulatedNode, number>()
  readonly alarms: { by: SimulatedNode; alarm: Alarm }[] = []
  readonly #time: VirtualTime
  readonly #coverage: Coverage
  /** Charters that each node knew, with the instant from which it did, oldest first. */
  readonly #known = new Map<SimulatedNode, Knowledge[]>()
  /** By member, alliance and version: for what it voted, and on whose disks that stands. */
  readonly #votes = new Map<string, { charter: string; holders: Set<SimulatedNode> }[]>()
  readonly #nodes: () => readonly SimulatedNode[]

  constructor(time: VirtualTime, coverage: Coverage, nodes: () => readonly SimulatedNode[]) {
    this.#time = time
    this.#coverage = coverage
    this.#nodes = nodes
  }

  fail(what: string): void {
    this.violations.add(`${((this.#time.now % 10_000_000) / 1_000).toFixed(3)} s: ${what}`)
  }

  isHonest(node: SimulatedNode): boolean {
    return !this.rogues.has(node.member.self.member)
  }

  /** Charters that a node follows now. */
  charters(node: SimulatedNode): CharterStatement[] {
    return this.#known.get(node)?.at(-1)?.charters ?? []
  }

  /** The disk of a node became another: its knowledge is what stands there. */
  reread(node: SimulatedNode): void {
    for (const votes of this.#votes.values()) for (const { holders } of votes) holders.delete(node)
    // What nobody else had was never signed, as far as anybody can tell.
    for (const { author, log, leaves } of this.truths.values())
      if (author === node)
        leaves.splice(Math.max(...this.#nodes().map(({ disk }) => disk.logs.get(log)?.entries.length ?? 0)))
    this.#learn(node)
  }

  /** A list of changes is on a disk. */
  applied(node: SimulatedNode, changes: readonly Change[], outcomes: readonly Outcome[]): void {
    for (const [at, change] of changes.entries()) {
      const outcome = outcomes[at]
      if (change.op === 'append' && outcome?.op === 'append') this.#appended(node, outcome.log)
      else if (change.op === 'renew' && outcome?.op === 'renew') this.#renewed(node, outcome.log)
      else if (change.op === 'mirror') this.#mirrored(node, change)
      else if (change.op === 'purge') this.#coverage.add('content purged')
      else if (change.op === 'put') this.#put(node, change.collection, change.value)
    }
  }

  /** An alarm was raised: an honest member is never blamed for what only a dishonest one does. */
  alarmed(by: SimulatedNode, alarm: Alarm): void {
    this.#time.note(`alarm ${by.slug} ${alarm.kind} ${alarm.message}`)
    this.alarms.push({ by, alarm })
    if (alarm.kind === 'stale') this.#coverage.add('snapshot stale')
    if (alarm.kind === 'clock') this.#coverage.add('clock named as the cause')
    if (!this.isHonest(by)) return
    if (this.rogues.has(alarm.peer)) {
      if (alarm.kind === 'rollback') this.#coverage.add('rollback proved or told')
      return
    }
    if (alarm.kind === 'bad-answer' && this.damaged.has(alarm.peer))
      this.#coverage.add('rotten bytes refused by a reader')
    if (!ACCUSATIONS.has(alarm.kind) || this.isBroken(alarm.peer)) return
    // A node that finds its own data older than what it signed says so of itself.
    if (alarm.peer === by.member.self.member && this.bereft.has(by)) return
    if (alarm.kind === 'omission' && this.#hasLost(alarm)) return
    this.fail(`${by.slug} blames ${this.slugOf(alarm.peer)}: ${alarm.kind}: ${alarm.message}`)
  }

  /** A log that its honest author has no more was lost in a restore, as the alarm says, and nobody gave it back. */
  #hasLost({ peer, log }: Alarm): boolean {
    const author = this.#nodes().find(({ member }) => member.self.member === peer)
    return author !== undefined && log !== undefined && !author.disk.logs.has(log)
  }

  /** An answer leaves a server. */
  overheard(server: SimulatedNode, reader: SimulatedNode, target: string, status: number, body: Uint8Array): void {
    if (status !== 200 || !this.isHonest(server)) return
    const [path = ''] = target.split('?')
    const log = /^\/link\/v1\/logs\/([0-9a-f]{64})\//.exec(path)?.[1] as LogId | undefined
    if (log !== undefined) {
      this.#told(server, reader, log, path)
      if (path.endsWith('/entries')) this.#entriesTold(server, log, target, body)
    } else if (path === '/link/v1/logs') this.#snapshotTold(server, reader, parseJson(body))
    else if (path === '/link/v1/stream') {
      const data = /^data: (.*)$/m.exec(Buffer.from(body).toString('latin1'))?.[1]
      if (data !== undefined) this.#snapshotTold(server, reader, (parseJson(data) as { snapshot: Json }).snapshot)
    }
  }

  /** A restored author that nobody told of it knows nothing of what it had taken back. */
  forgetLostRecalls(node: SimulatedNode): void {
    for (const { author, log, gone } of this.truths.values())
      if (author === node)
        for (const index of gone.keys()) if (!node.disk.logs.get(log)?.entries[index]?.withheld) gone.delete(index)
  }

  /** Damage was repaired. */
  mended(): void {
    this.damaged.clear()
  }

  /** Whether what is said of a member may be true without its guilt. */
  isBroken(member: MemberId): boolean {
    return this.damaged.has(member) || this.forgetful.has(member)
  }

  proved(): void {
    this.#coverage.add('equivocation proved')
  }

  /** Whether the author, by what it knows now or knew in the time before, may give the log to the reader. */
  mayHave({ audience, author }: Truth, reader: SimulatedNode, withinMs: number): boolean {
    const known = this.#known.get(author) ?? []
    const [a, r] = [author.member.self.member, reader.member.self.member]
    for (let i = known.length - 1; i >= 0; i--) {
      if (isEntitledBy(known[i]!, audience, a, r)) return true
      // What was known before this one is too long ago.
      if (known[i]!.at < this.#time.now - withinMs) return false
    }
    return false
  }

  #appended(node: SimulatedNode, log: LogId): void {
    const held = node.disk.logs.get(log)
    if (!held || !this.isHonest(node)) return
    const truth = this.#truth(node, log, held.audience)
    for (let index = 0; index < held.entries.length; index++) {
      const { leaf, kind, bytes } = held.entries[index]!
      const known = truth.leaves[index]
      if (index < held.entries.length - 64 && known !== undefined) continue
      const hex = toHex(leaf) as Hash
      if (known === undefined) {
        truth.leaves[index] = hex
        this.#coverage.add('entries published')
        if (bytes && kind !== ENTRY_KIND.object && kind !== ENTRY_KIND.genesis) this.#takenBack(truth, bytes, kind)
      } else if (known !== hex) {
        if (!truth.isExcused && !this.forgetful.has(node.member.self.member))
          this.fail(`${node.slug} signed two entries ${index} of one log`)
        truth.isExcused = true
        truth.leaves[index] = hex
      }
    }
  }

  #renewed(node: SimulatedNode, log: LogId): void {
    this.#coverage.add('log renewed after a restore')
    this.#appended(node, log)
  }

  #takenBack(truth: Truth, bytes: Uint8Array, kind: number): void {
    const payload = parseJson(bytes.subarray(46)) as {
      index?: number
      statement?: { type: string; log: LogId; index: number }
    }
    const { statement, index } = payload
    const of = statement?.type === 'recall' ? this.truths.get(statement.log) : truth
    const place = statement ? statement.index : index
    if (!of || place === undefined || (statement && statement.type !== 'recall')) return
    of.gone.set(place, { at: this.#time.now, byPerson: kind !== ENTRY_KIND.expire })
  }

  #mirrored(node: SimulatedNode, { log, from, author, recovers, checkpoint, entries }: MirrorChange): void {
    const held = node.disk.logs.get(log)
    if (!held || !this.isHonest(node)) return
    const isOwn = recovers === true
    this.#coverage.add(isOwn ? 'entries brought back by a peer' : 'entries mirrored', entries.length)
    if (entries.some((entry) => 'leaf' in entry)) this.#coverage.add('stub taken')
    if (this.rogues.has(author)) return
    const truth = this.truths.get(log)
    if (!truth) return this.fail(`${node.slug} holds a log that nobody opened`)
    if (!isOwn && !this.mayHave(truth, node, TAKEN_LATE_MS))
      this.fail(
        `${node.slug} took entries of a log of ${truth.author.slug} that does not admit it: ${this.#brief(truth.audience)}`,
      )
    if (!isOwn && this.charters(truth.author).some((charter) => isObserver(charter, node)))
      this.#coverage.add('observer mirrored')
    if (!isOwn && !truth.author.isReachable)
      this.#coverage.add('entries offered by a member that nobody can call', entries.length)
    truth.taken.push({ by: node, from, to: checkpoint.size, at: this.#time.now })
    if (truth.isExcused) return
    for (let index = from; index < checkpoint.size; index++) {
      const leaf = toHex(held.entries[index]!.leaf)
      // It was on its way when its author fell back to a copy from before.
      truth.leaves[index] ??= leaf as Hash
      if (truth.leaves[index] !== leaf)
        return this.fail(
          `${node.slug} took entry ${index} of a log of ${truth.author.slug} as something else than it is`,
        )
    }
    for (const [index] of truth.gone) this.#requireGone(node, truth, index, from)
  }

  /** What a mirror knows to be taken back is withheld in the same commit. */
  #requireGone(node: SimulatedNode, truth: Truth, index: number, from: number): void {
    const held = node.disk.logs.get(truth.log)
    const entry = held?.entries[index]
    if (!held || !entry || entry.kind === -1 || entry.withheld) return
    const said = held.entries.findIndex(({ kind, bytes }, at) => {
      if (at < from || !bytes || (kind !== ENTRY_KIND.recall && kind !== ENTRY_KIND.expire)) return false
      return (parseJson(bytes.subarray(46)) as { index: number }).index === index
    })
    if (said >= 0) this.fail(`${node.slug} holds the recall of entry ${index} and serves the entry on`)
  }

  #put(node: SimulatedNode, collection: string, value: Json): void {
    if (collection === 'charters') {
      this.#learn(node)
      this.#coverage.add('charter in force')
    }
    if (collection === 'charters' || collection === 'charter-proposals')
      for (const { statement } of (value as unknown as VotedCharter).votes)
        this.#voted(
          node,
          statement as unknown as { member: MemberId; alliance: string; charter: Hash },
          value as unknown as VotedCharter,
        )
    if (collection === 'receipts') this.#received(node, value)
    if (collection === 'recall-acks') this.#coverage.add('recall acknowledged')
    if (collection === 'recalls')
      this.#coverage.add((value as { reason?: string }).reason === 'expired' ? 'content expired' : 'recall executed')
  }

  /** Whoever proved that it has the entries has them on its disk. */
  #received(author: SimulatedNode, value: Json): void {
    const { kind, verified, envelope } = value as unknown as { kind: string; verified: boolean; envelope: Envelope }
    const { member, log, size } = envelope.statement as unknown as { member: MemberId; log: LogId; size: number }
    const by = this.#nodes().find((node) => node.member.self.member === member)
    if (kind !== 'received' || !verified || !by || !this.isHonest(by) || this.bereft.has(by)) return
    this.#coverage.add('receipt checked')
    if ((by.disk.logs.get(log)?.entries.length ?? 0) < size)
      this.fail(`${by.slug} gave ${author.slug} a receipt for entries that it does not have on disk`)
  }

  /** An honest member gives one vote for each version. */
  #voted(
    node: SimulatedNode,
    { member, alliance, charter }: { member: MemberId; alliance: string; charter: Hash },
    voted: VotedCharter,
  ): void {
    if (statementHash(voted.charter) !== charter) return
    const key = `${member} ${alliance} ${voted.charter.version}`
    const votes = this.#votes.get(key) ?? []
    this.#votes.set(key, votes)
    const known = votes.find((vote) => vote.charter === charter) ?? { charter, holders: new Set() }
    if (!votes.includes(known)) votes.push(known)
    known.holders.add(node)
    // A vote that a restore took back before anybody else had it was never given.
    if (votes.filter(({ holders }) => holders.size > 0).length > 1 && !this.rogues.has(member))
      this.fail(`${this.slugOf(member)} voted for two versions ${voted.charter.version} of ${alliance}`)
  }

  #told(server: SimulatedNode, reader: SimulatedNode, log: LogId, path: string): void {
    const truth = this.truths.get(log)
    // An author gets its own logs back from whoever mirrors them.
    if (!truth || truth.author === reader || this.rogues.has(reader.member.self.member)) return
    if (truth.author !== server) return this.fail(`${server.slug} answers for a log of ${truth.author.slug}: ${path}`)
    if (!this.mayHave(truth, reader, ON_ITS_WAY_MS))
      this.fail(
        `${server.slug} answers ${reader.slug} about a log of ${truth.author.slug} that does not admit it: ${path} ${this.#brief(truth.audience)}`,
      )
  }

  #entriesTold(server: SimulatedNode, log: LogId, target: string, body: Uint8Array): void {
    const truth = this.truths.get(log)
    if (!truth || truth.gone.size === 0 || truth.author !== server) return
    const from = Number(/[?&]from=(\d+)/.exec(target)?.[1])
    const frames = new FrameDecoder().push(body)
    for (const [offset, frame] of frames.entries()) {
      const gone = truth.gone.get(from + offset)
      if (
        gone &&
        gone.at < this.#time.now - ON_ITS_WAY_MS &&
        'bytes' in frame &&
        toHex(leafHash(frame.bytes)) === truth.leaves[from + offset]
      )
        if (this.#stillGone(server, truth, from + offset))
          this.fail(`${server.slug} serves entry ${from + offset}, which it took back`)
    }
  }

  /** A restored author knows nothing of what it took back since its backup, until peers tell it. */
  #stillGone(server: SimulatedNode, truth: Truth, index: number): boolean {
    return !this.bereft.has(server) && truth.gone.has(index)
  }

  #snapshotTold(server: SimulatedNode, reader: SimulatedNode, envelope: Json): void {
    const statement = isJsonObject(envelope) ? envelope['statement'] : undefined
    const logs = isJsonObject(statement ?? null) ? (statement as { logs?: { log: LogId }[] }).logs : undefined
    for (const { log } of logs ?? []) this.#told(server, reader, log, 'snapshot')
    if (logs?.length === 0 && this.charters(server).some((charter) => isSuspended(charter, reader)))
      this.#coverage.add('suspended member turned away')
  }

  #truth(author: SimulatedNode, log: LogId, audience: Audience): Truth {
    const known = this.truths.get(log)
    if (known) return known
    const truth: Truth = { log, author, audience, leaves: [], taken: [], gone: new Map(), isExcused: false }
    this.truths.set(log, truth)
    return truth
  }

  #learn(node: SimulatedNode): void {
    const newest = new Map<string, CharterStatement>()
    for (const value of node.disk.records.get('charters')?.values() ?? []) {
      const { charter } = value as unknown as VotedCharter
      if (charter.version > (newest.get(charter.alliance)?.version ?? 0)) newest.set(charter.alliance, charter)
    }
    const known = this.#known.get(node) ?? []
    known.push({ at: this.#time.now, charters: [...newest.values()], answers: new Map() })
    this.#known.set(node, known.slice(-20))
  }

  #brief(audience: Audience): string {
    return brief(audience).replace(/identity--[0-9a-f-]{36}/g, (id) => this.slugOf(id as MemberId))
  }

  slugOf(member: MemberId): string {
    return this.#nodes().find((node) => node.member.self.member === member)?.slug ?? member
  }
}

const isObserver = ({ members }: CharterStatement, node: SimulatedNode) =>
  members.some(({ id, standing }) => id === node.member.self.member && standing === 'observer')

const isSuspended = ({ members }: CharterStatement, node: SimulatedNode) =>
  members.some(({ id, standing }) => id === node.member.self.member && standing === 'suspended')

/** An audience for people; places of a plan are told as the slugs of its members. */
export const brief = (audience: Audience): string =>
  JSON.stringify(audience).replace('"v":1,', '').replaceAll('"', '').replaceAll('#', 'm')
