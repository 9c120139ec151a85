// A member that lies: a real server under /link/v1 with the project's own keys and wire functions, and no node behind it.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { canonicalJson, type JsonObject, type MemberId, toBase64, toHex, utf8 } from '#base'
import {
  type Audience,
  consistencyProof,
  encodeFrame,
  type Envelope,
  type HashAt,
  inclusionProof,
  keyIdOf,
  leafHash,
  rootOf,
  signLinkRequest,
  signSnapshot,
  signStatement,
  type Signer,
} from '#log'
import type { NoroshiNode } from '#node'
import { RogueLog } from './rogue-log.ts'

/** A request as the rogue's server got it. */
export interface Asked {
  method: string
  target: string
  /** The member that asks, as it says. */
  reader: MemberId
  headers: IncomingMessage['headers']
  body: Buffer
}

/** An answer; `undefined` where the honest one does. */
export interface Answer {
  status?: number
  headers?: Record<string, string>
  body?: Uint8Array | string | AsyncIterable<Uint8Array>
}

export type Lie = (asked: Asked, honest: () => Answer) => Answer | undefined | Promise<Answer | undefined>

/** Who the rogue is: keys as any member has them. */
export interface RogueKeys {
  member: MemberId
  nodeKey: Signer
  now: () => number
}

export class Rogue implements AsyncDisposable {
  readonly keys: RogueKeys
  readonly logs: RogueLog[] = []
  readonly requests: Asked[] = []
  /** Hash of the charter in force by alliance, as snapshots name it. */
  charters: Record<string, string> = {}
  lie: Lie | undefined
  readonly #server: Server
  readonly #sequences = new Map<MemberId, number>()
  readonly #streams = new Map<ServerResponse, MemberId>()

  private constructor(keys: RogueKeys, server: Server) {
    this.keys = keys
    this.#server = server
  }

