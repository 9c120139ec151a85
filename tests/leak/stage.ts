// Two real nodes of this process and the members and clients around them, on which a plan's steps are played: charters
// are voted for and installed, objects published, narrowed and recalled through the API, and mirrored over real links.
import { randomBytes } from 'node:crypto'
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Writable } from 'node:stream'
import type { JsonObject, KeyId, MemberId } from '#base'
import { type CharterMember, type CharterStatement, memberIdOf, signLinkRequest, type Signer, toSigner } from '#log'
import type { LinkResponse, VotedCharter } from '#federation'
import { type NoroshiNode, openNode, readOperatorToken } from '#node'
import { makeCharter, makeMember, votedBy, type MadeMember } from '../../src/federation/simulation/members.ts'
import { demoSeed } from '../../src/node/root-key.ts'
import { type Known, Oracle, type Released } from './entitlement.ts'
import { charterRow, charterRules, clientId } from './charter-row.ts'
import { Door, type Reply } from './door.ts'
import { FOLDER, madeDirectory, sealed } from './made-directories.ts'
import { fixedFor, knowsBoth, type View } from './standing.ts'
import { heldObjects, toObjects, nameOf } from './stix-of.ts'
import {
  type AllianceName,
  type Charter,
  type Grant,
  MEMBERS,
  ORGS,
  type Row,
  type Server,
  SERVERS,
  type Step,
  type Thing,
} from './world-plan.ts'

export interface Ask {
  method?: string
  token?: string
  headers?: Record<string, string>
  body?: string | Buffer
}

interface StagedNode {
  node: NoroshiNode
  door: Door
  operator: string
  tokens: Map<string, string>
}

const WAIT_LIMIT_MS = 20_000
/** An instant that no world reaches. */
const FAR_MS = 10 * 365 * 86_400_000

/** A stage on which steps are played; `overSockets` asks by HTTP instead of in process. */
export class Stage implements AsyncDisposable {
  readonly #path: string
  readonly #nodes = new Map<Server, StagedNode>()
  readonly #logs = new Map<Server, string>()
  readonly #members = new Map<string, MadeMember>()
  readonly #charters = new Map<AllianceName, VotedCharter[]>()
  readonly #plans = new Map<AllianceName, Charter[]>()
  readonly #overSockets: boolean
  readonly #views = new Map<Server, View>(SERVERS.map((server) => [server, new Map()]))
  /** How far the clocks of all nodes are ahead. */
  #shift = 0
  readonly released = new Map<number, Released>()
  /** What each server could have had at the end of an earlier step, and so may still hold. */
  readonly held = new Set<string>()
  /** Of the last step, when what was to be taken back in it was still there: streams may have told of it. */
  beforeRecalls: Oracle | undefined
  /** Numbers of the objects of the last step. */
  fresh: number[] = []

  private constructor(path: string, overSockets: boolean) {
    this.#path = path
    this.#overSockets = overSockets
  }

  static async open({ overSockets = false } = {}): Promise<Stage> {
    const stage = new Stage(await mkdtemp(join(FOLDER, 'noroshi-leak-')), overSockets)
    const time = Date.now()
    for (const org of MEMBERS) {
      const about = { nation: org.nation, kind: org.kind, sectors: [...org.sectors].sort() }
      stage.#members.set(org.slug, makeMember(org.slug, time, about))
    }
    for (const server of SERVERS) await stage.#openNode(server)
    for (const from of SERVERS) {
      const to = SERVERS.find((other) => other !== from) as Server
      await stage
        .node(from)
        .federation.addLink(stage.memberId(to), stage.node(to).url())
        .catch(() => undefined)
    }
    return stage
  }

