import { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import type { NodeContext } from '../node-context.ts'

/** Hands every request of a peer to the federation, byte for byte. */
export function linkRoutes(app: FastifyInstance, node: NodeContext): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  app.route({
    method: ['GET', 'POST'],
    url: '/link/v1/*',
    bodyLimit: node.limits.linkBytes,
    schema: { hide: true } as object,
    async handler(request, reply) {
      const headers = Object.fromEntries(
        Object.entries(request.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
      )
      const body = Buffer.isBuffer(request.body) ? new Uint8Array(request.body) : new Uint8Array()
      const answer = await node.federation.handle({
        method: request.method,
        target: request.raw.url ?? '',
        headers,
        body,
      })
      reply.code(answer.status).headers(answer.headers)
      if ('body' in answer)
        return reply.send(Buffer.from(answer.body.buffer, answer.body.byteOffset, answer.body.byteLength))
      const stream = Readable.from(answer.stream, { objectMode: false })
      request.raw.socket.setNoDelay(true)
      request.raw.on('close', () => stream.destroy())
      stream.on('error', () => reply.raw.destroy())
      return reply.send(stream)
    },
  })
}
