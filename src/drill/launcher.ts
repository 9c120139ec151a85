import type { Scenario } from './scenario.ts'

/** A node that takes part in a drill, as the director reaches it. */
export interface DrillNode {
  /** Key of the member in the scenario, such as `jp`. */
  key: string
  member: string
  slug: string
  /** Base URL of the node's HTTP surface. */
  url: string
  /** Operator token. */
  token: string
  /** Data directory, where the drill may read it (rehearsals): the canary probe looks at the bytes on disk. */
  folder?: string
}

/** The alliance in which a drill runs: real processes of this machine in a rehearsal. */
export interface DrillNetwork extends AsyncDisposable {
  nodes: ReadonlyMap<string, DrillNode>
  /** Cuts or heals the link between two members. */
  cut(a: string, b: string): void
  heal(a: string, b: string): void
  /** Adds delay each way on the link between two members, milliseconds. */
  delay(a: string, b: string, ms: number): void
}

/** Starts the nodes of a scenario; `node` hands one to the drill. */
export type Launcher = (scenario: Scenario, progress: (text: string) => void) => Promise<DrillNetwork>
