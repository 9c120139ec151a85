import type { Millis } from '#base'

/** Tries of one request. */
const TRIES = 7
/** One try takes at most this long, and is given up where nothing comes for so long. */
const TRY_MS = 120_000
const IDLE_MS = 30_000
/** Bytes of one page of objects, unpacked: ATT&CK Enterprise in one page, with room to grow. */
const ANSWER_BYTES = 134_217_728

/** What is sent. */
export interface ClientRequest {
  method: 'GET' | 'POST'
  headers: Record<string, string>
  body?: Buffer
  redirect: 'manual'
  signal: AbortSignal
}

/** What comes back; the `Response` of `fetch` is one. Its body is unpacked already. */
export interface ClientResponse {
  status: number
  headers: Headers
  body: AsyncIterable<Uint8Array> | null
}

/** What a client takes from outside. */
export interface ClientOptions {
  fetch: (url: string, init: ClientRequest) => Promise<ClientResponse>
  /** Value of the Authorization header; shown to the origin of the first address alone. */
  authorization?: string
  sleep: (ms: number) => Promise<void>
  now: () => Millis
  /** From 0 to 1. */
  random: () => number
  /** Hears of pauses and oddities. */
  note?: (message: string) => void
  /** Tries of one request. */
  tries?: number
  /** Milliseconds of one try, and without a byte. */
  tryMs?: number
  idleMs?: number
  /** Bytes of one page. */
  answerBytes?: number
}

/** An answer of another server. */
export interface ClientAnswer {
  headers: Headers
  body: Buffer
}

/** The limits in force. */
export const limitsOf = ({
  tries = TRIES,
  tryMs = TRY_MS,
  idleMs = IDLE_MS,
  answerBytes = ANSWER_BYTES,
}: ClientOptions) => ({
  tries,
  tryMs,
  idleMs: Math.min(idleMs, tryMs),
  answerBytes,
})