  static async open(keys: RogueKeys): Promise<Rogue> {
    const server = createServer((request, response) => void rogue.#answer(request, response))
    const rogue = new Rogue(keys, server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return rogue
  }

  get address(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** A new log of the rogue for an audience. */
  log(audience: Audience): RogueLog {
    const { member, nodeKey, now } = this.keys
    const named = new Set([...(audience.alliances ?? []), ...(audience.community ?? [])])
    const charters = Object.entries(this.charters).filter(([alliance]) => named.has(alliance))
    const log = new RogueLog(member, nodeKey, audience, now, charters)
    this.logs.push(log)
    return log
  }

  /** Tells every reader that follows the rogue's stream what there is now. */
  push(entries: readonly object[] = []): void {
    for (const [response, reader] of this.#streams) response.write(this.#event(reader, entries))
  }

  /** Signs a snapshot; of all logs where none are given. */
  snapshot(reader: MemberId, rows = this.logs.map((log) => log.row()), time = this.keys.now()): Envelope {
    const { member: author, nodeKey } = this.keys
    const previousSequence = this.#sequences.get(reader) ?? 0
    const charters = this.charters as never
    const envelope = signSnapshot({ author, reader, previousSequence, time, charters, logs: rows }, nodeKey)
    this.#sequences.set(reader, envelope.statement.sequence)
    return envelope
  }

  /** Signs a statement in the rogue's own name. */
  statement(type: string, fields: object): Envelope {
    const { member, nodeKey, now } = this.keys
    return signStatement(type, { member, time: now(), ...fields } as never, [nodeKey])
  }

  /** Signs anything at all, also what has not the form of a statement. */
  signed(statement: JsonObject): Envelope {
    const { nodeKey } = this.keys
    const bytes = utf8(`noroshi/${String(statement['type'])}/v1\n${canonicalJson(statement)}`)
    const signature = { key: keyIdOf(nodeKey.publicKey), sig: toBase64(nodeKey.sign(bytes)) }
    return { statement, signatures: [signature] } as Envelope
  }

  /** A request to a node, signed as the protocol wants it. */
  async ask(node: NoroshiNode, target: string, body?: unknown, headers: Record<string, string> = {}) {
    const method = body === undefined ? 'GET' : 'POST'
    const bytes = utf8(body === undefined ? '' : JSON.stringify(body))
    const { member: from, nodeKey: signer, now } = this.keys
    const nonce = Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString('hex')
    const created = Math.floor(now() / 1_000)
    const signed = signLinkRequest(
      { method, target, body: bytes },
      { from, to: node.config.member, created, nonce, signer },
    )
    return fetch(node.url() + target, {
      method,
      headers: { 'content-type': 'application/json', ...signed, ...headers },
      ...(body === undefined ? {} : { body: bytes as Uint8Array<ArrayBuffer> }),
    })
  }

  /** Whether some request matched. */
  wasAsked(pattern: RegExp): boolean {
    return this.requests.some(({ method, target }) => pattern.test(`${method} ${target}`))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const { method = 'GET', url: target = '/', headers } = request
    const reader = String(headers['noroshi-from']) as MemberId
    const asked: Asked = { method, target, reader, headers, body: Buffer.concat(chunks) }
    this.requests.push(asked)
    const honest = () => this.#honest(asked)
    const lie = await this.lie?.(asked, honest)
    if (!lie && target.startsWith('/link/v1/stream')) return this.#stream(reader, response)
    const { status = 200, headers: more = {}, body = '' } = lie ?? honest()
    response.writeHead(status, more)
    if (typeof body === 'string' || body instanceof Uint8Array) return void response.end(body)
    response.on('close', () => void body[Symbol.asyncIterator]().return?.())
    for await (const chunk of body) {
      if (response.destroyed) return
      response.write(chunk)
    }
    response.end()
  }

  #stream(reader: MemberId, response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    this.#streams.set(response, reader)
    response.on('close', () => this.#streams.delete(response))
    response.write(this.#event(reader, []))
  }

  #event(reader: MemberId, entries: readonly object[]): string {
    const snapshot = this.snapshot(reader)
    const { sequence } = snapshot.statement as unknown as { sequence: number }
    return `event: snapshot\nid: ${sequence}\ndata: ${JSON.stringify({ snapshot, entries })}\n\n`
  }

  #honest({ method, target, reader, body }: Asked): Answer {
    const url = new URL(target, 'http://rogue')
    const [, , , what, id, part] = url.pathname.split('/')
    const number = (name: string) => Number(url.searchParams.get(name))
    if (method === 'POST') return json(this.#taken(what, body))
    if (what === 'heads') return json(this.statement('heads', { reader, heads: [] }))
    if (what === 'statements') return json({ statements: [] })
    if (what !== 'logs') return { status: 404, body: '{}' }
    if (id === undefined) return json(this.snapshot(reader))
    const log = this.logs.find((one) => one.id === id)
    if (!log) return { status: 404, body: '{}' }
    if (part === 'checkpoint') return { body: log.note() }
    const [from, to] = [number('from'), number('to')]
    if (part === 'entries') return { body: Buffer.concat(log.entries.slice(from, to).map(asFrame)) }
    const proof = consistencyProof(hashesOf(log), from, to).map(toHex)
    return json({ log: id, from, to, proof })
  }

  #taken(what: string | undefined, body: Buffer): unknown {
    if (what === 'receipts') {
      const { receipts } = JSON.parse(body.toString()) as { receipts: unknown[] }
      return { accepted: receipts.length, refused: [] }
    }
    return what === 'gossip' ? { checkpoints: [] } : { accepted: true }
  }
}

/** An entry of a log with its way to the root of the newest checkpoint, as evidence holds it. */
export const wayOf = (log: RogueLog, index: number): string[] =>
  inclusionProof(hashesOf(log), index, log.entries.length).map(toHex)

/** Hashes of perfect subtrees of a log. */
function hashesOf({ entries }: RogueLog): HashAt {
  const leaves = entries.map(leafHash)
  return (level, index) => rootOf(leaves.slice(index * 2 ** level, (index + 1) * 2 ** level))
}

const json = (value: unknown): Answer => ({
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(value),
})
const asFrame = (bytes: Uint8Array) => encodeFrame({ bytes })
