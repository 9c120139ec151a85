import type { LogId, MemberId, Slug } from '#base'
import type { Envelope, RecallReason } from '#log'
import type { AirGap } from './air-gap/air-gap.ts'
import { claimArmed } from './armed-claims.ts'
import type { AllianceOperations } from './alliance/alliances.ts'
import type { CharterSightings } from './alliance/charter-sightings.ts'
import { type CharterStanding } from './alliance/charter-sightings.ts'
import type { PendingJoins } from './alliance/pending-joins.ts'
import type { ProposalWatch } from './alliance/proposal-watch.ts'
import type { CarriedLinks } from './carriage/carried-links.ts'
import type {
  Federation,
  KeptRecall,
  LinkRequest,
  LinkResponse,
  LinkState,
  RecallAck,
  Receipt,
  ShownReceipts,
} from './api.ts'
import type { Context } from './context.ts'
import type { CharterDirectory } from './directory.ts'
import { FederationError } from './error.ts'
import type { EvidenceBook } from './evidence/evidence-book.ts'
import { raisePoison } from './evidence/poison.ts'
import type { Gossip } from './evidence/gossip.ts'
import { expireOwn } from './expire.ts'
import type { Heads } from './heads.ts'
import type { KeyStatements } from './key-statements.ts'
import { isLinkSet, linkAddresses, setLinkAddress } from './link-addresses.ts'
import type { LinkClient } from './link-client.ts'
import { type Target } from './link-client.ts'
import type { Mirrors } from './mirrors.ts'
import type { Outbox } from './outbox.ts'
import type { QuotaStanding } from './quota-limits.ts'
import type { Quotas } from './quotas.ts'
import { type QuotaChange } from './quotas.ts'
import { recallOwn } from './own-recall.ts'
import { vouchForOwn } from './own-vouch.ts'
import { askReceipts } from './receipts-shown.ts'
import type { Recalls } from './recalls.ts'
import type { Restore } from './restore.ts'
import type { SentReceipts } from './receipts-sent.ts'
import type { LinkServer } from './server/link-server.ts'
import type { TakenReceipts } from './server/receipts-taken.ts'
import type { LinkShell } from './shell.ts'

/** What an open federation is made of. */
export interface Parts {
  context: Context
  directory: CharterDirectory
  heads: Heads
  mirrors: Mirrors
  outbox: Outbox
  quotas: Quotas
  sightings: CharterSightings
  recalls: Recalls
  sent: SentReceipts
  shell: LinkShell
  carriedLinks: CarriedLinks
  server: LinkServer
  taken: TakenReceipts
  alliances: AllianceOperations
  pending: PendingJoins
  client: LinkClient
  keyStatements: KeyStatements
  airGap: AirGap
  evidence: EvidenceBook
  gossip: Gossip
  proposalWatch: ProposalWatch
  restore: Restore | undefined
}

/** A federation that was put together. */
export class OpenFederation implements Federation {
  readonly directory: CharterDirectory
  readonly alliances: AllianceOperations
  readonly airGap: AirGap
  readonly evidence: EvidenceBook
  readonly #parts: Parts
  readonly #up = new Set<MemberId>()
  #started = false

  constructor(parts: Parts) {
    this.#parts = parts
    this.directory = parts.directory
    this.alliances = parts.alliances
    this.airGap = parts.airGap
    this.evidence = parts.evidence
  }

  handle(request: LinkRequest): Promise<LinkResponse> {
    return this.#parts.server.handle(request)
  }

  start(): void {
    if (this.#started) return
    this.#started = true
    const { recalls, sent, pending, gossip, proposalWatch } = this.#parts
    recalls.start()
    gossip.start()
    proposalWatch.start()
    pending.start()
    this.#background('Resuming', sent.resume())
    this.#background('Starting links', this.#begin())
  }

  announce(logs: readonly { log: LogId; size: number }[]): void {
    const { heads, server } = this.#parts
    const refreshed = Promise.all(logs.map(({ log }) => heads.refresh(log)))
    this.#background(
      'Announcing',
      refreshed.then(() => server.notify()),
    )
  }

  links(): LinkState[] {
    const { shell, carriedLinks } = this.#parts
    const own = shell.links()
    const known = new Set(own.map(({ peer }) => peer))
    // A carrier that brings nothing says nothing of why the member itself can't be reached.
    const carried = carriedLinks
      .links()
      .filter(({ peer, state }) => !known.has(peer) || ['up', 'stale'].includes(state))
    const through = new Set(carried.map(({ peer }) => peer))
    return [...own.filter(({ peer }) => !through.has(peer)), ...carried]
  }

