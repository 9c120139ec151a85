/** Faults and rare paths, each with how often it happened. A long run in which one of them never did is red. */
export class Coverage {
  readonly counts = new Map<string, number>()

  add(what: CoveredThing, times = 1): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + times)
  }

  merge(counts: Readonly<Record<string, number>>): void {
    for (const [what, times] of Object.entries(counts)) this.counts.set(what, (this.counts.get(what) ?? 0) + times)
  }

  missing(): CoveredThing[] {
    return COVERED.filter((what) => !this.counts.has(what))
  }
}

/** Faults that the plan and the weather bring. */
export const FAULTS = [
  'message lost',
  'message duplicated',
  'messages out of order',
  'old request replayed',
  'cut, both ways',
  'cut, one way',
  'stream half open',
  'stream reset',
  'connection refused',
  'clock jump forwards',
  'clock jump backwards',
  'crash',
  'crash: unsynced lost',
  'crash: unsynced kept',
  'crash: torn write',
  'disk full',
  'sync failed',
  'sync was a lie',
  'bit rot in an entry',
  'bit rot in a checkpoint',
  'restore from a backup',
  'rogue: runs twice',
  'rogue: rolled back',
  'rogue: garbles answers',
] as const

/** What must have followed from them somewhere. */
export const PATHS = [
  'entries published',
  'entries mirrored',
  'entries offered by a member that nobody can call',
  'observer mirrored',
  'second version published',
  'recall published',
  'recall executed',
  'content purged',
  'content expired',
  'stub taken',
  'receipt checked',
  'recall acknowledged',
  'charter amended',
  'charter in force',
  'rival proposed',
  'second vote refused',
  'suspended member turned away',
  'request refused as replayed',
  'request put off',
  'append waited for or refused by the gate',
  'commit refused by the disk',
  'log renewed after a restore',
  'entries brought back by a peer',
  'rot found by fsck',
  'rotten bytes refused by a reader',
  'snapshot stale',
  'clock named as the cause',
  'equivocation proved',
  'rollback proved or told',
] as const

const COVERED = [...FAULTS, ...PATHS]
export type CoveredThing = (typeof COVERED)[number]
