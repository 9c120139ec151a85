import type { FastifyInstance } from 'fastify'
import type { NodeContext } from '../node-context.ts'

/** The node's own keys: taking up what the command line prepared in the data directory. */
export function keyRoutes(app: FastifyInstance, node: NodeContext): void {
  app.post(
    '/api/v1/keys',
    {
      config: { scopes: [] },
      schema: {
        summary: 'Take up the keys that wait in the data directory: peers are told, then they sign',
        tags: ['keys'],
      },
    },
    () => node.takeKeys(),
  )
}
