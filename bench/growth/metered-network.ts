// Counts what goes over a simulated network: a message is a request, an answer, or one piece of a stream.
import type { Transport } from '../../src/federation/api.ts'
import { Network } from '../../src/federation/simulation/network.ts'

/** What went over the network, or out of one member's node. */
export interface Traffic {
  messages: number
  /** Targets, headers and bodies; what TLS and HTTP's framing add is not in it. */
  bytes: number
}

export class MeteredNetwork extends Network {
  /** Which requests, with their answers, are counted. */
  isCounted: (target: string) => boolean = () => true
  readonly #sent = new Map<string, Traffic>()

  override transport(from: string, isAlive: () => boolean): Transport {
    const send = super.transport(from, isAlive)
    return async (to, request) => {
      if (!this.isCounted(request.target)) return send(to, request)
      this.#count(from, request.target.length + lengthOf(request.headers) + request.body.length)
      const answer = await send(to, request)
      const head = lengthOf(answer.headers)
      if (answer.body instanceof Uint8Array) {
        this.#count(to, head + answer.body.length)
        return answer
      }
      this.#count(to, head)
      return { ...answer, body: this.#counted(to, answer.body) }
    }
  }

  /** Everything so far, of all or of one address. */
  traffic(address?: string): Traffic {
    const all =
      address === undefined ? [...this.#sent.values()] : [this.#sent.get(address) ?? { messages: 0, bytes: 0 }]
    return all.reduce((sum, { messages, bytes }) => ({ messages: sum.messages + messages, bytes: sum.bytes + bytes }), {
      messages: 0,
      bytes: 0,
    })
  }

  async *#counted(from: string, stream: AsyncIterable<Uint8Array>) {
    for await (const piece of stream) {
      this.#count(from, piece.length)
      yield piece
    }
  }

  #count(from: string, bytes: number): void {
    const known = this.#sent.get(from) ?? { messages: 0, bytes: 0 }
    this.#sent.set(from, { messages: known.messages + 1, bytes: known.bytes + bytes })
  }
}

const lengthOf = (headers: Readonly<Record<string, string>>): number =>
  Object.entries(headers).reduce((sum, [name, value]) => sum + name.length + value.length + 4, 0)
