import { createHash, timingSafeEqual } from 'node:crypto'
import type { Json, JsonObject, Millis } from '#base'
import type { Store } from '#store'
import { NodeError } from './errors.ts'

/** What a token allows. `operator` allows everything; the others only what their routes name. */
export type Scope = 'operator' | 'read' | 'publish' | 'submit' | 'telemetry' | 'metrics'

/** What a program was declared to know of markings. @see SHARING-RULES section 7 */
export interface DeclaredProgram {
  /** It keeps to Noroshi's caveats, and passes them on with the data. */
  caveats?: boolean
  /** 1: it knows no AMBER+STRICT. */
  tlpVersion?: 1
}

/** A token as it is kept: never its text. */
export interface Token {
  id: string
  name: string
  scope: Scope
  /** Organisation for which its bearer reads; absent = the node's own member. */
  org?: string
  /** What the program behind it was declared to know; absent: nothing of it. */
  program?: DeclaredProgram
  created: Millis
  expires?: Millis
}

const COLLECTION = 'tokens'
const TOKEN_BYTES = 32
const ID_BYTES = 8

/** Keeps the access tokens of a node: only their hashes are stored. */
export class Tokens {
  readonly #store: Store
  readonly #now: () => Millis
  readonly #random: (bytes: number) => Uint8Array
  readonly #operatorHash: string
  readonly #limit: number
  readonly #byHash = new Map<string, Token>()

  private constructor(options: TokensOptions) {
    this.#store = options.store
    this.#now = options.now
    this.#random = options.random
    this.#operatorHash = hashOf(options.operatorToken)
    this.#limit = options.limit
  }

  static async open(options: TokensOptions): Promise<Tokens> {
    const tokens = new Tokens(options)
    for await (const { key, value } of options.store.records<JsonObject>(COLLECTION)) {
      tokens.#byHash.set(key, value as unknown as Token)
    }
    return tokens
  }

  /** The token of a text, unless it is unknown or expired. */
  find(text: string): Token | undefined {
    const hash = hashOf(text)
    if (timingSafeEqual(Buffer.from(hash), Buffer.from(this.#operatorHash)))
      return { id: 'operator', name: 'operator', scope: 'operator', created: 0 }
    const token = this.#byHash.get(hash)
    if (!token || (token.expires !== undefined && token.expires <= this.#now())) return undefined
    return token
  }

  /** Makes a token; its text is shown this once. @throws INPUT_INVALID */
  async create(fields: {
    name: string
    scope: Scope
    org?: string
    program?: DeclaredProgram
    expires?: Millis
  }): Promise<{ token: Token; text: string }> {
    if (this.#byHash.size >= this.#limit)
      throw new NodeError('INPUT_INVALID', `This node already keeps ${this.#limit} tokens; revoke some.`)
    if (fields.expires !== undefined && fields.expires <= this.#now())
      throw new NodeError('INPUT_INVALID', 'expires: the time lies in the past.')
    const id = Buffer.from(this.#random(ID_BYTES)).toString('hex')
    const text = `noroshi_${fields.scope}_${Buffer.from(this.#random(TOKEN_BYTES)).toString('base64url')}`
    const token: Token = { id, ...fields, created: this.#now() }
    await this.#store.commit([
      { op: 'put', collection: COLLECTION, key: hashOf(text), value: token as unknown as Json },
    ])
    this.#byHash.set(hashOf(text), token)
    return { token, text }
  }

  list(): Token[] {
    return [...this.#byHash.values()].sort((a, b) => a.created - b.created || (a.id < b.id ? -1 : 1))
  }

  /** Revokes a token at once; false where there is none with this id. */
  async revoke(id: string): Promise<boolean> {
    const found = [...this.#byHash].find(([, token]) => token.id === id)
    if (!found) return false
    this.#byHash.delete(found[0])
    await this.#store.commit([{ op: 'delete', collection: COLLECTION, key: found[0] }])
    return true
  }
}

/** What `Tokens.open` is handed. */
export interface TokensOptions {
  store: Store
  now: () => Millis
  random: (bytes: number) => Uint8Array
  operatorToken: string
  /** Most tokens kept. */
  limit: number
}

const hashOf = (text: string) => createHash('sha256').update('noroshi token\n').update(text).digest('hex')