  async addLink(name: string, address: string): Promise<void> {
    const member = this.#member(name)
    if (!/^https?:\/\/[^\s/]/.test(address))
      throw new FederationError('LINK_ADDRESS', `${address} is no address of a node: give https://host[:port]`)
    const why = this.#parts.context.refusesAddress(address)
    if (why !== undefined) throw new FederationError('LINK_REFUSED', why)
    await setLinkAddress(this.#parts.context, member.id, address)
    this.#parts.shell.add(member.id, member.slug, address)
    // Who joined a moment ago may not know the charter yet in which both stand, and refuses this node until it does.
    for (const { charter } of this.directory.charters())
      if (charter.members.some(({ id }) => id === member.id))
        this.#background('Pushing a charter', this.alliances.announce(charter.alliance))
  }

  async removeLink(name: string): Promise<void> {
    const member = this.#member(name)
    await setLinkAddress(this.#parts.context, member.id, null)
    this.#parts.shell.remove(member.id)
    this.#parts.carriedLinks.look()
  }

  armed(log: LogId, size: number, refused: readonly { index: number; code: string }[]): Promise<void> {
    return claimArmed(this.#parts, log, size, refused)
  }

  armedSize(log: LogId): number {
    return this.#parts.recalls.guard.armedSize(log)
  }

  poisoned(log: LogId, entries: readonly { index: number; message: string }[]): Promise<void> {
    return raisePoison(this.#parts, log, entries)
  }

  async recall(log: LogId, index: number, reason: RecallReason): Promise<void> {
    this.announce([await recallOwn(this.#parts, log, index, reason)])
  }

  async expire(log: LogId, indexes: readonly number[], { isWithheld = false } = {}): Promise<number> {
    const { count, log: of, size } = await expireOwn(this.#parts, log, indexes, isWithheld)
    if (count > 0) this.announce([{ log: of, size }])
    return count
  }

  receipts(log?: LogId): Promise<Receipt[]> {
    return this.#parts.taken.list(log)
  }

  shownReceipts(log: LogId, index: number): Promise<ShownReceipts> {
    return askReceipts(this.#parts, log, index)
  }

  recallAcks(log: LogId, index: number): Promise<RecallAck[]> {
    return this.#parts.taken.acks(log, index)
  }

  recalls(): AsyncGenerator<KeptRecall> {
    return this.#parts.recalls.all()
  }

  async introduceKeys(statements: readonly Envelope[]): Promise<MemberId[]> {
    const { keyStatements, client, shell } = this.#parts
    if (!(await keyStatements.takeOwn(statements))) return []
    const peers = this.links().flatMap(({ peer }) => shell.target(peer) ?? [])
    return keyStatements.sendAll(client, peers)
  }

  async vouch(statement: Envelope): Promise<number> {
    const grown = await vouchForOwn(this.#parts, statement)
    this.announce(grown)
    return grown.length
  }

  charterStandings(): CharterStanding[] {
    return this.#parts.sightings.standings()
  }

  quotas(): QuotaStanding[] {
    return this.#parts.quotas.list(this.links())
  }

  async setQuota(name: string, change: QuotaChange): Promise<QuotaStanding> {
    const { id } = this.#member(name)
    await this.#parts.quotas.set(id, change)
    this.#parts.shell.weigh()
    return this.quotas().find(({ author }) => author === id) as QuotaStanding
  }

  alertOnly(): MemberId[] {
    return this.#parts.recalls.guard.alertOnly()
  }

  confirmRecalls(author: MemberId): Promise<void> {
    return this.#parts.recalls.confirm(author)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { shell, server, recalls, sent, pending, restore } = this.#parts
    restore?.stop()
    pending.stop()
    shell.stop()
    this.#parts.carriedLinks.stop()
    server.close()
    recalls.stop()
    this.#parts.gossip.stop()
    this.#parts.proposalWatch.stop()
    await sent.note()
  }

  /** A charter came into force here: links, streams and peers follow. */
  charterChanged(alliance: Slug): void {
    this.#parts.shell.weigh()
    if (!this.#started) return
    this.#background('Judging again what came before a charter admitted it', this.#parts.mirrors.readmit())
    this.#background(
      'Following a charter',
      this.#syncPeers().then(() =>
        this.directory.frozen(alliance) ? this.alliances.announceFork(alliance) : this.alliances.announce(alliance),
      ),
    )
    this.#parts.server.notify()
  }

  /** Where the charter names no address of the inviter, its invitation's is the one at which it was reached. */
  async linkInviter(inviter: MemberId, address: string): Promise<void> {
    const isSet = await isLinkSet(this.#parts.context, inviter)
    const member = this.directory.member(inviter)
    if (member && member.address === undefined && !isSet) await this.addLink(inviter, address)
  }

  linkChanged(link: LinkState): void {
    if (link.state !== 'up' || link.way !== undefined) this.#up.delete(link.peer)
    else if (!this.#up.has(link.peer)) {
      this.#up.add(link.peer)
      const peer = { member: link.peer, address: link.address }
      this.#background('Reminding of proposals', this.alliances.remind(peer))
      this.#parts.proposalWatch.ask(link.peer)
      this.#background('Asking for heads', this.#meet(peer))
    }
  }

  /** Nothing is signed before it is known which checkpoints of own logs the others hold. */
  async #begin(): Promise<void> {
    const { restore, server } = this.#parts
    await restore?.settle()
    server.notify()
    if (restore)
      this.#background(
        'Asking for heads again',
        restore.settleLate(() => server.notify()),
      )
    await this.#syncPeers()
    this.#parts.carriedLinks.start()
  }

  async #meet(peer: Target): Promise<void> {
    if (await this.#parts.restore?.met(peer)) this.#parts.server.notify()
  }

  /** Links to every member that has an address and was not unlinked by hand. */
  async #syncPeers(): Promise<void> {
    const { shell } = this.#parts
    const all = await linkAddresses(this.#parts.context, this.directory)
    for (const { id, slug, address } of all) {
      if (address === undefined) shell.remove(id)
      else shell.add(id, slug, address)
    }
    // A client that no charter names any more stands in none as having left.
    for (const { peer } of shell.links()) if (!all.some(({ id }) => id === peer)) shell.remove(peer)
  }

  #member(name: string) {
    const member = this.directory.member(name)
    if (member && member.id !== this.directory.self) return member
    throw new FederationError(
      'LINK_UNKNOWN_MEMBER',
      `${name} stands in no charter of this node; see \`noroshi alliance members\``,
    )
  }

  #background(what: string, work: Promise<unknown>): void {
    work.catch((cause: unknown) => this.#parts.context.log('warn', `${what} failed`, { cause: String(cause) }))
  }
}
