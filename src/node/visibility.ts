import type { LogId, MemberId, Millis } from '#base'
import type { Directory } from '#federation'
import type { LogHead, Store } from '#store'
import type { Submitter } from './client-submissions.ts'
import type { SharingRules } from './sharing-rules.ts'
import type { DeclaredProgram, Token } from './tokens.ts'

/** Who asks: an organisation, over a channel that identified it. */
export interface Reader {
  org: string
  /** The token, by which cursors are bound. */
  tokenId: string
  /** The node's own operator, who also sees what was refused and why. */
  isOperator: boolean
  /** What its program was declared to know. */
  program?: DeclaredProgram
}

/** Answers, for every read, which logs the reader may see; nothing else opens one. */
export class Visibility {
  readonly #store: Store
  readonly #directory: Directory
  readonly #rules: SharingRules
  readonly #now: () => Millis

  constructor(options: { store: Store; directory: Directory; rules: SharingRules; now: () => Millis }) {
    this.#store = options.store
    this.#directory = options.directory
    this.#rules = options.rules
    this.#now = options.now
  }

  get self(): MemberId {
    return this.#directory.self
  }

  /** The reader for whom a token stands. */
  readerOf(token: Token): Reader {
    const { org = this.self, id: tokenId, scope, program } = token
    return { org, tokenId, isOperator: scope === 'operator', ...(program ? { program } : {}) }
  }

  /** Heads of the logs that the reader may see. */
  async logsFor(reader: Reader): Promise<LogHead[]> {
    const heads = await this.#store.logs()
    return heads.filter((head) => this.mayRead(reader, head))
  }

  /** By what the reader's submissions may be judged; absent = everything, for the node's own people. */
  async behind(reader: Reader): Promise<{ submitter?: Submitter }> {
    if (reader.isOperator || reader.org === this.self) return {}
    return { submitter: { org: reader.org, within: await this.logsFor(reader) } }
  }

  /** Whether the reader may see the log; unknown logs are answered like forbidden ones. */
  async mayReadLog(reader: Reader, log: LogId): Promise<boolean> {
    const head = await this.#store.log(log)
    return head !== undefined && this.mayRead(reader, head)
  }

  mayRead(reader: Reader, head: Pick<LogHead, 'audience' | 'author' | 'drill'>): boolean {
    const declared = reader.org === this.self ? OWN_PROGRAM : reader.program
    return this.#rules.admits({
      audience: head.audience,
      author: head.author,
      server: this.self,
      reader: reader.org,
      channel: 'client',
      ...(declared ? { declared } : {}),
      register: this.#rules.register(),
      now: this.#now(),
    }).send
  }

  /** Organisations that a log's audience admits, with the code for each; for the sender's and operator's eyes. */
  recipients(audience: LogHead['audience'], author: MemberId): { member: MemberId; slug: string; code: string }[] {
    const register = this.#rules.register()
    return this.#directory.members().flatMap(({ id, slug }) => {
      if (id === author) return []
      const { send, code } = this.#rules.admits({
        audience,
        author,
        server: author,
        reader: id,
        channel: 'node',
        register,
        now: this.#now(),
      })
      return send ? [{ member: id, slug, code }] : []
    })
  }
}

/** The node's own member reads through this very program, which knows caveats. */
const OWN_PROGRAM = { caveats: true } as const

/** Labels of TLP 2.0 levels, as written in every language. */
export const tlpLabel = (tlp: string): string => `TLP:${tlp.toUpperCase()}`