  async #openNode(server: Server): Promise<void> {
    const dir = this.dir(server)
    await cp(await madeDirectory(server), dir, { recursive: true })
    const delegations = JSON.parse(await readFile(join(dir, 'keys/delegations.json'), 'utf8')) as never
    const [root, nodeKey] = (['root', 'node'] as const).map((of) => toSigner(demoSeed(server, of))) as [Signer, Signer]
    const member = memberIdOf(root.publicKey)
    const made = this.made(server)
    const profile = {
      ...made.self.profile,
      id: member,
      root: Buffer.from(root.publicKey).toString('base64'),
      delegations,
    }
    this.#members.set(server, { root, self: { ...made.self, member, nodeKey, profile } })
    this.#logs.set(server, '')
    const logDestination = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        this.#logs.set(server, this.log(server) + chunk.toString())
        done()
      },
    })
    const node = await openNode({
      dir,
      port: 0,
      rehearsal: true,
      logLevel: 'debug',
      logDestination,
      webRoot: '/nowhere',
      now: this.now,
    })
    const door = this.#overSockets ? Door.overSockets(node.url()) : await Door.inProcess(node)
    this.#nodes.set(server, { node, door, operator: await readOperatorToken(dir), tokens: new Map() })
  }

  now = (): number => Date.now() + this.#shift
  dir = (server: Server) => join(this.#path, server)
  log = (server: Server) => this.#logs.get(server) ?? ''
  node = (server: Server) => this.#staged(server).node
  operator = (server: Server) => this.#staged(server).operator
  made = (slug: string) => this.#members.get(slug) as MadeMember
  memberId = (slug: string): MemberId => this.#members.get(slug)?.self.member ?? clientId(slug)
  /** Tokens of scope read by organisation, at one server. */
  tokens = (server: Server): ReadonlyMap<string, string> => this.#staged(server).tokens

  #staged(server: Server): StagedNode {
    const found = this.#nodes.get(server)
    if (!found) throw new Error(`${server} is not open`)
    return found
  }

  /** Asks a node. */
  ask(server: Server, path: string, { method = 'GET', token, headers = {}, body }: Ask = {}): Promise<Reply> {
    const authorization = `Bearer ${token ?? this.operator(server)}`
    return this.#staged(server).door.ask({
      method,
      path,
      headers: { ...headers, authorization },
      ...(body === undefined ? {} : { body }),
    })
  }

  async json<T>(server: Server, path: string, ask: Ask = {}): Promise<T> {
    const { status, body } = await this.ask(server, path, ask)
    if (status >= 400) throw new Error(`${path}: ${status} ${body.toString()}`)
    return JSON.parse(body.toString()) as T
  }

  post<T>(server: Server, path: string, body: object, token?: string): Promise<T> {
    const headers = { 'content-type': 'application/json' }
    return this.json(server, path, { method: 'POST', headers, body: JSON.stringify(body), ...(token ? { token } : {}) })
  }

  /** A request over the link, signed by any member's key. */
  async link(server: Server, peer: string, target: string, post?: string): Promise<LinkResponse> {
    const body = Buffer.from(post ?? '')
    const method = post === undefined ? 'GET' : 'POST'
    const { member, nodeKey: signer } = this.made(peer).self
    const created = Math.floor(this.now() / 1_000)
    const nonce = randomBytes(16).toString('hex')
    const headers = signLinkRequest(
      { method, target, body },
      { from: member, to: this.memberId(server), created, nonce, signer },
    )
    return this.node(server).federation.handle({ method, target, headers, body })
  }

  /** Plays a step: charters, tokens, publications, recalls; and waits until the mirrors are level. */
  async play(step: Step, onCharters: () => Promise<void> = async () => undefined): Promise<void> {
    if (step.pass !== undefined) await this.#pass(step.pass)
    for (const charter of step.charters) await this.#install(charter)
    await this.#makeTokens()
    await this.#level()
    await onCharters()
    this.fresh = []
    for (const server of SERVERS)
      await this.#publish(
        server,
        step.things.filter(({ author }) => author === server),
      )
    for (const grant of step.grants ?? []) await this.#grant(grant)
    this.#hold()
    this.beforeRecalls = this.oracle(new Map([...this.released].map(([n, one]) => [n, { ...one }])))
    for (const n of step.recalls) await this.#recall(n)
    await this.#level()
  }

  /** The clocks of all nodes go ahead, and what was held until an instant between is published. */
  async #pass(ms: number): Promise<void> {
    this.#shift += ms
    const until = new Date(this.now() + FAR_MS).toISOString()
    for (const server of SERVERS) {
      // A node looks at its embargoes when there is a new one, or within a minute.
      await this.post(server, '/api/v1/publish', { objects: heldObjects(until), tlp: 'clear' }).catch(() => undefined)
      const { store } = this.node(server)
      const isDue = async () =>
        (await store.recordPage('embargoes', { limit: 1_000 })).some(
          ({ key }) => Number(key.slice(0, 16)) <= this.now(),
        )
      const deadline = Date.now() + WAIT_LIMIT_MS
      while (await isDue()) {
        if (Date.now() > deadline) throw new Error(`${server} holds what is due`)
        await sleep(2)
      }
    }
    // What came out in between went by the charters of before, and is rightly held.
    this.#hold()
  }

  /** The author grants a version; a refusal is no fault, since most are not granted to whom they reach anyway. */
  async #grant({ n, to, lasts }: Grant): Promise<void> {
    const one = this.released.get(n)
    if (!one || one.isRefused) return
    const { author } = one.thing
    const until = lasts === undefined ? undefined : this.now() + lasts
    const wish = { object: nameOf(one.thing), to: to.map(this.memberId), ...(until === undefined ? {} : { until }) }
    const signatures: { bytes: string; sig: string }[] = []
    let time: number | undefined
    for (;;) {
      const body = { ...wish, ...(time === undefined ? {} : { time, signatures }) }
      const headers = { 'content-type': 'application/json' }
      const asked = { method: 'POST', headers, body: JSON.stringify(body) }
      const { status, body: answer } = await this.ask(author, '/api/v1/grants', asked)
      if (status === 200) break
      if (status !== 202) return
      const { sign, time: at } = JSON.parse(answer.toString()) as { sign: { bytes: string; key: KeyId }; time: number }
      signatures.push({ bytes: sign.bytes, sig: await sealed(author, sign.key, sign.bytes) })
      time = at
    }
    one.grants = [...(one.grants ?? []), { to: new Set(to), until: until ?? Infinity }]
  }

  #hold(): void {
    const oracle = this.oracle()
    for (const server of SERVERS) for (const key of oracle.holding(server)) this.held.add(key)
  }

  /** What the oracle is asked of the world as it is. */
  oracle(released: ReadonlyMap<number, Released> = this.released): Oracle {
    const { held } = this
    const known: Known = { now: this.now(), released, views: new Map(this.#views), held, fresh: new Set(this.fresh) }
    return new Oracle(known)
  }

  view = (server: Server): View => this.#views.get(server) as View

  async #install(plan: Charter): Promise<void> {
    const chain = this.#charters.get(plan.alliance) ?? []
    const previous = chain.at(-1)
    const time = Math.max(this.now(), (previous?.charter.time ?? 0) + 1)
    const members = plan.rows.map((row) => this.#row(row, time)).sort((a, b) => (a.id < b.id ? -1 : 1))
    const rules = charterRules(plan, this.memberId)
    const all = [...this.#members.values()]
    if (previous) {
      const { statementHash } = await import('#log')
      const charter: CharterStatement = {
        type: 'charter',
        alliance: plan.alliance,
        version: previous.charter.version + 1,
        previous: statementHash(previous.charter),
        members,
        rules,
        time,
      }
      const voters = previous.charter.members.filter(({ standing }) => standing === 'active').map(({ id }) => id)
      chain.push(
        votedBy(
          charter,
          all.filter(({ self }) => voters.includes(self.member)),
        ),
      )
    } else {
      const { charter } = makeCharter(plan.alliance, [], time, rules)
      const voters = members.filter(({ standing }) => standing === 'active').map(({ id }) => id)
      chain.push(
        votedBy(
          { ...charter, members },
          all.filter(({ self }) => voters.includes(self.member)),
        ),
      )
    }
    this.#charters.set(plan.alliance, chain)
    const plans = [...(this.#plans.get(plan.alliance) ?? []), plan]
    this.#plans.set(plan.alliance, plans)
    for (const server of SERVERS) {
      // Who stands in no row of it is told of nothing any more.
      if (!plan.rows.some(({ member }) => member === server)) continue
      await this.node(server).federation.alliances.bootstrapCharter(chain)
      // One charter is in force before the next, of those too that it had missed: what goes out between is rightly held.
      const seen = plans.indexOf(this.view(server).get(plan.alliance) as Charter)
      for (const one of plans.slice(seen + 1)) {
        this.#views.set(server, new Map([...this.view(server), [plan.alliance, one]]))
        this.#hold()
      }
    }
  }

  #row(row: Row, time: number): CharterMember {
    const server = SERVERS.find((one) => one === row.member)
    return charterRow(row, this.made(row.member).self.profile, time, server && this.node(server).url())
  }

  async #makeTokens(): Promise<void> {
    for (const server of SERVERS) {
      const tokens = this.#staged(server).tokens
      for (const { slug } of ORGS) {
        if (tokens.has(slug)) continue
        const body = { name: slug, scope: 'read', org: this.memberId(slug) }
        const made = await this.post<{ text: string }>(server, '/api/v1/tokens', body).catch(() => undefined)
        if (made) tokens.set(slug, made.text)
      }
    }
  }

  async #publish(server: Server, things: readonly Thing[]): Promise<void> {
    if (things.length === 0) return
    const at = this.now()
    const idOf = (slug: string) => this.memberId(slug)
    const objects: JsonObject[] = things.flatMap((thing) =>
      toObjects(thing, { at, idOf, released: this.released, along: things }),
    )
    const { refused } = await this.post<{ refused: { id: string; code: string }[] }>(server, '/api/v1/publish', {
      objects,
    })
    const fixed = fixedFor(this.view(server), server)
    for (const thing of things) {
      const isRefused = refused.some(({ id }) => id === nameOf(thing))
      this.released.set(thing.n, { thing, fixed, at, isRefused, isRecalled: false })
      const older =
        thing.of === undefined || isRefused
          ? []
          : this.#versionsOf(thing.of).filter(({ thing: { n } }) => n !== thing.n)
      for (const one of older) one.newer = thing.n
      this.fresh.push(thing.n)
    }
  }

  #versionsOf = (n: number) => [...this.released.values()].filter(({ thing }) => (thing.of ?? thing.n) === n)

  async #recall(n: number): Promise<void> {
    const one = this.released.get(n)
    if (!one) return
    const id = nameOf(one.thing)
    const answer = await this.ask(one.thing.author, '/api/v1/recall', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ id, reason: 'error' }),
    })
    if (answer.status !== 200) return
    for (const version of this.#versionsOf(one.thing.of ?? one.thing.n)) version.isRecalled = true
  }

  /** Waits until each node holds of the other all that the other says it may have. */
  async #level(): Promise<void> {
    for (const reader of SERVERS) {
      const author = SERVERS.find((other) => other !== reader) as Server
      const deadline = Date.now() + WAIT_LIMIT_MS
      for (;;) {
        const answer = await this.link(author, reader, '/link/v1/logs')
        if (answer.status !== 200 || !('body' in answer)) break
        const { statement } = JSON.parse(Buffer.from(answer.body).toString()) as {
          statement: { logs: { log: string; size: number }[] }
        }
        const heads = new Map((await this.node(reader).store.logs()).map(({ log, size }) => [log as string, size]))
        const isLevel = statement.logs.every(({ log, size }) => (heads.get(log) ?? 0) >= size)
        if (isLevel || !this.#isLinked(reader, author)) break
        const links = () => JSON.stringify(this.node(reader).federation.links())
        if (Date.now() > deadline) throw new Error(`${reader} is not level with ${author}: ${links()}`)
        await sleep(2)
      }
    }
  }

  /** Else the reader never asks. */
  #isLinked = (reader: Server, author: Server): boolean => knowsBoth(this.view(reader), reader, author)

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { node, door } of this.#nodes.values()) {
      await door.close()
      await node[Symbol.asyncDispose]()
    }
    await rm(this.#path, { recursive: true, force: true })
  }
}
