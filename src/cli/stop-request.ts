import { EXIT } from './command.ts'

/** A terminal's Ctrl-C reaches a process more than once: by its group, and by each parent that passes it on. */
const SAME_REQUEST_MS = 1_000

/** A person's or a supervisor's wish that the command ends. */
export interface StopRequest extends Disposable {
  /** Aborted at the first request, with an `Interrupted`. */
  readonly signal: AbortSignal
  /** Resolves at the first request. */
  readonly asked: Promise<void>
}

/** Why the work was given up. */
export class Interrupted extends Error {}

/**
 * Listens for SIGINT, SIGTERM and SIGHUP until disposed. The first one asks the work to stop in order; a further one, a
 * second or more later, ends the process at once, after what listens to its `exit` has cleaned up.
 */
export function listenForStop(onAsked: () => void = () => undefined): StopRequest {
  const controller = new AbortController()
  const { promise: asked, resolve } = Promise.withResolvers<void>()
  let since: number | undefined
  const ask = (name: NodeJS.Signals) => {
    if (since === undefined) {
      since = performance.now()
      onAsked()
      controller.abort(new Interrupted(name))
      resolve()
    } else if (performance.now() - since >= SAME_REQUEST_MS) process.exit(EXIT.failed)
  }
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const name of names) process.on(name, ask)
  return {
    signal: controller.signal,
    asked,
    [Symbol.dispose]() {
      for (const name of names) process.off(name, ask)
    },
  }
}

/** How long a process that was asked to stop, and has cleaned up, may still wait for what it left half done. */
const LINGER_MS = 500

/** The result of the work, or undefined where it was given up because of the request. */
export async function unlessStopped<T>(stop: StopRequest, work: () => Promise<T>): Promise<T | undefined> {
  try {
    stop.signal.throwIfAborted()
    return await work()
  } catch (error) {
    if (!stop.signal.aborted) throw error
    setTimeout(() => process.exit(), LINGER_MS).unref()
    return undefined
  }
}
