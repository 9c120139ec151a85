import { isJsonObject, JsonError, parseJson } from '#base'
import { TAXII_TYPE } from '../media-type.ts'
import { mayBeTaxii } from '../oddities/loose-media-type.ts'
import { speaksTaxii1 } from '../oddities/taxii-1.ts'
import { type ClientAnswer, type ClientOptions, type ClientResponse, limitsOf } from './client-options.ts'
import { TaxiiClientError } from './error.ts'
import { requireTls, sameOrigin, toRedirected } from './redirect.ts'
import { refusal, retryAfter } from './refusal.ts'

/** First pause between tries; it doubles, with up to as much again by chance. */
const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 60_000
/** Tries of a request that is answered too slowly, or by broken JSON: it may pass, but costs time and traffic. */
const COSTLY_TRIES = 3
const REDIRECTS = 5
/** Bytes of an answer that is no page of objects. */
const RESOURCE_BYTES = 4_194_304
const PASSING = new Set([408, 425, 429, 500, 502, 503, 504])

interface Sent {
  method: 'GET' | 'POST'
  body?: Buffer
}

/** Speaks to one server: waits and tries again where that may help; bounds what an answer costs. */
export class TaxiiHttp {
  readonly #o: ClientOptions
  readonly #limits: ReturnType<typeof limitsOf>
  /** Origin of the first address: only there the account is shown. */
  #home: string | undefined

  constructor(options: ClientOptions) {
    this.#o = options
    this.#limits = limitsOf(options)
  }

  note(message: string): void {
    this.#o.note?.(message)
  }

  sleep(ms: number): Promise<void> {
    return this.#o.sleep(ms)
  }

  /** A resource other than a page of objects. @throws TaxiiClientError */
  get(url: string): Promise<ClientAnswer & { value: Record<string, unknown> }> {
    return this.#resource(url, { method: 'GET' })
  }

  post(url: string, body: Buffer): Promise<ClientAnswer & { value: Record<string, unknown> }> {
    return this.#resource(url, { method: 'POST', body })
  }

  /** A page of objects, read by `read`, which throws TaxiiClientError TAXII_SERVER_ODD for one that came broken. */
  page<T>(url: string, read: (answer: ClientAnswer) => T): Promise<T> {
    return this.#patiently(url, { method: 'GET' }, this.#limits.answerBytes, read)
  }

