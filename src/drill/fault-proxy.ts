import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/**
 * A TCP relay in front of one node, as one peer sees it, that can be delayed and cut.
 *
 * Each link of a rehearsal goes through two of them, one per direction of dialling.
 */
export interface FaultProxy extends AsyncDisposable {
  readonly port: number
  /** Adds a delay to every chunk, each way, milliseconds. */
  delay(ms: number): void
  /** Breaks what is open and refuses what comes, until `heal`. */
  cut(): void
  heal(): void
}

/** Starts a relay to a port of this machine, on a port of its own. */
export async function openFaultProxy(target: { host: string; port: () => number }): Promise<FaultProxy> {
  let delayMs = 0
  let isCut = false
  const sockets = new Set<Socket>()
  const server: Server = createServer({ allowHalfOpen: true }, (incoming) => {
    if (isCut) {
      incoming.destroy()
      return
    }
    const outgoing = connect({ port: target.port(), host: target.host, allowHalfOpen: true })
    for (const socket of [incoming, outgoing]) {
      sockets.add(socket)
      socket.setNoDelay(true)
      socket.on('error', () => socket.destroy())
      socket.on('close', () => sockets.delete(socket))
    }
    relay(incoming, outgoing, () => delayMs)
    relay(outgoing, incoming, () => delayMs)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const breakAll = () => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    port: (server.address() as AddressInfo).port,
    delay: (ms) => {
      delayMs = ms
    },
    cut: () => {
      isCut = true
      breakAll()
    },
    heal: () => {
      isCut = false
    },
    async [Symbol.asyncDispose]() {
      breakAll()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Passes chunks on in order, each after the delay in force when it arrived; backpressure through pause and resume. */
function relay(from: Socket, to: Socket, delayMs: () => number): void {
  const pass = (chunk: Buffer) => {
    if (to.destroyed) return
    if (!to.write(chunk)) {
      from.pause()
      to.once('drain', () => from.resume())
    }
  }
  let lastDue = 0
  const later = (action: () => void) => {
    const due = Math.max(lastDue, performance.now() + delayMs())
    lastDue = due
    const wait = due - performance.now()
    if (wait <= 0.5) action()
    else setTimeout(action, wait)
  }
  from.on('data', (chunk) => later(() => pass(chunk)))
  from.on('end', () => later(() => to.end()))
  from.on('close', () => later(() => to.destroySoon()))
}
