// Plays a plan and looks, after every step, at everything that anybody is told over every way out: what was told and
// may not be, what may be and was not told, and whatever tells refused from absent.
import type { Oracle, Released } from './entitlement.ts'
import { absentId, type Found, markersIn, PARTS } from './markers.ts'
import { Stage } from './stage.ts'
import { nameOf } from './stix-of.ts'
import { ADDRESSES, bytesOf, ONE_OBJECT, type Told, walkApi, walkLink, walkTaxii, wholeOf } from './ways.ts'
import { MEMBERS, type Plan, type Server, SERVERS } from './world-plan.ts'

/** What a run found and how much it looked at. */
export interface Verdict {
  faults: string[]
  /** (object, reader, way out) triples that were decided. */
  triples: number
  worlds: number
}

/** Objects of earlier steps asked for by id, beside those of the step. */
const OLDER_ASKED = 3
const FAULTS_KEPT = 40
const SOCKETS_EVERY = 10

/** Plays the plan on a stage of its own, up to the first step with a fault; one stage of so many is asked over sockets. */
export async function judge(plan: Plan): Promise<Verdict> {
  await using stage = await Stage.open({ overSockets: plan.seed % SOCKETS_EVERY === 0 })
  const verdict: Verdict = { faults: [], triples: 0, worlds: 0 }
  for (const [index, step] of plan.steps.entries()) {
    const court = new Court(stage, verdict, plan.seed, index)
    let streams: Heard[] = []
    await stage.play(step, async () => {
      streams = await court.openStreams()
    })
    await court.look(streams)
    verdict.worlds++
    if (verdict.faults.length > 0) break
  }
  return { ...verdict, faults: [...new Set(verdict.faults)].slice(0, FAULTS_KEPT) }
}

/** A stream that a member has open, and what it said so far. */
interface Heard {
  server: Server
  peer: string
  chunks: Buffer[]
  stop: () => void
}

class Court {
  readonly #stage: Stage
  readonly #verdict: Verdict
  readonly #turn: number
  readonly #step: number
  #oracle: Oracle

  constructor(stage: Stage, verdict: Verdict, seed: number, step: number) {
    this.#stage = stage
    this.#verdict = verdict
    this.#turn = seed + step
    this.#step = step
    this.#oracle = stage.oracle()
  }

