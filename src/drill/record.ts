import type { JsonObject } from '#base'

/** Everything that a run of a scenario left behind; `measure` turns it into figures, and nothing else does. */
export interface DrillRecord {
  drill: string
  scenario: string
  title: Readonly<Record<string, string>>
  summary: Readonly<Record<string, string>>
  /** Clock of the director, milliseconds; all times below are on it or corrected to it. */
  started: number
  ended: number
  members: DrillMember[]
  waves: WaveRecord[]
  waveTitles: Readonly<Record<string, Readonly<Record<string, string>>>>
  signals: SignalRecord[]
  cuts: { between: [string, string]; from: number; until: number }[]
  delays: { between: [string, string]; ms: number }[]
  receipts: ReceiptRecord[]
  /** Signed `evidence` statements: the members' own journals. */
  evidence: JsonObject[]
  probes: ProbeRecord[]
  operations: OperationRecord[]
  benign: { member: string; events: number; alerted: number }[]
  expectations: JsonObject[]
  techniques: readonly string[]
}

export interface DrillMember {
  key: string
  member: string
  slug: string
  name: string
  nation: string
  alliances: string[]
  /** Node's clock minus the director's, milliseconds, and the bound of its error (half the round trip). */
  clock: { offsetMs: number; errorMs: number }
  /** Node key, base64: the receipts and the evidence verify under it. */
  key64: string
}

/** The replays of one wave at one member. */
export interface WaveRecord {
  wave: string
  member: string
  /** When the first replay was handed to the member. */
  started: number
  ended: number
  replays: number
  /** Replays left out because earlier ones had not been answered. */
  skipped: number
  /** First match by a rule and by an address of this wave; absent = missed. */
  first: { rule?: FirstMatch; address?: FirstMatch }
  /** ATT&CK techniques whose rule matched here. */
  techniques?: string[]
}

export interface FirstMatch {
  /** On the director's clock. */
  time: number
  /** Number of the replay that matched; earlier ones are the misses. */
  replay: number
  value: string
  /** Id of the indicator or title of the rule. */
  what: string
}

export interface SignalRecord {
  id: string
  by: string
  tlp: string
  wave?: string
  canary: string
  /** When the author acknowledged it as durable. */
  published: number
  objects: { id: string; log: string; index: number }[]
  /** How many Sigma rules and addresses it carries, and the techniques each kind is about. */
  rules: number
  addresses: number
  techniques: { rule: string[]; address: string[] }
  /** Member keys that the author's release named. */
  entitled: string[]
  /** Member keys where the objects were found at the end. */
  holders: string[]
}

export interface ReceiptRecord {
  kind: 'received' | 'armed'
  from: string
  author: string
  log: string
  size: number
  /** Claimed by the receiver, corrected to the director's clock. */
  time: number
  /** The author's own arrival time of the receipt: the upper bound. */
  arrived: number
  envelope: JsonObject
}

/** One attempt to obtain a signal where it may not be. */
export interface ProbeRecord {
  signal: string
  reader: string
  way: string
  found: boolean
}

/** What was tried during a cut at the members that it touched. */
export interface OperationRecord {
  member: string
  operation: 'ingest' | 'search' | 'publish'
  time: number
  ok: boolean
}
