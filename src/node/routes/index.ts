import type { FastifyInstance } from 'fastify'
import type { NodeContext } from '../node-context.ts'
import { airGapRoutes } from './air-gap.ts'
import { allianceRoutes } from './alliances.ts'
import { drillRoutes } from './drills.ts'
import { evidenceRoutes } from './evidence.ts'
import { grantRoutes } from './grants.ts'
import { healthRoutes } from './health.ts'
import { journalRoutes } from './journals.ts'
import { keyRoutes } from './keys.ts'
import { linkRoutes } from './link.ts'
import { linkListRoutes } from './links.ts'
import { liveRoutes } from './live.ts'
import { objectRoutes } from './objects.ts'
import { ownNodeClientRoutes } from './own-node-clients.ts'
import { publishRoutes } from './publish.ts'
import { quotaRoutes } from './quotas.ts'
import { retentionRoutes } from './retention.ts'
import { statusRoutes } from './status.ts'
import { submissionRoutes } from './submissions.ts'
import { taxiiRoutes } from './taxii.ts'
import { taxiiSourceRoutes } from './taxii-sources.ts'
import { taskRoutes } from './tasks.ts'
import { telemetryRoutes } from './telemetry.ts'
import { tokenRoutes } from './tokens.ts'

/** Every route of a node; a new one is a file here and a line in this list. */
export const routes: readonly ((app: FastifyInstance, node: NodeContext) => void | Promise<void>)[] = [
  healthRoutes,
  statusRoutes,
  objectRoutes,
  publishRoutes,
  grantRoutes,
  submissionRoutes,
  telemetryRoutes,
  journalRoutes,
  evidenceRoutes,
  liveRoutes,
  allianceRoutes,
  ownNodeClientRoutes,
  airGapRoutes,
  linkListRoutes,
  quotaRoutes,
  retentionRoutes,
  taskRoutes,
  tokenRoutes,
  drillRoutes,
  keyRoutes,
  taxiiRoutes,
  taxiiSourceRoutes,
  linkRoutes,
]
