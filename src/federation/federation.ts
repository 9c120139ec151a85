import type { LogId, MemberId, Slug } from '#base'
import type { DelegationEnd, Envelope, RecallReason } from '#log'
import { Absorber } from './absorb.ts'
import { AirGap } from './air-gap/air-gap.ts'
import { claimArmed } from './armed-claims.ts'
import { AllianceOperations } from './alliance/alliances.ts'
import { type CharterStanding, CharterSightings } from './alliance/charter-sightings.ts'
import { Charters } from './alliance/charters.ts'
import { catchUp } from './alliance/exchange.ts'
import { Joins } from './alliance/joins.ts'
import { PendingJoins } from './alliance/pending-joins.ts'
import { Carriage } from './carriage/carriage.ts'
import { CarriedLinks } from './carriage/carried-links.ts'
import { CarriedLists } from './carriage/carried-lists.ts'
import { Forwarded } from './carriage/forwarded.ts'
import { HandedLists } from './carriage/handed-lists.ts'
import type {
  Federation,
  FederationEvents,
  FederationOptions,
  KeptRecall,
  LinkRequest,
  LinkResponse,
  LinkState,
  Receipt,
  RecallAck,
} from './api.ts'
import { type Context, toContext } from './context.ts'
import { CharterDirectory } from './directory.ts'
import { FederationError } from './error.ts'
import { EvidenceBook } from './evidence/evidence-book.ts'
import { raisePoison } from './evidence/poison.ts'
import { Gossip } from './evidence/gossip.ts'
import { SignedRows } from './evidence/signed-rows.ts'
import { expireOwn } from './expire.ts'
import { Heads } from './heads.ts'
import { withHooks } from './hooks.ts'
import { KeyStatements } from './key-statements.ts'
import { isLinkSet, linkAddresses, setLinkAddress } from './link-addresses.ts'
import { LinkClient, type Target } from './link-client.ts'
import { Mirrors } from './mirrors.ts'
import { Nonces } from './nonces.ts'
import { SentOffers } from './offers-sent.ts'
import { Outbox } from './outbox.ts'
import type { QuotaStanding } from './quota-limits.ts'
import { type QuotaChange, Quotas } from './quotas.ts'
import { recallOwn } from './own-recall.ts'
import { vouchForOwn } from './own-vouch.ts'
import { RecallWatch } from './recall-watch.ts'
import { Recalls } from './recalls.ts'
import { Restore } from './restore.ts'
import { SentReceipts } from './receipts-sent.ts'
import { Access } from './server/access.ts'
import { LinkServer } from './server/link-server.ts'
import { TakenOffers } from './server/offers-taken.ts'
import { TakenReceipts } from './server/receipts-taken.ts'
import { Snapshots } from './server/snapshots.ts'
import { LinkShell } from './shell.ts'
import { Suspects } from './suspects.ts'

