import type { FastifyInstance, FastifyReply } from 'fastify'
import { NodeError } from '../errors.ts'
import type { LiveEvent } from '../event-hub.ts'
import type { NodeContext } from '../node-context.ts'

const KEEPALIVE_MS = 15_000
/** Unsent bytes of a slow reader after which its events are dropped. */
const BACKLOG_BYTES = 65_536

/** Live events for the web page: a hint that something changed, for whoever may see the thing itself. */
export function liveRoutes(app: FastifyInstance, node: NodeContext): void {
  app.get(
    '/api/v1/events',
    { config: { scopes: ['read'] }, schema: { summary: 'Live events (server-sent events)', tags: ['situation'] } },
    async (request, reply) => {
      if (node.hub.size >= node.limits.eventStreams)
        throw new NodeError('RATE_LIMITED', 'Too many event streams are open.')
      const token = request.token
      if (!token) throw new NodeError('UNAUTHENTICATED', 'The request carries no valid token.')
      const reader = node.visibility.readerOf(token)
      const mayHear = (event: LiveEvent) =>
        event.log === undefined ? Promise.resolve(reader.isOperator) : node.visibility.mayReadLog(reader, event.log)

      openStream(reply)
      let queue: Promise<void> = Promise.resolve()
      const stop = node.hub.listen((event) => {
        queue = queue.then(async () => {
          if (reply.raw.writableLength < BACKLOG_BYTES && (await mayHear(event).catch(() => false)) && isStillValid())
            send(reply, event)
        })
      })
      const isStillValid = () =>
        token.id === 'operator' ||
        node.tokens.list().some(({ id, expires }) => id === token.id && (expires ?? Infinity) > node.now())
      const keepalive = setInterval(() => {
        if (isStillValid()) reply.raw.write(': still here\n\n')
        else reply.raw.end()
      }, KEEPALIVE_MS)
      reply.raw.on('close', () => {
        stop()
        clearInterval(keepalive)
      })
      return reply
    },
  )
}

function openStream(reply: FastifyReply): void {
  reply.hijack()
  reply.raw.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
    'x-content-type-options': 'nosniff',
  })
  reply.raw.write(': open\n\n')
}

const send = (reply: FastifyReply, { name, data }: LiveEvent) =>
  reply.raw.write(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`)
