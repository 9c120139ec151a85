// A real node with an alliance-less member, and callers of its TAXII surface.
import { readFile } from 'node:fs/promises'
import { folder, init, noroshi, type Served, serve } from '../cli/command-line.ts'

export const TYPE = 'application/taxii+json;version=2.1'

export interface Caller {
  id: string
  text: string
  /** Asks below /taxii2. */
  ask(path: string, init?: RequestInit): Promise<Response>
}

export interface TaxiiWorld extends AsyncDisposable {
  node: Served
  dir: string
  operator: Caller
  /** A new token's caller. */
  caller(name: string, scope: string): Promise<Caller>
  /** Runs a command on the node; its JSON. */
  run(...args: string[]): Promise<Record<string, unknown>>
}

export async function openTaxiiWorld(): Promise<TaxiiWorld> {
  const home = await folder()
  const dir = home.in('node')
  await init(dir)
  const node = await serve(dir)
  const callerOf = (id: string, text: string): Caller => ({
    id,
    text,
    ask: (path, options = {}) =>
      fetch(`${node.url}/taxii2${path}`, {
        ...options,
        headers: {
          authorization: `Basic ${Buffer.from(`${id}:${text}`).toString('base64')}`,
          accept: TYPE,
          ...(options.headers as Record<string, string>),
        },
      }),
  })
  const run: TaxiiWorld['run'] = async (...args) => {
    const ran = await noroshi([...args, '--dir', dir, '--json'])
    if (ran.code !== 0) throw new Error(`${args.join(' ')}: ${ran.stderr}${ran.stdout}`)
    return ran.json()[0] ?? {}
  }
  return {
    node,
    dir,
    operator: callerOf('operator', node.token),
    run,
    async caller(name, scope) {
      const { token, text } = (await run('token', 'create', name, '--scope', scope)) as unknown as {
        token: { id: string }
        text: string
      }
      return callerOf(token.id, text)
    },
    async [Symbol.asyncDispose]() {
      await node[Symbol.asyncDispose]()
      await home[Symbol.asyncDispose]()
    },
  }
}

/** Memory that a process holds. */
export async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) * 1_024
}

/** Sends objects to a collection. */
export const post = (caller: Caller, path: string, objects: unknown[]): Promise<Response> =>
  caller.ask(`${path}objects/`, {
    method: 'POST',
    headers: { 'content-type': TYPE },
    body: JSON.stringify({ objects }),
  })
