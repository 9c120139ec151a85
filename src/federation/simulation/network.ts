import type { LinkRequest, LinkResponse, Transport, TransportResponse } from '../api.ts'
import type { Seeded } from './seeded.ts'
import type { VirtualTime } from './virtual-time.ts'

/** How bad the network is. */
export interface Weather {
  delayMs: readonly [least: number, most: number]
  /** Part of messages that never arrive. */
  loss: number
  /** Part of requests that arrive twice. */
  duplication: number
}

/** Whatever answers at an address now. */
export type Endpoint = { handle: (request: LinkRequest) => Promise<LinkResponse>; isAlive: () => boolean }

/** A network of addresses whose every delay, loss, duplicate and cut comes from the seed; delays reorder messages. */
export class Network {
  weather: Weather
  readonly #time: VirtualTime
  readonly #seeded: Seeded
  readonly #endpoints = new Map<string, Endpoint>()
  readonly #cuts = new Set<string>()

  constructor(time: VirtualTime, seeded: Seeded, weather: Weather) {
    this.#time = time
    this.#seeded = seeded
    this.weather = weather
  }

  listen(address: string, endpoint: Endpoint): void {
    this.#endpoints.set(address, endpoint)
  }

  cut(a: string, b: string): void {
    this.#cuts.add(pairOf(a, b))
  }

  heal(): void {
    this.#cuts.clear()
  }

  /** The transport of the process at `from`. */
  transport(from: string, isAlive: () => boolean): Transport {
    return (to, request) =>
      new Promise((resolve, reject) => {
        const settle = (deliver: () => void) => this.#message(from, to, 'answer', () => isAlive() && deliver())
        const arrive = (isFirst: boolean) => {
          const endpoint = this.#endpoints.get(to)
          if (!endpoint?.isAlive()) {
            settle(() => reject(new Error('connection refused')))
            return
          }
          const { method, target, headers, body } = request
          void endpoint.handle({ method, target, headers, body }).then((answer) => {
            if (!isFirst || !endpoint.isAlive()) return
            settle(() => resolve(this.#toResponse(from, to, endpoint, answer)))
          })
        }
        this.#message(from, to, 'request', () => arrive(true))
        if (this.#seeded.chance(this.weather.duplication)) this.#message(from, to, 'duplicate', () => arrive(false))
      })
  }

  #message(from: string, to: string, what: string, deliver: () => void): void {
    const delay = this.#seeded.between(...this.weather.delayMs)
    if (this.#seeded.chance(this.weather.loss)) return
    this.#time.after(delay, `${what} ${from} ${to}`, () => {
      if (!this.#cuts.has(pairOf(from, to))) deliver()
    })
  }

  #toResponse(from: string, to: string, endpoint: Endpoint, answer: LinkResponse): TransportResponse {
    const { status, headers } = answer
    return 'body' in answer
      ? { status, headers, body: answer.body }
      : { status, headers, body: this.#chunks(from, to, endpoint, answer.stream) }
  }

  /** Chunks of a stream, in order, each with its delay; a lost one ends the connection, as TCP would in the end. */
  async *#chunks(from: string, to: string, endpoint: Endpoint, stream: AsyncIterable<Uint8Array>) {
    const source = stream[Symbol.asyncIterator]()
    try {
      while (true) {
        const { done, value } = await source.next()
        if (done || !endpoint.isAlive()) return
        if (this.#seeded.chance(this.weather.loss) || this.#cuts.has(pairOf(from, to)))
          throw new Error('connection reset')
        const delay = this.#seeded.between(...this.weather.delayMs)
        await new Promise<void>((resolve) => this.#time.after(delay, `chunk ${to} ${from}`, resolve))
        if (this.#cuts.has(pairOf(from, to))) throw new Error('connection reset')
        yield value
      }
    } finally {
      void source.return?.()
    }
  }
}

const pairOf = (a: string, b: string) => (a < b ? `${a} ${b}` : `${b} ${a}`)
