import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { resolve } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { DestinationStream } from 'pino'
import { fromBase64, type MemberId, type Millis } from '#base'
import { Detector } from '#detect'
import { type Federation, openFederation, SigningGate } from '#federation'
import { openStore } from '#store'
import { Arming } from './arming.ts'
import { assertTransportSafe, limitsOf, type TlsFiles } from './config.ts'
import { CurrentKey } from './current-key.ts'
import { CursorSeal } from './cursor.ts'
import { readConfig, readDataDirectory, replaceLostToken, writeRunning } from './data-directory.ts'
import { lockDirectory } from './directory-lock.ts'
import { DrillResults } from './drill-results.ts'
import { DueGate } from './due-gate.ts'
import { Embargoes } from './embargoes.ts'
import { NodeError } from './errors.ts'
import { EventHub } from './event-hub.ts'
import { bindEvents } from './events.ts'
import { federationEvents } from './federation-events.ts'
import { Grants } from './grants.ts'
import { openHttpServer } from './http-server.ts'
import { finishKeyChange } from './key-change.ts'
import { KeyTurn } from './key-turn.ts'
import { type NodeLog, openLog } from './logging.ts'
import { openMetrics } from './metrics.ts'
import type { NodeContext } from './node-context.ts'
import { assertKeysFit, effectiveConfig, serveOptions } from './node-options.ts'
import { openOutbound, refusesAddress } from './outbound.ts'
import { profileOf, selfOrganisation } from './own-profile.ts'
import { protectedNetworks } from './protected-networks.ts'
import { Publisher } from './publish.ts'
import { erasePurgedCopies } from './purged-copies.ts'
import { RecallWork } from './recall-tasks.ts'
import { forgetRestored, isRestored } from './restored-mark.ts'
import { RemoteRoot } from './remote-root.ts'
import { rootIn } from './root-change.ts'
import { bindRules, type RuleSeams } from './sharing-rules.ts'
import { Retention } from './retention.ts'
import { Sightings } from './sightings.ts'
import { Situation } from './situation.ts'
import { Sources } from './sources/sources.ts'
import { Tasks } from './tasks.ts'
import { Telemetry } from './telemetry.ts'
import { clientCertificate } from './tls-files.ts'
import { Tokens } from './tokens.ts'
import { Visibility } from './visibility.ts'

/** How a node is opened; everything it takes from outside comes through here. */
export interface NodeOptions {
  dir: string
  /** Overrides of the configuration's listen address. */
  host?: string
  port?: number
  tls?: TlsFiles
  /** Links to https addresses go through this proxy, but for the hosts excepted (comma-separated). */
  proxy?: { url: string; except?: string }
  behindProxy?: boolean
  /** Demo keys are accepted, on loopback alone, and drills arm here. */
  rehearsal?: boolean
  /** Folder of the built web page. */
  webRoot?: string
  logLevel?: string
  logDestination?: DestinationStream
  now?: () => Millis
  random?: (bytes: number) => Uint8Array
  /** Replaces sharing rules; only tests do, to prove that a broken rule is noticed. */
  seams?: RuleSeams
}

/** A running node. */
export interface NoroshiNode extends NodeContext, AsyncDisposable {
  readonly log: NodeLog
}

/** How long a start waits for what the store holds to be armed: some ten thousand indicators. */
const ARMED_FIRST_MS = 500

const VERSION = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
).version

/**
 * Opens a node over its data directory and serves it; `serve`, the rehearsal and the tests all run this.
 *
 * @throws DATA_DIR_MISSING, DATA_DIR_FOREIGN, DATA_DIR_LOCKED, KEY_UNREADABLE, DEMO_KEYS, TLS_REQUIRED, PORT_IN_USE, DISK_FULL
 */
