import type { Command } from 'commander'
import {
  NodeError,
  pinnedTls,
  readConfig,
  readEnvironment,
  readOperatorToken,
  readRunning,
  type NodeErrorCode,
  ERRORS,
} from '#node'
import { UsageError } from './command.ts'
import { pinnedFetch } from './pinned-fetch.ts'

/** Options by which a command finds its node. */
export interface NodeOptions {
  dir?: string
  url?: string
  token?: string
}

/** Adds those options to a command. */
export const withNodeOptions = (command: Command): Command =>
  command
    .option('--dir <dir>', 'data directory of a node that runs on this machine (NOROSHI_DIR)')
    .option('--url <url>', 'address of the node (NOROSHI_URL)')
    .option('--token <token>', 'token for it (better: NOROSHI_TOKEN)')

/** What may be sent as a body. */
export type RequestBody = NonNullable<RequestInit['body']>

/** The REST surface of one node. */
export interface NodeClient {
  readonly dir?: string
  readonly url: string
  get<T>(path: string): Promise<T>
  post<T>(path: string, body: unknown, status?: (code: number) => void): Promise<T>
  patch<T>(path: string, body: unknown): Promise<T>
  delete(path: string): Promise<void>
  /** The raw answer, after it was found to be a good one. */
  send(
    method: string,
    path: string,
    options?: { body?: RequestBody; headers?: Record<string, string> },
  ): Promise<Response>
}

const ANSWER_TIMEOUT_MS = 600_000

/** Finds the node of a command: by --url, or by what its data directory says. */
export async function findNode(options: NodeOptions): Promise<NodeClient> {
  const environment = readEnvironment()
  const dir = options.dir ?? environment.dir
  const address = options.url ?? (dir === undefined ? environment.url : undefined)
  if (address !== undefined) {
    const token = options.token ?? environment.token
    if (token === undefined)
      throw new UsageError('A node at --url needs a token: set NOROSHI_TOKEN, or give --dir on the node’s machine.')
    return clientOf(address.replace(/\/+$/, ''), token)
  }
  if (dir === undefined) throw new UsageError('Which node? Give --dir DIR or --url URL, or set NOROSHI_DIR.')
  await readConfig(dir)
  const token = options.token ?? (await readOperatorToken(dir))
  const running = await readRunning(dir)
  if (!running) throw new NodeError('NODE_UNREACHABLE', `The node of ${dir} is not running.`)
  const fetchNode = running.url.startsWith('https:') ? pinnedFetch(await pinnedTls(running)) : fetch
  return { ...clientOf(running.url, token, fetchNode), dir }
}

function clientOf(url: string, token: string, fetchNode: typeof fetch = fetch): NodeClient {
  const send: NodeClient['send'] = async (method, path, { body, headers } = {}) => {
    const response = await request(fetchNode, url, method, path, { authorization: `Bearer ${token}`, ...headers }, body)
    if (response.ok) return response
    throw await failureOf(response, url)
  }
  return {
    url,
    send,
    get: async <T>(path: string) => (await (await send('GET', path)).json()) as T,
    async post<T>(path: string, body: unknown, status?: (code: number) => void) {
      const response = await send('POST', path, {
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json' },
      })
      status?.(response.status)
      const text = await response.text()
      return (text === '' ? {} : JSON.parse(text)) as T
    },
    async patch<T>(path: string, body: unknown) {
      const headers = { 'content-type': 'application/json' }
      return (await (await send('PATCH', path, { body: JSON.stringify(body), headers })).json()) as T
    },
    delete: async (path) => void (await (await send('DELETE', path)).arrayBuffer()),
  }
}

async function request(
  fetchNode: typeof fetch,
  url: string,
  method: string,
  path: string,
  headers: Record<string, string>,
  body: RequestBody | undefined,
): Promise<Response> {
  try {
    const options: RequestInit & { duplex?: 'half' } = {
      method,
      headers,
      signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
    }
    if (body !== undefined) Object.assign(options, { body, duplex: 'half' })
    return await fetchNode(url + path, options)
  } catch (cause) {
    throw new NodeError('NODE_UNREACHABLE', `The node at ${url} does not answer.`, { cause })
  }
}

/** The error that problem details describe. */
async function failureOf(response: Response, url: string): Promise<NodeError> {
  const text = await response.text()
  try {
    const { code, detail } = JSON.parse(text) as { code: NodeErrorCode; detail: string }
    if (code in ERRORS) return new NodeError(code, detail)
  } catch {
    // Not problem details: something else answers there.
  }
  return new NodeError('NODE_UNREACHABLE', `${url} answered ${response.status}, but not as a Noroshi node does.`)
}
