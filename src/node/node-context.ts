import type { FastifyRequest } from 'fastify'
import type { MemberId, Millis } from '#base'
import type { Signer } from '#log'
import type { Directory, Federation } from '#federation'
import type { VersionStore } from '#store'
import type { Arming } from './arming.ts'
import type { NodeConfig } from './config.ts'
import type { CursorSeal } from './cursor.ts'
import type { DrillResults } from './drill-results.ts'
import type { EventHub } from './event-hub.ts'
import type { NodeEvents } from './events.ts'
import type { Grants } from './grants.ts'
import type { KeyChanged } from './key-turn.ts'
import type { Limits } from './limits.ts'
import type { Metrics } from './metrics.ts'
import type { Publisher } from './publish.ts'
import type { RecallWork } from './recall-tasks.ts'
import type { RemoteRoot } from './remote-root.ts'
import type { Retention } from './retention.ts'
import type { Sightings } from './sightings.ts'
import type { Situation } from './situation.ts'
import type { Sources } from './sources/sources.ts'
import type { Tasks } from './tasks.ts'
import type { Telemetry } from './telemetry.ts'
import type { Tokens } from './tokens.ts'
import type { Reader, Visibility } from './visibility.ts'

/** Everything a node is made of, as its routes and its tests reach it. */
export interface NodeContext {
  /** Data directory. */
  readonly dir: string
  readonly config: NodeConfig
  readonly limits: Limits
  readonly version: string
  readonly started: Millis
  readonly now: () => Millis
  readonly nodeKey: Signer
  readonly store: VersionStore
  readonly federation: Federation
  readonly directory: Directory
  readonly root: RemoteRoot
  readonly publisher: Publisher
  readonly arming: Arming
  readonly sightings: Sightings
  readonly retention: Retention
  readonly telemetry: Telemetry
  readonly situation: Situation
  readonly drills: DrillResults
  readonly visibility: Visibility
  readonly tokens: Tokens
  readonly sources: Sources
  /** Takes back what it published, and looks for copies of what anybody took back. */
  readonly recallWork: RecallWork
  /** Own objects for organisations that their audiences do not reach. */
  readonly grants: Grants
  /** What waits for a person. */
  readonly tasks: Tasks
  readonly cursors: CursorSeal
  readonly events: NodeEvents
  readonly hub: EventHub
  readonly metrics: Metrics
  /** Where the node is served; empty before it is. */
  url(): string
  isReady(): Promise<boolean>
  /** Why this node signs nothing yet; undefined once it does. */
  notSigning(): string | undefined
  slugOf(member: MemberId): string
  /** For whom a request reads. */
  readerOf(request: FastifyRequest): Reader
  /** Makes the key that waits in the data directory the node's own; links go on meanwhile. */
  takeKeys(): Promise<KeyChanged>
}
