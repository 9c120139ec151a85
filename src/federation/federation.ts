import type { MemberId, Slug } from '#base'
import type { DelegationEnd } from '#log'
import { Absorber } from './absorb.ts'
import { AirGap } from './air-gap/air-gap.ts'
import { AllianceOperations } from './alliance/alliances.ts'
import { CharterSightings } from './alliance/charter-sightings.ts'
import { Charters } from './alliance/charters.ts'
import { catchUp } from './alliance/exchange.ts'
import { Joins } from './alliance/joins.ts'
import { PendingJoins } from './alliance/pending-joins.ts'
import { Carriage } from './carriage/carriage.ts'
import { CarriedLinks } from './carriage/carried-links.ts'
import { CarriedLists } from './carriage/carried-lists.ts'
import { Forwarded } from './carriage/forwarded.ts'
import { HandedLists } from './carriage/handed-lists.ts'
import type { Federation, FederationEvents, FederationOptions } from './api.ts'
import { type Context, toContext } from './context.ts'
import { CharterDirectory } from './directory.ts'
import { EvidenceBook } from './evidence/evidence-book.ts'
import { Gossip } from './evidence/gossip.ts'
import { UnlistedLogs } from './evidence/unlisted.ts'
import { SignedRows } from './evidence/signed-rows.ts'
import { Heads } from './heads.ts'
import { withHooks } from './hooks.ts'
import { KeyStatements } from './key-statements.ts'
import { LinkClient, type Target } from './link-client.ts'
import { Mirrors } from './mirrors.ts'
import { Nonces } from './nonces.ts'
import { SentOffers } from './offers-sent.ts'
import { Outbox } from './outbox.ts'
import { Quotas } from './quotas.ts'
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
import { OpenFederation } from './open-federation.ts'
import { ProposalWatch } from './alliance/proposal-watch.ts'
import { VotesKnown } from './alliance/votes-known.ts'

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
    isKnown: (peer, alliance) => sightings.versionOf(peer, alliance) !== undefined,
    onLacking: (to, alliance) => onUnknown(to, alliance),
    onEnds,
  })
  const { restore: restoring } = options
  const restore =
    restoring && new Restore({ context, ...restoring, directory, heads, client, recalls, keyStatements, onEnds })
  const access = new Access(context, directory, heads, (head, reader) => restore?.mayOffer(head, reader) ?? true)
  const snapshots = new Snapshots(context, directory, access)
  const carriedLinks: CarriedLinks = new CarriedLinks({
    context,
    directory,
    charters,
    heads,
    client,
    mirrors,
    outbox,
    quotas,
    keyStatements,
    signedRows,
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
    context,
    directory,
    keyStatements,
    outbox,
    handed,
    carried,
    isCalled: (member) => shell.isCalled(member),
  })
  outbox.onDue((to) => server.wake(to))
  const evidence = new EvidenceBook(context, directory, charters, keyStatements)
  const listOf = (author: MemberId) => shell.listOf(author)
  const unlisted = new UnlistedLogs({ context, directory, heads, client, target, listOf })
  const gossip = new Gossip({
    context,
    directory,
    heads,
    client,
    unlisted,
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
  const votesKnown = new VotesKnown({ ...people, onGap: (peer, alliance) => onGap(peer, alliance), target })
  const alliances = new AllianceOperations({ ...people, peersOf, onJoining, whyNotSign, votesKnown })
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
  const links = () => shell.links()
  const proposalWatch = new ProposalWatch({ context, client, charters, directory, joins, onGap, links, target })
  // Whoever tells of a newer charter, nobody of that alliance is served by the older one meanwhile: it may have left.
  const isAhead = (peer: MemberId) =>
    shell.ahead(peer).size > 0 ||
    (directory.member(peer)?.alliances ?? []).some((alliance) => shell.isCatchingUp(alliance))
  const onUnknown = (to: Target, alliance: Slug) =>
    void alliances.bringUp(to, alliance, sightings.versionOf(to.member, alliance)).catch(() => undefined)
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
    onUnknown,
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
    lacked: (peer) => shell.ahead(peer),
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
    mirrors,
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
    proposalWatch,
    restore,
  })
  hooks.allianceChanged = ({ alliance, what }) => {
    if (what !== 'in-force' && what !== 'fork') return
    shell.charterChanged(alliance)
    node.charterChanged(alliance)
    carriedLinks.look()
  }
  const standings = new Map<MemberId, string>()
  hooks.linkChanged = (link) => {
    node.linkChanged(link)
    carried.grew(link.peer)
    // Told with every snapshot and batch: who is reached through whom changes with the link's standing alone.
    const standing = `${link.state} ${link.way} ${link.address}`
    if (standings.get(link.peer) === standing) return
    standings.set(link.peer, standing)
    offers.look()
    carriedLinks.look()
  }
  return node
}