/** Opens everything between nodes over a store; links start with `start()`. */
export async function openFederation(options: FederationOptions): Promise<Federation> {
  // The node's handlers hear of events first-hand; some of them also set this federation's own work going.
  const hooks: Partial<FederationEvents> = {}
  const onPurged: Context['onPurged'] = async (places) => {
    await options.onPurged?.(places)
    // What went frees its author's quota.
    for (const log of new Set(places.map((place) => place.log))) await heads.refresh(log)
    shell.weigh()
  }
  const context = toContext({ ...options, onPurged, events: withHooks(options.events ?? {}, hooks, options) })
  const directory = new CharterDirectory(options.self.member)
  const charters = await Charters.open(context, directory)
  const joins = await Joins.open(context, directory)
  const heads = await Heads.open(options.store)
  const outbox = await Outbox.open(context)
  const recalls = await Recalls.open(context, outbox)
  const sent = await SentReceipts.open(context, heads, outbox)
  const client = new LinkClient(context)
  const keyStatements = await KeyStatements.open(context, directory, charters)
  const suspects = await Suspects.open(context, heads)
  const onEnds = (member: MemberId, ends: readonly DelegationEnd[]) => suspects.hold(member, ends)
  const signedRows = new SignedRows()
  const absorber = new Absorber(context, directory, heads, recalls, sent, suspects, signedRows)
  const sightings = await CharterSightings.open(context, directory, charters)
  const quotas = await Quotas.open(context, directory, heads, options.quotas)
  const mirrors = new Mirrors(context, directory, heads, client, absorber, signedRows)
  const shell = new LinkShell({
    context,
    directory,
    charters,
    heads,
    client,
    mirrors,
    outbox,
    quotas,
    watch: new RecallWatch(context, heads, recalls, mirrors),
    onCharters: (peer, named) => sightings.saw(peer, named),
    keyStatements,
    signedRows,
    onStream: (peer) => carriedLinks.met(peer),
    onCarried: (peer, data) => carriage.hear(peer, data, carriedLinks),
    onWaiting: (peer) => offers.hurry(peer),
    onEnds,
  })
  const { restore: restoring } = options
  const restore =
    restoring && new Restore({ context, ...restoring, directory, heads, client, recalls, keyStatements, onEnds })
  const access = new Access(context, directory, heads, (head, reader) => restore?.mayOffer(head, reader) ?? true)
  const snapshots = new Snapshots(context, directory, access)
  const carriedLinks: CarriedLinks = new CarriedLinks({
    ...{ context, directory, charters, heads, client, mirrors, outbox, quotas, keyStatements, signedRows },
    up: () => shell.up(),
    target: (member) => shell.target(member),
    onSent: (author, ids) => shell.handedOver(author, ids),
    onEnds,
  })
  const forwarded = new Forwarded({ context, directory, access, outbox })
  const taken = new TakenReceipts(context, directory, heads, access, forwarded)
  const hasStream = (peer: MemberId) => server.hasStream(peer)
  const target = (peer: MemberId) => shell.target(peer)
  const onShown = (reader: MemberId) => server.wake(reader)
  const handed = new HandedLists({ context, directory, heads, access, hasStream })
  const carried = new CarriedLists({ context, directory, heads, client, target, onShown })
  const carriage: Carriage = new Carriage({
    ...{ context, directory, keyStatements, outbox, handed, carried },
    isCalled: (member) => shell.isCalled(member),
  })
  outbox.onDue((to) => server.wake(to))
  const evidence = new EvidenceBook(context, directory, charters, keyStatements)
  const gossip = new Gossip({
    context,
    directory,
    heads,
    client,
    links: () => shell.links(),
    target: (peer) => shell.target(peer),
  })
  const airGap = new AirGap({
    context,
    directory,
    charters,
    heads,
    mirrors,
    taken,
    snapshots,
    outbox,
    keyStatements,
    onEnds,
  })
  const nonces = await Nonces.open(options.store, context.limits.noncesPerKey)
  const peersOf = (alliance: Slug): Target[] =>
    directory.members().flatMap(({ id }) => (directory.mayKnow(alliance, id) ? (shell.target(id) ?? []) : []))
  const onJoining = (alliance: Slug) => pending.follow(alliance)
  const people = { context, directory, charters, joins, client, keyStatements }
  const whyNotSign = () => restoring?.gate.why
  const alliances = new AllianceOperations({ ...people, peersOf, onJoining, whyNotSign })
  const pending: PendingJoins = new PendingJoins({
    context,
    joins,
    joined: (alliance) => alliances.joined(alliance),
    onJoined: (inviter, address) => node.linkInviter(inviter, address),
  })
  const onGap = (peer: MemberId, alliance: Slug) => {
    void joins
      .joining(alliance)
      .then(async (joining) => {
        const from =
          shell.target(peer) ?? (joining?.inviter.id === peer ? { member: peer, address: joining.address } : undefined)
        if (from) await catchUp({ client, charters, directory }, from, alliance)
      })
      .catch((cause: unknown) =>
        context.log('warn', 'Catching up with a charter failed', { peer, cause: String(cause) }),
      )
  }
  // Whoever tells of a newer charter, nobody of that alliance is served by the older one meanwhile: it may have left.
  const isAhead = (peer: MemberId) =>
    shell.isAhead(peer) || (directory.member(peer)?.alliances ?? []).some((alliance) => shell.isCatchingUp(alliance))
  const takenOffers = new TakenOffers({ context, directory, heads, mirrors, outbox, shell, carried })
  const offers: SentOffers = new SentOffers({
    context,
    client,
    snapshots,
    receipts: taken,
    handed,
    onParted: (peer) => server.parted(peer),
    reached: () => shell.reached(),
    target: (peer) => shell.target(peer),
    hasStream: (peer) => server.hasStream(peer),
    maySign: () => restoring?.gate.why === undefined,
    onUnknown: (alliance) => void alliances.announce(alliance).catch(() => undefined),
  })
  const server: LinkServer = new LinkServer({
    context,
    directory,
    charters,
    joins,
    heads,
    access,
    snapshots,
    receipts: taken,
    nonces,
    keyStatements,
    gossip,
    offers,
    takenOffers,
    carriage,
    onEnds,
    isAhead,
    onGap,
    onStarted: (peer) => {
      const to = shell.target(peer)
      if (to) void alliances.remind(to).catch(() => undefined)
    },
    maySign: () => restoring?.gate.why === undefined,
  })
  const node: OpenFederation = new OpenFederation({
    context,
    directory,
    heads,
    outbox,
    quotas,
    sightings,
    recalls,
    sent,
    shell,
    carriedLinks,
    server,
    taken,
    alliances,
    pending,
    client,
    keyStatements,
    airGap,
    evidence,
    gossip,
    restore,
  })
  hooks.allianceChanged = ({ alliance, what }) => {
    if (what !== 'in-force' && what !== 'fork') return
    node.charterChanged(alliance)
    carriedLinks.look()
  }
  hooks.linkChanged = (link) => {
    node.linkChanged(link)
    offers.look()
    carried.grew(link.peer)
    carriedLinks.look()
  }
  return node
}

interface Parts {
  context: Context
  directory: CharterDirectory
  heads: Heads
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
  restore: Restore | undefined
}

class OpenFederation implements Federation {
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
    const { recalls, sent, pending, gossip } = this.#parts
    recalls.start()
    gossip.start()
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

  async expire(log: LogId, indexes: readonly number[]): Promise<number> {
    const { count, log: of, size } = await expireOwn(this.#parts, log, indexes)
    if (count > 0) this.announce([{ log: of, size }])
    return count
  }

  receipts(log?: LogId): Promise<Receipt[]> {
    return this.#parts.taken.list(log)
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
    await sent.note()
  }

  /** A charter came into force here: links, streams and peers follow. */
  charterChanged(alliance: Slug): void {
    this.#parts.shell.weigh()
    if (!this.#started) return
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
      this.#background('Asking for heads', this.#meet(peer))
    }
  }

  /** Nothing is signed before it is known which checkpoints of own logs the others hold. */
  async #begin(): Promise<void> {
    await this.#parts.restore?.settle()
    this.#parts.server.notify()
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