  #resource(url: string, sent: Sent) {
    return this.#patiently(url, sent, RESOURCE_BYTES, (answer) => ({ ...answer, value: toObject(url, answer.body) }))
  }

  async #patiently<T>(url: string, sent: Sent, maxBytes: number, read: (answer: ClientAnswer) => T): Promise<T> {
    for (let tried = 1; ; tried++) {
      let pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (tried - 1)) * (1 + this.#o.random())
      let fault: TaxiiClientError
      try {
        const { status, answer, from } = await this.#once(url, sent, maxBytes)
        if (status >= 200 && status < 300) {
          requireTaxii(from, answer)
          return read(answer)
        }
        fault = refusal(from, status, answer)
        if (!PASSING.has(status)) throw fault
        pause = retryAfter(answer.headers.get('retry-after'), this.#o.now()) ?? pause
      } catch (error) {
        if (!(error instanceof TaxiiClientError)) throw error
        if (!isPassing(error) || (error.details['costly'] === true && tried >= COSTLY_TRIES)) throw error
        fault = error
      }
      if (tried >= this.#limits.tries) throw fault
      this.note(`${fault.message} Trying again in ${Math.ceil(pause / 1_000)} s.`)
      await this.#o.sleep(pause)
    }
  }

  /** One try, with its redirects, each of which is asked without the account where it leads to another origin. */
  async #once(url: string, sent: Sent, maxBytes: number) {
    const { tryMs, idleMs } = this.#limits
    this.#home ??= new URL(url).origin
    const stop = new AbortController()
    const why = { slow: '' }
    const end = (what: string) => {
      why.slow = what
      stop.abort()
    }
    const whole = setTimeout(() => end(`did not finish within ${tryMs / 1_000} s`), tryMs)
    const idle = setTimeout(() => end(`sent nothing for ${idleMs / 1_000} s`), idleMs)
    let from = url
    try {
      for (let redirects = 0; ; redirects++) {
        requireTls(from)
        const response = await this.#o.fetch(from, { ...this.#init(from, sent), signal: stop.signal })
        idle.refresh()
        const to = toRedirected(from, response)
        if (to === undefined) {
          const body = await readBody(from, response, maxBytes, () => void idle.refresh())
          return { status: response.status, answer: { headers: response.headers, body }, from }
        }
        await discard(response)
        if (redirects === REDIRECTS)
          throw new TaxiiClientError('TAXII_SERVER_ODD', `${url} redirects more than ${REDIRECTS} times.`)
        from = to
      }
    } catch (cause) {
      if (cause instanceof TaxiiClientError) throw cause
      const slow = why.slow === '' ? undefined : `${from} ${why.slow}.`
      throw new TaxiiClientError(
        'TAXII_SERVER_UNREACHABLE',
        slow ?? `${from} does not answer: ${messageOf(cause)}.`,
        slow === undefined ? { cause } : { cause, details: { costly: true } },
      )
    } finally {
      clearTimeout(whole)
      clearTimeout(idle)
    }
  }

  #init(url: string, { method, body }: Sent) {
    const { authorization } = this.#o
    const knowsUs = authorization !== undefined && sameOrigin(url, this.#home ?? '')
    return {
      method,
      redirect: 'manual' as const,
      headers: {
        accept: TAXII_TYPE,
        ...(knowsUs ? { authorization } : {}),
        ...(body === undefined ? {} : { 'content-type': TAXII_TYPE }),
      },
      ...(body === undefined ? {} : { body }),
    }
  }
}

const isPassing = ({ code, details }: TaxiiClientError) =>
  code === 'TAXII_SERVER_UNREACHABLE' || (code === 'TAXII_SERVER_ODD' && details['costly'] === true)

async function readBody(url: string, answer: ClientResponse, maxBytes: number, progress: () => void): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of answer.body ?? []) {
    progress()
    size += chunk.length
    if (size > maxBytes)
      throw new TaxiiClientError('TAXII_SERVER_ODD', `${url} answers more than ${maxBytes} bytes.`, {
        details: { isTooLarge: true },
      })
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** Takes no more of a body that nobody wants. */
async function discard({ body }: ClientResponse): Promise<void> {
  try {
    await body?.[Symbol.asyncIterator]().return?.(undefined)
  } catch {
    // The connection is given up either way.
  }
}

function requireTaxii(url: string, { headers }: ClientAnswer): void {
  if (speaksTaxii1(headers))
    throw new TaxiiClientError(
      'TAXII_SERVER_ODD',
      `${url} speaks TAXII 1, which is another protocol; 2.1 is needed. Ask its operator for the address of TAXII 2.1.`,
    )
  if (!mayBeTaxii(headers.get('content-type')))
    throw new TaxiiClientError('TAXII_SERVER_ODD', `${url} answers, but not in TAXII's form; check the address.`)
}

function toObject(url: string, body: Buffer): Record<string, unknown> {
  if (body.length === 0) return {}
  try {
    const value = parseJson(body, { maxBytes: RESOURCE_BYTES })
    if (isJsonObject(value)) return value
  } catch (cause) {
    if (!(cause instanceof JsonError)) throw cause
    throw new TaxiiClientError('TAXII_SERVER_ODD', `${url} answers with broken JSON: ${cause.message}.`, {
      cause,
      details: { costly: true },
    })
  }
  throw new TaxiiClientError('TAXII_SERVER_ODD', `${url} answers, but not in TAXII's form; check the address.`)
}

const messageOf = (cause: unknown) => {
  const inner = (cause as { cause?: { message?: string } }).cause
  return (inner?.message || (cause instanceof Error ? cause.message : String(cause))).replace(/\.$/, '')
}