export async function openNode(options: NodeOptions): Promise<NoroshiNode> {
  await using resources = new AsyncDisposableStack()
  await replaceLostToken(options.dir)
  const config = effectiveConfig(await readConfig(options.dir), options)
  assertTransportSafe(config)
  resources.use(lockDirectory(options.dir))
  // A change of the key that was cut off, or prepared while the node was stopped, is finished before anything is signed.
  const changed = await finishKeyChange(options.dir)
  const data = await readDataDirectory(options.dir)
  assertKeysFit(data, options)
  const nodeKey = new CurrentKey(data.nodeKey)
  const profile = profileOf(data, config)

  const now = options.now ?? Date.now
  const random = options.random ?? ((bytes: number) => new Uint8Array(randomBytes(bytes)))
  const started = now()
  const limits = limitsOf(config)
  const log = openLog(options.logLevel ?? 'info', options.logDestination)
  const metrics = openMetrics()
  const hub = new EventHub()
  const gate = new SigningGate(isRestored(options.dir))
  const wholeStore = resources.use(
    await openStore({ folder: options.dir, signer: { member: config.member, key: nodeKey }, now }),
  )
  const dueGate = new DueGate(now)
  const store = dueGate.guard(gate.guard(wholeStore))
  const events = bindEvents({ store, log, metrics, hub, now })
  resources.defer(() => events.settled())

  const authorities = config.tls?.caFile ? { ca: await readFile(config.tls.caFile) } : {}
  const outbound = resources.use(
    openOutbound({
      ...authorities,
      ...(await clientCertificate(config.tls)),
      ...(options.proxy ? { proxy: options.proxy } : {}),
    }),
  )
  const keys = new KeyTurn({ dir: options.dir, current: nodeKey, federation: () => federation, profile })
  let isOpen = false
  const followKeys = () => {
    if (!isOpen) return
    keys.follow().catch((cause: unknown) => log.warn({ cause: String(cause) }, 'the next root key is not in use yet'))
  }
  const federation: Federation = resources.use(
    await openFederation({
      store,
      self: { member: config.member, slug: config.slug, nodeKey, profile },
      now,
      random,
      transport: outbound.transport,
      refusesAddress,
      quotas: {
        entries: limits.authorEntries,
        bytes: limits.authorBytes,
        logs: limits.authorLogs,
        entriesPerSecond: limits.authorEntriesPerSecond,
        bytesPerSecond: limits.authorBytesPerSecond,
      },
      limits: {
        requestTimeoutMs: limits.linkRequestMs,
        keepaliveMs: limits.linkKeepaliveMs,
        streamIdleMs: limits.linkIdleMs,
        backoffMaxMs: limits.linkBackoffMs,
      },
      events: federationEvents(events, {
        arming: () => arming,
        situation: () => situation,
        recallWork: () => recallWork,
        grants: () => grants,
        links: () => federation.links(),
        chartered: () => {
          protect()
          followKeys()
        },
        self: config.member,
        now,
      }),
      log: (level, message, fields) => log[level](fields ?? {}, message),
      restore: { gate, store: wholeStore, onSettled: () => forgetRestored(options.dir) },
      onPurged: (places) => erasePurgedCopies(wholeStore, places),
      acceptsDrill: () => options.rehearsal === true,
      ...(options.seams?.admits ? { admits: options.seams.admits } : {}),
    }),
  )
  isOpen = true
  const { directory } = federation
  // In each alliance the key signs that its charter names; before the first one, the one in use.
  const root = new RemoteRoot((alliance) => {
    const named = alliance === undefined ? undefined : rootIn(directory, config.member, alliance)
    return fromBase64(named ?? profile.root)
  }, now)
  const rules = bindRules({
    directory,
    self: selfOrganisation(config),
    secret: data.secret,
    ...(options.seams ? { seams: options.seams } : {}),
  })
  const slugOf = (member: MemberId) =>
    member === config.member ? config.slug : (directory.member(member)?.slug ?? member)
  const visibility = new Visibility({ store, directory, rules, now })
  let guarded = protectedNetworks(config, directory)
  const detector = new Detector(guarded)
  const arming: Arming = new Arming({
    store,
    detector,
    federation: () => federation,
    events,
    now,
    armDrills: options.rehearsal === true,
  })
  const protect = () => {
    const next = protectedNetworks(config, directory)
    if (isDeepStrictEqual(next, guarded)) return
    guarded = next
    detector.protect(next)
    arming.rebuild()
  }
  const drills = new DrillResults({ store, events, now })
  const shared = { store, federation, rules, events, now, self: config.member }
  const publisher = new Publisher({
    ...shared,
    random,
    commitEntries: limits.commitEntries,
    runsDrills: options.rehearsal === true,
    slugOf,
    onRecalled: (entry) => arming.disarmEntry(config.member, entry),
    holdBack: (releases) => embargoes.hold(releases),
    granted: (objects, releases) => grants.covering(objects, releases),
    onPublished(rows) {
      arming.published(rows)
      for (const { log: of, time } of rows) situation.arrived(of, 1, time)
    },
  })
  const embargoes: Embargoes = resources.use(
    new Embargoes({ store, events, now, publish: (releases) => publisher.publishReleases(releases, true) }),
  )
  const grants: Grants = resources.use(
    await Grants.open({
      ...shared,
      store: gate.guard(wholeStore),
      gate: dueGate,
      publisher,
      secret: data.secret,
      slugOf,
      onEnded: (entry) => arming.recalled({ author: config.member, ...entry, alertOnly: false }),
    }),
  )
  const tasks = new Tasks(store, now)
  const recallWork = resources.use(
    new RecallWork({
      store,
      publisher,
      embargoes,
      federation,
      tasks,
      events,
      self: config.member,
      secret: data.secret,
    }),
  )
  const sightings = new Sightings({
    publisher,
    events,
    now,
    self: config.member,
    secret: data.secret,
    perAuthorHour: limits.sightingsPerAuthorHour,
    head: (of) => store.log(of),
  })
  const retention = resources.use(
    new Retention({
      store,
      events,
      now,
      expire: (of, indexes) => federation.expire(of, indexes),
      onEnded: (entry) => arming.disarmEntry(config.member, entry),
    }),
  )
  const telemetry = new Telemetry({
    detector,
    store,
    events,
    visibility,
    now,
    onHits: (rows) => sightings.hits(rows),
    rebuilt: () => arming.rebuilt(),
  })
  const situation: Situation = new Situation({
    store,
    federation,
    visibility,
    arming,
    telemetry,
    drills,
    tasks,
    slugOf,
    config,
    now,
  })
  const tokens = await Tokens.open({ store, now, random, operatorToken: data.operatorToken, limit: limits.tokens })

  const sources = resources.use(
    new Sources({
      ...authorities,
      dir: options.dir,
      store,
      publisher,
      rules,
      log,
      self: config.member,
      now,
      chance: () => Buffer.from(random(4)).readUInt32BE() / 2 ** 32,
    }),
  )

  let url = ''
  let ready = false
  const context: NodeContext = {
    dir: options.dir,
    config,
    limits,
    version: VERSION,
    started,
    now,
    nodeKey,
    takeKeys: () => keys.take(),
    store,
    federation,
    directory,
    root,
    publisher,
    arming,
    sightings,
    retention,
    telemetry,
    situation,
    drills,
    visibility,
    tokens,
    sources,
    recallWork,
    grants,
    tasks,
    cursors: new CursorSeal(random),
    events,
    hub,
    metrics,
    url: () => url,
    notSigning: () => gate.why,
    isReady: async () =>
      ready &&
      gate.why === undefined &&
      (await store.totals().then(
        () => true,
        () => false,
      )),
    slugOf,
    readerOf(request) {
      if (!request.token) throw new NodeError('UNAUTHENTICATED', 'The request carries no valid token.')
      return visibility.readerOf(request.token)
    },
  }
  arming.rebuild()
  await situation.rebuild()
  // A store of usual size is armed before anybody asks; a large one is served meanwhile, and says so.
  await Promise.race([arming.rebuilt(), sleep(ARMED_FIRST_MS, undefined, { ref: false })])
  const server = resources.use(await openHttpServer(context, await serveOptions(config, options)))
  url = server.url
  await keys.opened()
  federation.start()
  void keys
    .vouched(changed)
    .catch((cause: unknown) => log.warn({ cause: String(cause) }, 'own logs could not be vouched for'))
  embargoes.look()
  grants.look()
  retention.look()
  recallWork.resume()
  await sources.start()
  resources.use(
    await writeRunning(options.dir, {
      pid: process.pid,
      url,
      ...(config.tls ? { certFile: resolve(config.tls.certFile) } : {}),
      ...(config.tls?.clientCaFile === undefined ? {} : { keyFile: resolve(config.tls.keyFile) }),
    }),
  )
  resources.defer(async () => {
    arming.stop()
    await arming.rebuilt()
    await arming.settled()
    await sightings.settled()
  })
  ready = true
  log.info({ url, member: config.slug, armed: arming.size }, 'serving')
  // What only the start needed would stay as long as nothing happens: an idle node collects nothing by itself.
  void arming.rebuilt().then(() => globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' }))

  const kept = resources.move()
  return {
    ...context,
    log,
    async [Symbol.asyncDispose]() {
      ready = false
      await kept.disposeAsync()
      log.info({ member: config.slug }, 'stopped')
    },
  }
}
