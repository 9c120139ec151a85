import type { LinkRequest, LinkResponse, Transport, TransportResponse } from '../api.ts'
import type { Coverage } from './coverage.ts'
import type { Seeded } from './seeded.ts'
import type { VirtualTime } from './virtual-time.ts'

/** How bad the network is. */
export interface Weather {
  delayMs: readonly [least: number, most: number]
  /** Part of messages that never arrive. */
  loss: number
  /** Part of requests that arrive twice. */
  duplication: number
  /** Part of requests that somebody in between sends once more, seconds to minutes later. */
  replay: number
}

/** Whatever answers at an address now. */
export interface Endpoint {
  handle: (request: LinkRequest) => Promise<LinkResponse>
  isAlive: () => boolean
  /** Which callers reach it; a member that runs twice answers some here and some there. */
  answers?: (from: string) => boolean
  /** What a dishonest member does to its own answers. */
  garble?: (body: Uint8Array) => Uint8Array
}

/** Who asked whom for what. */
interface Asked {
  from: string
  to: string
  target: string
  isAlive: () => boolean
}

/** What the simulator hears of answers on their way. */
export type Overheard = (server: string, reader: string, target: string, status: number, body: Uint8Array) => void

/** A network of addresses whose every delay, loss, duplicate and cut comes from the seed; delays reorder messages. */
export class Network {
  weather: Weather
  overheard: Overheard = () => undefined
  readonly #time: VirtualTime
  readonly #seeded: Seeded
  readonly #coverage: Coverage
  readonly #endpoints = new Map<string, Endpoint[]>()
  /** Directions in which nothing arrives. */
  readonly #cuts = new Set<string>()
  /** Directions in which open streams have gone silent, without an end. */
  readonly #silent = new Set<string>()
  readonly #latest = new Map<string, number>()

  constructor(time: VirtualTime, seeded: Seeded, weather: Weather, coverage: Coverage) {
    this.#time = time
    this.#seeded = seeded
    this.weather = weather
    this.#coverage = coverage
  }

  listen(address: string, endpoint: Endpoint): void {
    const others = (this.#endpoints.get(address) ?? []).filter((one) => one.isAlive())
    this.#endpoints.set(address, [...others, endpoint])
  }

  /** Nothing from one reaches the other. */
  cut(from: string, to: string): void {
    this.#cuts.add(way(from, to))
  }

  mend(from: string, to: string): void {
    this.#cuts.delete(way(from, to))
    this.#silent.delete(way(from, to))
  }

  /** Streams from one to the other stay open and bring nothing more. */
  silence(from: string, to: string): void {
    this.#silent.add(way(from, to))
  }

  heal(): void {
    this.#cuts.clear()
    this.#silent.clear()
  }

  /** The transport of the process at `from`. */
  transport(from: string, isAlive: () => boolean): Transport {
    return (to, { method, target, headers, body }) =>
      new Promise((resolve, reject) => {
        // What a process that died still has in its hands goes nowhere.
        if (!isAlive()) return
        const settle = (deliver: () => void) => this.#message(to, from, 'answer', () => isAlive() && deliver())
        const arrive = (isFirst: boolean) => {
          const endpoint = this.#at(to, from)
          if (!endpoint) {
            this.#coverage.add('connection refused')
            if (isFirst) settle(() => reject(new Error('connection refused')))
            return
          }
          void endpoint.handle({ method, target, headers, body }).then((answer) => {
            if (!endpoint.isAlive()) return
            const response = this.#toResponse({ from, to, target, isAlive }, endpoint, answer)
            if (isFirst) settle(() => resolve(response))
            else if ('stream' in answer) void answer.stream[Symbol.asyncIterator]().return?.()
          })
        }
        this.#message(from, to, `request ${target.length} ${body.length}`, () => arrive(true))
        const { duplication, replay } = this.weather
        if (this.#seeded.chance(duplication)) this.#again(from, to, 'message duplicated', 0, arrive)
        if (this.#seeded.chance(replay))
          this.#again(from, to, 'old request replayed', this.#seeded.between(1_000, 130_000), arrive)
      })
  }

  #again(
    from: string,
    to: string,
    what: 'message duplicated' | 'old request replayed',
    after: number,
    arrive: (isFirst: boolean) => void,
  ) {
    this.#coverage.add(what)
    this.#message(from, to, what, () => arrive(false), after)
  }

  #at(to: string, from: string): Endpoint | undefined {
    return this.#endpoints.get(to)?.findLast((one) => one.isAlive() && (one.answers?.(from) ?? true))
  }

  #message(from: string, to: string, what: string, deliver: () => void, after = 0): void {
    const delay = after + this.#seeded.between(...this.weather.delayMs)
    if (this.#seeded.chance(this.weather.loss)) {
      this.#coverage.add('message lost')
      return
    }
    const arrival = this.#time.now + delay
    const latest = this.#latest.get(way(from, to)) ?? 0
    if (arrival < latest) this.#coverage.add('messages out of order')
    else this.#latest.set(way(from, to), arrival)
    this.#time.after(delay, `${what} ${from} ${to}`, () => {
      if (!this.#cuts.has(way(from, to))) deliver()
    })
  }

  #toResponse(asked: Asked, endpoint: Endpoint, answer: LinkResponse): TransportResponse {
    const { from, to, target } = asked
    const { status, headers } = answer
    if ('body' in answer) {
      this.overheard(to, from, target, status, answer.body)
      return { status, headers, body: endpoint.garble?.(answer.body) ?? answer.body }
    }
    return { status, headers, body: this.#chunks(asked, endpoint, answer.stream) }
  }

  /** Chunks of a stream, in order, each with its delay; a lost one ends the connection, as TCP would in the end. */
  async *#chunks({ from, to, target, isAlive }: Asked, endpoint: Endpoint, stream: AsyncIterable<Uint8Array>) {
    const source = stream[Symbol.asyncIterator]()
    try {
      while (true) {
        const { done, value } = await source.next()
        if (done || !endpoint.isAlive() || !isAlive()) return
        this.overheard(to, from, target, 200, value)
        if (this.#silent.has(way(to, from))) {
          this.#coverage.add('stream half open')
          await new Promise(() => undefined)
        }
        if (this.#seeded.chance(this.weather.loss) || this.#cuts.has(way(to, from))) this.#reset()
        const delay = this.#seeded.between(...this.weather.delayMs)
        await new Promise<void>((resolve) => this.#time.after(delay, `chunk ${to} ${from} ${value.length}`, resolve))
        if (!isAlive()) return
        if (this.#cuts.has(way(to, from))) this.#reset()
        yield endpoint.garble?.(value) ?? value
      }
    } finally {
      void source.return?.()
    }
  }

  #reset(): never {
    this.#coverage.add('stream reset')
    throw new Error('connection reset')
  }
}

const way = (from: string, to: string) => `${from} > ${to}`