  /** Link streams of two members at each server, opened before anything is published. */
  async openStreams(): Promise<Heard[]> {
    const heard: Heard[] = []
    for (const server of SERVERS) {
      for (const k of [0, 1]) {
        const peer = MEMBERS[(this.#turn + k * 2) % MEMBERS.length]?.slug ?? ''
        if (SERVERS.some((one) => one === peer)) continue
        const answer = await this.#stage.link(server, peer, '/link/v1/stream')
        if (!('stream' in answer)) continue
        const chunks: Buffer[] = []
        const iterator = answer.stream[Symbol.asyncIterator]()
        void (async () => {
          for (let next = await iterator.next(); !next.done; next = await iterator.next())
            chunks.push(Buffer.from(next.value))
        })().catch(() => undefined)
        // It ends at its next keepalive; nobody waits for that.
        heard.push({ server, peer, chunks, stop: () => void iterator.return?.().catch(() => undefined) })
      }
    }
    return heard
  }

  async look(streams: readonly Heard[]): Promise<void> {
    this.#oracle = this.#stage.oracle()
    await this.#readers()
    await this.#peers()
    const now = this.#oracle
    this.#oracle = this.#stage.beforeRecalls ?? now
    for (const { server, peer, chunks, stop } of streams) {
      this.#nothingMore('link stream', server, peer, Buffer.concat(chunks), false)
      stop()
    }
    this.#oracle = now
    await this.#node()
  }

  async #readers(): Promise<void> {
    const stage = this.#stage
    let turn = this.#turn
    for (const server of SERVERS) {
      for (const [reader, token] of stage.tokens(server)) {
        const walk = { stage, server, reader, token, turn: turn++ }
        const api = await walkApi(walk)
        const taxii = await walkTaxii(walk)
        for (const { way, bytes } of [...api.told, ...taxii.told]) {
          if (way.startsWith('counts')) this.#fault(`${reader} at ${server}: ${way}`)
          this.#nothingMore(way, server, reader, bytes, true)
        }
        this.#everything('listing', server, reader, api.list, true)
        this.#everything('TAXII', server, reader, taxii.list, true)
        await this.#byId(server, reader, token, turn)
      }
      const whole = await walkApi({ stage, server, reader: server, token: stage.operator(server), turn })
      this.#held(server, 'the operator', Buffer.concat([whole.list, ...whole.told.map(({ bytes }) => bytes)]))
    }
  }

  /** Every object of this step and some before, asked for by name; refused answers as absent. */
  async #byId(server: Server, reader: string, token: string, turn: number): Promise<void> {
    const stage = this.#stage
    const before = [...stage.released.keys()].filter((n) => !stage.fresh.includes(n))
    const older = Array.from(
      { length: Math.min(OLDER_ASKED, before.length) },
      (_, k) => before[(turn * 7 + k * 13) % before.length] as number,
    )
    const absent = new Map<string, string>()
    for (const n of [...stage.fresh, ...older]) {
      const { thing } = stage.released.get(n) as { thing: Parameters<typeof nameOf>[0] & { n: number } }
      const id = nameOf(thing)
      const may = this.#oracle.stands({ object: thing.of ?? n, part: 'i' }, server, reader)
      for (const { method, path } of [
        ONE_OBJECT,
        ADDRESSES[(turn + n) % ADDRESSES.length] as (typeof ADDRESSES)[number],
      ]) {
        const answer = wholeOf(await stage.ask(server, path(id), { token, method }))
        this.#nothingMore(`${method} ${path('ID')}`, server, reader, answerWithout(answer, id), true)
        this.#verdict.triples++
        if (may !== 'no' || reader === stage.released.get(n)?.thing.author) continue
        const nowhere = absentId(thing.type)
        const key = `${method} ${path(nowhere)}`
        if (!absent.has(key))
          absent.set(key, textWithout(wholeOf(await stage.ask(server, path(nowhere), { token, method })), nowhere))
        const told = textWithout(answer, id)
        if (told !== absent.get(key))
          this.#fault(
            `${reader} at ${server} can tell by ${method} ${path('ID')} that object ${n} is there: ${told.slice(0, 160)} | ${absent.get(key)?.slice(0, 160)}`,
          )
      }
    }
  }

  async #peers(): Promise<void> {
    const stage = this.#stage
    for (const server of SERVERS) {
      const heads = await stage.node(server).store.logs()
      const some = heads.filter((_head, k) => heads.length < 14 || (k + this.#turn) % 3 === 0)
      const asked = this.#turn % 2 === 0 ? MEMBERS : MEMBERS.filter((_member, k) => (k + this.#turn) % 3 !== 0)
      for (const { slug } of asked) {
        if (slug === server) continue
        const { entries, told, differ } = await walkLink({ stage, server, reader: slug }, some)
        for (const one of differ) this.#fault(`${slug} at ${server} can tell a log that is withheld: ${one}`)
        for (const { way, bytes } of told) this.#nothingMore(way, server, slug, bytes, false)
        if (some.length === heads.length) this.#everything('the link', server, slug, entries, false)
      }
    }
  }

  /** What nobody is told: logs, metrics, and on each node whatever it may not hold. */
  async #node(): Promise<void> {
    for (const server of SERVERS) {
      for (const [way, bytes] of [
        ['the log', Buffer.from(this.#stage.log(server))],
        ['the metrics', wholeOf(await this.#stage.ask(server, '/metrics'))],
        ['the health', wholeOf(await this.#stage.ask(server, '/readyz'))],
      ] as const) {
        this.#verdict.triples += this.#stage.released.size
        for (const found of markersIn(bytes).values())
          this.#fault(`${way} of ${server} tells the ${PARTS[found.part]} of object ${found.object}`)
      }
    }
  }

  /** Nothing is told that the reader may not have. */
  #nothingMore(way: string, server: Server, reader: string, bytes: Buffer, isWeb: boolean): Map<string, Found> {
    const found = markersIn(bytes)
    this.#verdict.triples += this.#stage.fresh.length
    for (const one of found.values()) {
      const may = isWeb ? this.#oracle.reads(one, server, reader) : this.#oracle.mirrors(one, server, reader)
      if (may === 'no') this.#fault(`${reader} got the ${this.#named(one)} by ${way} at ${server}`)
    }
    return found
  }

  /** And what of this step it may have is told: all of it, where no part of it and no reference is for fewer. */
  #everything(way: string, server: Server, reader: string, bytes: Buffer, isWeb: boolean): void {
    const found = this.#nothingMore(way, server, reader, bytes, isWeb)
    for (const n of this.#stage.fresh) {
      const { thing } = this.#stage.released.get(n) as Released
      const isPlain = thing.granular.length + thing.refs.length === 0 && !thing.creator && thing.of === undefined
      for (const part of isPlain ? (['i', 'd', 'l', 'u'] as const) : []) {
        const one: Found = { object: n, part }
        const may = isWeb ? this.#oracle.reads(one, server, reader) : this.#oracle.mirrors(one, server, reader)
        this.#verdict.triples++
        if (may === 'yes' && !found.has(`${part}${n}`))
          this.#fault(`${reader} did not get the ${this.#named(one)} by ${way} at ${server}`)
      }
    }
  }

  /** What a server may not hold, not even its operator is told. */
  #held(server: Server, who: string, bytes: Buffer): void {
    for (const one of markersIn(bytes).values())
      if (this.#oracle.holds(one, server) === 'no')
        this.#fault(`${server} tells ${who} the ${this.#named(one)}, which it may not hold`)
  }

  #named({ object, part }: Found): string {
    const one = this.#stage.released.get(object)
    return `${PARTS[part]} of object ${object} (${one?.thing.type} of ${one?.thing.author})`
  }

  #fault(text: string): void {
    if (this.#verdict.faults.length < FAULTS_KEPT * 5) this.#verdict.faults.push(`step ${this.#step}: ${text}`)
  }
}

const textWithout = (bytes: Buffer, id: string) =>
  bytes
    .toString('latin1')
    .replaceAll(id, 'ID')
    .replace(/"content-length","?\d+"?/, '')
const answerWithout = (bytes: Buffer, id: string) =>
  Buffer.from(bytes.toString('latin1').replaceAll(`id=${id}`, 'ID'), 'latin1')

export { bytesOf, type Told }
