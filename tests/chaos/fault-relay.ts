// A TCP relay on one direction of one link, with the faults that networks have.
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/**
 * What a link may suffer; each lasts until it is healed. `full` is the device whose table is full: streams that stand go
 * on, and nothing new gets through.
 */
export const FAULTS = ['cut', 'delay', 'trickle', 'half-open', 'reset', 'double', 'blackhole', 'full'] as const
export type Fault = (typeof FAULTS)[number]

/** Longer than a request is short, shorter than one may last. */
const DELAY_MS = 400
/** One piece each tenth of a second: a large answer never ends in time. */
const TRICKLE_BYTES = 200
const TRICKLE_MS = 100
/** Bytes of an answer after which a `reset` link breaks it: in the middle of a body. */
const RESET_AFTER_BYTES = 700
/** A request begins with its own packet: one connection has one request at a time. */
const REQUEST_LINE = /^(GET|POST) (\/link\/v1\/[a-z]+)/
const STREAM = 'GET /link/v1/stream'
const REQUEST_LINE_BYTES = 64

export interface FaultRelay extends AsyncDisposable {
  readonly port: number
  inflict(fault: Fault): void
  /** `forgets`: connections that were silenced are reset, as by a device that lost its table; else they stay silent. */
  heal(forgets: boolean): void
  /** Connections that this relay has spoiled. */
  readonly spoiled: number
  /** Whether a stream is open that has been answered and is not silenced. */
  readonly hasStream: boolean
  /** Requests that came so far, by method and path: `POST /link/v1/offer`. */
  requests(what: string): number
}

/** Starts a relay to whatever port the target has at the time; none while it does not run. */
export async function openFaultRelay(target: () => number | undefined): Promise<FaultRelay> {
  let fault: Fault | undefined
  let spoiled = 0
  const open = new Set<Socket>()
  const callers = new Set<Socket>()
  const silenced = new Set<Socket>()
  const asked = new Map<string, number>()
  /** Connections of callers whose request is a stream; true once it was answered. */
  const streams = new Map<Socket, boolean>()
  const track = (socket: Socket) => {
    open.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      open.delete(socket)
      silenced.delete(socket)
      streams.delete(socket)
    })
  }
  const silence = (socket: Socket) => {
    spoiled++
    silenced.add(socket)
  }
  const server: Server = createServer((incoming) => {
    track(incoming)
    callers.add(incoming)
    incoming.on('close', () => callers.delete(incoming))
    const port = target()
    if (fault === 'cut' || fault === 'full' || port === undefined) {
      spoiled++
      incoming.resetAndDestroy()
      return
    }
    if (fault === 'blackhole') {
      silence(incoming)
      incoming.resume()
      return
    }
    const outgoing = connect(port, '127.0.0.1')
    track(outgoing)
    const twin = fault === 'double' ? connect(port, '127.0.0.1') : undefined
    if (twin) {
      spoiled++
      track(twin)
      twin.resume()
    }
    incoming.on('close', () => {
      outgoing.destroy()
      twin?.destroy()
    })
    outgoing.on('close', () => !silenced.has(incoming) && incoming.destroy())
    let answered = 0
    incoming.on('data', (chunk) => {
      if (silenced.has(incoming)) return
      const [, method, path] = REQUEST_LINE.exec(chunk.toString('latin1', 0, REQUEST_LINE_BYTES)) ?? []
      if (method !== undefined) {
        const what = `${method} ${path}`
        asked.set(what, (asked.get(what) ?? 0) + 1)
        if (what === STREAM) streams.set(incoming, false)
        else streams.delete(incoming)
      }
      pass(outgoing, chunk)
      if (twin && !twin.destroyed) pass(twin, chunk)
    })
    outgoing.on('data', (chunk) => {
      if (silenced.has(incoming)) return
      answered += chunk.length
      if (streams.get(incoming) === false) streams.set(incoming, chunk.toString('latin1', 0, 12) === 'HTTP/1.1 200')
      if (fault === 'half-open' || fault === 'blackhole') silence(incoming)
      else if (fault === 'reset' && answered > RESET_AFTER_BYTES) {
        spoiled++
        incoming.write(chunk.subarray(0, chunk.length >> 1), () => incoming.resetAndDestroy())
      } else pass(incoming, chunk)
    })
  })
  // Bytes keep their order whatever the fault was when they came: each piece waits for the one before it.
  const queues = new WeakMap<Socket, Promise<void>>()
  const pass = (to: Socket, chunk: Buffer) => {
    const before = queues.get(to) ?? Promise.resolve()
    queues.set(
      to,
      before.then(() => deliver(to, chunk)),
    )
  }
  const deliver = async (to: Socket, chunk: Buffer): Promise<void> => {
    if (fault === 'delay') await sleep(DELAY_MS)
    for (let at = 0; at < chunk.length && !to.destroyed;) {
      const end = fault === 'trickle' ? at + TRICKLE_BYTES : chunk.length
      if (!to.write(chunk.subarray(at, end)))
        await Promise.race([once(to, 'drain'), once(to, 'close')]).catch(() => undefined)
      if (fault === 'trickle') await sleep(TRICKLE_MS)
      at = end
    }
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    get spoiled() {
      return spoiled
    },
    get hasStream() {
      return [...streams].some(([socket, isAnswered]) => isAnswered && !silenced.has(socket))
    },
    requests: (what) => asked.get(what) ?? 0,
    inflict(next) {
      fault = next
      if (next === 'cut') for (const socket of open) socket.resetAndDestroy()
      if (next === 'full') for (const socket of callers) if (!streams.has(socket)) socket.resetAndDestroy()
      if (next === 'half-open' || next === 'blackhole') for (const socket of open) silence(socket)
    },
    heal(forgets) {
      fault = undefined
      if (forgets) for (const socket of silenced) socket.resetAndDestroy()
    },
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
