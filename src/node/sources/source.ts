import Type, { type Static } from 'typebox'
import type { Millis } from '#base'
import type { Level } from '#policy'
import type { MarkingRule, Position } from '#taxii'
import { closed, SLUG_PATTERN, Target, Tlp } from '../schemas.ts'
import type { Losses } from './losses.ts'
import type { SourceAccount } from './source-account.ts'

/** Time between two runs, in milliseconds. */
export const SHORTEST_INTERVAL_MS = 5_000
export const LONGEST_INTERVAL_MS = 7 * 86_400_000
/** Sources of one node. */
export const MAX_SOURCES = 200

const Identity = Type.String({ pattern: '^identity--[0-9a-f-]{36}$' })
const Text = (most: number) => Type.String({ minLength: 1, maxLength: most })
/** Settings that may be changed. */
const settings = {
  address: Type.String({ pattern: '^https?://[^\\s]{1,2000}$', description: 'Discovery, API root or collection' }),
  collection: Type.Optional(Text(250)),
  everyMs: Type.Integer({ minimum: SHORTEST_INTERVAL_MS, maximum: LONGEST_INTERVAL_MS }),
  tlp: Type.Optional(
    Type.Union([Tlp, Type.Literal('none')], {
      description: 'Level of what carries none; "none" or absent: quarantine',
    }),
  ),
  to: Type.Optional(Type.Array(Target, { maxItems: 100 })),
  types: Type.Optional(Type.Array(Type.String({ pattern: '^[a-z0-9-]{3,250}$' }), { maxItems: 50 })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100_000, description: 'Objects of one page' })),
  markings: Type.Optional(
    Type.Array(Type.Object({ marking: Text(500), tlp: Tlp }, closed), {
      maxItems: 500,
      description: 'Id of a marking-definition, or TYPE:TEXT of its definition, and the level that it means',
    }),
  ),
  authors: Type.Optional(
    Type.Array(Type.Object({ from: Identity, to: Identity }, closed), {
      maxItems: 1_000,
      description: 'created_by_ref of the source, and the identity that it becomes',
    }),
  ),
  allowPrivate: Type.Optional(Type.Boolean({ description: 'Private and loopback addresses may be asked' })),
  paused: Type.Optional(Type.Boolean()),
  account: Type.Optional(
    Type.Union([
      Type.Object({ user: Text(250), password: Text(1_000) }, closed),
      Type.Object({ token: Text(4_000) }, closed),
      Type.Object({}, closed),
    ]),
  ),
}

/** Body that adds a source. */
export const AddSource = Type.Object({ name: Type.String({ pattern: SLUG_PATTERN.source }), ...settings }, closed)
/** Body that changes one. */
export const ChangeSource = Type.Partial(Type.Object(settings), closed)
interface Typed {
  tlp?: Level | 'none'
  markings?: MarkingRule[]
  account?: SourceAccount
}
export type AddSourceBody = Omit<Static<typeof AddSource>, keyof Typed> & Typed
export type ChangeSourceBody = Omit<Static<typeof ChangeSource>, keyof Typed> & Typed

/** A collection of another server that the node takes from, as its operator set it up; kept in the store. */
export interface Source extends Omit<AddSourceBody, 'account'> {
  created: Millis
  /** Grows with each change of what objects become: what waits is then judged again. */
  revision: number
}

/** A source as its operator sees it. */
export interface ShownSource extends Source {
  /** Never its password or token. */
  account: { user: string } | { token: true } | null
  state: SourceState
  /** Objects in quarantine. */
  waiting: number
}

/** What runs did. */
export interface Counts {
  pages: number
  taken: number
  quarantined: number
  lost: number
}

/** One run, or the one that runs. */
export interface Run extends Counts {
  number: number
  started: Millis
  ended?: Millis
  result: 'running' | 'done' | 'failed' | 'stopped'
  error?: string
  /** What the client noticed on the way; the first ones. */
  notes: string[]
  losses: Losses
}

/** How far a source has come; kept in the store, in the commit that makes its page count. */
export interface SourceState {
  /** Address, collection and types for which the position holds. */
  about: string
  /** Address of the collection, once it was found. */
  url?: string
  position: Position
  /** Revision of the settings by which waiting objects were last judged. */
  judged: number
  nextRun: Millis
  failures: number
  lastError?: string
  lastErrorTime?: Millis
  lastSuccess?: Millis
  total: Counts
  losses: Losses
  run?: Run
}

/** How a source does, in brief. */
export interface SourceHealth {
  name: string
  paused: boolean
  result?: Run['result']
  /** Runs that failed one after the other. */
  failures: number
  lastSuccess?: Millis
  lastError?: string
  lastErrorTime?: Millis
}

export const noCounts = (): Counts => ({ pages: 0, taken: 0, quarantined: 0, lost: 0 })
