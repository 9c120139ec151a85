// The HTTP door of a node: over one connection that stays open, or in this process, which costs half as much.
import { Agent, type IncomingMessage, request } from 'node:http'
import type { NodeContext } from '../../src/node/node-context.ts'
import { openHttpServer } from '../../src/node/http-server.ts'

/** A raw answer. */
export interface Reply {
  status: number
  headers: Record<string, string>
  body: Buffer
}

/** One question of a reader. */
interface Question {
  method: string
  path: string
  headers: Record<string, string>
  body?: string | Buffer
}

/** Asks a node's server. */
export class Door {
  readonly ask: (question: Question) => Promise<Reply>
  readonly close: () => Promise<unknown>

  private constructor(ask: Door['ask'], close: Door['close']) {
    this.ask = ask
    this.close = close
  }

  static overSockets(url: string): Door {
    const { hostname, port } = new URL(url)
    const agent = new Agent({ keepAlive: true })
    const ask = ({ body, path, ...question }: Question) =>
      new Promise<Reply>((done, failed) => {
        const asked = request({ ...question, hostname, port, agent, path: encodeURI(path).replaceAll('%25', '%') })
        asked.on('error', failed)
        asked.on('response', (response) => done(replyOf(response)))
        asked.end(body)
      })
    return new Door(ask, async () => agent.destroy())
  }

  /** A server of its own over the same node. */
  static async inProcess(node: NodeContext): Promise<Door> {
    const { app } = await openHttpServer(node, { host: '127.0.0.1', port: 0, webRoot: '/nowhere' })
    const ask = async ({ method, path, headers, body }: Question): Promise<Reply> => {
      const asked = { method: method as 'GET', url: path, headers, ...(body === undefined ? {} : { payload: body }) }
      const response = await app.inject(asked)
      return {
        status: response.statusCode,
        headers: response.headers as Record<string, string>,
        body: response.rawPayload,
      }
    }
    return new Door(ask, () => app.close())
  }
}

async function replyOf(response: IncomingMessage): Promise<Reply> {
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  const { statusCode: status = 0, headers } = response
  return { status, headers: headers as Record<string, string>, body: Buffer.concat(chunks) }
}
