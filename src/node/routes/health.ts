import type { FastifyInstance } from 'fastify'
import { DiskProbe } from '../disk-probe.ts'
import type { NodeContext } from '../node-context.ts'

/** Health for load balancers, and metrics for Prometheus. */
export function healthRoutes(app: FastifyInstance, node: NodeContext): void {
  const { store, now, publisher } = node
  const disk = new DiskProbe({ store, now, refused: () => publisher.diskRefused })
  app.get('/healthz', { schema: { summary: 'Whether the process answers', tags: ['health'] } }, () => ({
    status: 'ok',
  }))
  app.get(
    '/readyz',
    { schema: { summary: 'Whether the node can do its work', tags: ['health'] } },
    async (_request, reply) => {
      const reason = node.notSigning()
      if (!(await node.isReady())) return reply.code(503).send({ status: 'not ready', ...(reason ? { reason } : {}) })
      const { pending } = node.arming
      if (await disk.takesWrites()) return pending ? { status: 'ready', arming: pending } : { status: 'ready' }
      return reply.code(503).send({ status: 'not ready', reason: 'The disk of the data directory takes no writes.' })
    },
  )
  app.get(
    '/metrics',
    { config: { scopes: ['metrics'] }, schema: { summary: 'Prometheus metrics', tags: ['health'] } },
    async (_request, reply) => {
      const totals = await node.store.totals()
      for (const [what, value] of Object.entries(totals)) node.metrics.store.set({ what }, value)
      for (const [what, value] of Object.entries(node.arming.summary().evaluated))
        node.metrics.evaluated.set({ what }, value)
      return reply.type(node.metrics.registry.contentType).send(await node.metrics.registry.metrics())
    },
  )
}
