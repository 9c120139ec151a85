import type { FastifyInstance } from 'fastify'
import Type, { type Static } from 'typebox'
import type { NodeContext } from '../node-context.ts'
import { closed, Tlp } from '../schemas.ts'

/** A hundred years: longer is for good, which needs no rule. */
const DAYS_MOST = 36_500

const Rule = Type.Object(
  {
    tlp: Tlp,
    days: Type.Union([Type.Integer({ minimum: 1, maximum: DAYS_MOST }), Type.Null()], {
      description: 'Days from publication; null takes the rule away',
    }),
    dryRun: Type.Optional(Type.Boolean({ description: 'Only count what the rule would end now' })),
  },
  closed,
)

/** How long own objects are kept, by level. */
export function retentionRoutes(app: FastifyInstance, node: NodeContext): void {
  const config = { scopes: [] }
  const tags = ['retention']

  app.get('/api/v1/retention', { config, schema: { summary: 'Rules of retention', tags } }, async () => ({
    rules: await node.retention.rules(),
  }))

  app.post<{ Body: Static<typeof Rule> }>(
    '/api/v1/retention',
    { config, schema: { summary: 'Set, try or take away the rule of a level', tags, body: Rule } },
    async (request) => {
      const { tlp, days, dryRun = false } = request.body
      if (dryRun) return { ended: days === null ? [] : await node.retention.run(true, { tlp, days }), dryRun }
      await node.retention.set(tlp, days)
      return { rules: await node.retention.rules(), ended: await node.retention.run(false) }
    },
  )
}
