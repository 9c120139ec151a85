import type { Millis } from '#base'
import { TAXII_TYPE } from '../media-type.ts'
import { mayBeTaxii } from '../oddities/loose-media-type.ts'
import { TaxiiClientError } from './error.ts'

/** Tries of one request. */
const TRIES = 7
/** First pause between tries; it doubles, with up to as much again by chance. */
const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 60_000
/** Longest pause that a server can ask for. */
const LONGEST_RETRY_AFTER_MS = 600_000
/** One try takes at most this long. */
const TRY_MS = 120_000
/** Bytes of one answer. */
const ANSWER_BYTES = 134_217_728
const PASSING = new Set([408, 425, 429, 500, 502, 503, 504])

/** What a client takes from outside. */
export interface ClientOptions {
  fetch: (url: string, init: RequestInit) => Promise<Response>
  /** Value of the Authorization header. */
  authorization?: string
  sleep: (ms: number) => Promise<void>
  now: () => Millis
  /** From 0 to 1. */
  random: () => number
  /** Hears of pauses and oddities. */
  note?: (message: string) => void
}

/** An answer of another server. */
export interface ClientAnswer {
  headers: Headers
  body: Buffer
  /** The body as JSON. */
  value: Record<string, unknown>
}

/** Speaks to one server: waits and tries again where that may help. */
export class TaxiiHttp {
  readonly #o: ClientOptions

  constructor(options: ClientOptions) {
    this.#o = options
  }

  note(message: string): void {
    this.#o.note?.(message)
  }

  get(url: string): Promise<ClientAnswer> {
    return this.#send(url, { method: 'GET' })
  }

  post(url: string, body: Buffer): Promise<ClientAnswer> {
    return this.#send(url, { method: 'POST', body, headers: { 'content-type': TAXII_TYPE } })
  }

  sleep(ms: number): Promise<void> {
    return this.#o.sleep(ms)
  }

  async #send(url: string, init: RequestInit): Promise<ClientAnswer> {
    requireTls(url)
    for (let tried = 1; ; tried++) {
      let pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (tried - 1)) * (1 + this.#o.random())
      let fault: TaxiiClientError
      try {
        const answer = await this.#o.fetch(url, {
          ...init,
          headers: {
            accept: TAXII_TYPE,
            ...(this.#o.authorization === undefined ? {} : { authorization: this.#o.authorization }),
            ...(init.headers as Record<string, string>),
          },
          signal: AbortSignal.timeout(TRY_MS),
        })
        const body = await readBody(answer)
        if (answer.ok) return { headers: answer.headers, body, value: parse(url, answer, body) }
        fault = refusal(url, answer, body)
        if (!PASSING.has(answer.status)) throw fault
        pause = retryAfter(answer.headers.get('retry-after'), this.#o.now()) ?? pause
      } catch (cause) {
        if (cause instanceof TaxiiClientError) throw cause
        fault = new TaxiiClientError('TAXII_SERVER_UNREACHABLE', `${url} does not answer: ${messageOf(cause)}.`, {
          cause,
        })
      }
      if (tried === TRIES) throw fault
      this.note(`${fault.message} Trying again in ${Math.ceil(pause / 1_000)} s.`)
      await this.#o.sleep(pause)
    }
  }
}

/** Milliseconds that a Retry-After header asks for: seconds, or a date. */
export function retryAfter(header: string | null, now: Millis): number | undefined {
  if (header === null) return undefined
  const ms = /^\s*\d+\s*$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - now
  return Number.isNaN(ms) ? undefined : Math.min(LONGEST_RETRY_AFTER_MS, Math.max(0, ms))
}

function requireTls(url: string): void {
  const { protocol, hostname } = new URL(url)
  const isLoopback = hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.')
  if (protocol === 'https:' || (protocol === 'http:' && isLoopback)) return
  throw new TaxiiClientError(
    'TAXII_TLS_REQUIRED',
    `${url}: give an https address; plain http is for this machine alone.`,
  )
}

async function readBody(answer: Response): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of (answer.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.length
    if (size > ANSWER_BYTES)
      throw new TaxiiClientError(
        'TAXII_SERVER_ODD',
        `${answer.url} answers more than ${ANSWER_BYTES} bytes; ask for smaller pages.`,
      )
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function parse(url: string, answer: Response, body: Buffer): Record<string, unknown> {
  if (body.length === 0) return {}
  try {
    if (mayBeTaxii(answer.headers.get('content-type'))) {
      const value = JSON.parse(body.toString()) as unknown
      if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
    }
  } catch {
    // Named below.
  }
  throw new TaxiiClientError('TAXII_SERVER_ODD', `${url} answers, but not in TAXII's form; check the address.`)
}

function refusal(url: string, { status }: Response, body: Buffer): TaxiiClientError {
  let said = ''
  try {
    const { title, description } = JSON.parse(body.toString()) as { title?: unknown; description?: unknown }
    said = [title, description]
      .filter((text) => typeof text === 'string')
      .join(': ')
      .slice(0, 300)
  } catch {
    // Nothing that a person would want to read.
  }
  const hint = HINTS[status] ?? ''
  return new TaxiiClientError(
    'TAXII_SERVER_REFUSED',
    `${url} answers ${status}${said === '' ? '' : ` (${said})`}.${hint}`,
    {
      details: { status },
    },
  )
}

const HINTS: Readonly<Record<number, string>> = {
  401: ' Check user and password, or token.',
  403: ' This account may not do that there.',
  404: ' Check the address and the collection; accounts see only what they may.',
  406: ' It may speak another version of TAXII; 2.1 is needed.',
}

const messageOf = (cause: unknown) => {
  const inner = (cause as { cause?: { message?: string } }).cause
  return inner?.message ?? (cause instanceof Error ? cause.message : String(cause))
}
