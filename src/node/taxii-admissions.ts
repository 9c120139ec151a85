/**
 * Which logs each organisation has been reading over TAXII, so that one to which it is admitted only later is new to it:
 * what stood in such a log already is shown at numbers set aside at that moment, above all that the organisation has read.
 * What it is shown is durable here before it is shown. @see docs/decisions/0021-late-visibility.md
 */
import type { LogId } from '#base'
import type { BodyStore, Change, LateAdmission, LogHead, Micros, ReaderBounds } from '#store'
import { Turns } from './taxii-turns.ts'
import type { Reader, Visibility } from './visibility.ts'

const READERS = 'taxii-readers'
const ADMISSIONS = 'taxii-admissions'
/** Changes of one commit. */
const COMMIT_CHANGES = 10_000

/** What a reader sees, at one moment: nothing that comes later is in its pages. */
export interface Sight extends ReaderBounds {
  heads: LogHead[]
  late: ReadonlyMap<LogId, LateAdmission>
  addedUpTo: Micros
}

/** What is known of an organisation's reading. */
interface Known {
  /** It has read before. */
  hasRead: boolean
  /** Every log that it may read, as of its last request. */
  logs: Map<LogId, LateAdmission | undefined>
  /** All that it may have read has numbers up to this; absent since the start. */
  seen?: Micros
}

/** Tells how each organisation sees the logs that it may read. */
export class TaxiiAdmissions {
  readonly #store: BodyStore
  readonly #visibility: Pick<Visibility, 'logsFor'>
  readonly #turns = new Turns()
  readonly #known = new Map<string, Known>()

  constructor(store: BodyStore, visibility: Pick<Visibility, 'logsFor'>) {
    this.#store = store
    this.#visibility = visibility
  }

  /** What the reader sees now; drills are in no collection, because who reads over TAXII acts on what it reads. */
  sightOf(reader: Reader): Promise<Sight> {
    return this.#turns.take(sightName(reader), () => this.#look(reader))
  }

  async #look(reader: Reader): Promise<Sight> {
    const org = sightName(reader)
    const known = this.#known.get(org) ?? (await this.#load(org))
    this.#known.set(org, known)
    // Before the logs: their heads cover all that has numbers up to it.
    let addedUpTo = await this.#store.lastAdded()
    const heads = (await this.#visibility.logsFor(reader)).filter(({ drill }) => drill === undefined)
    if (await this.#follow(org, known, heads, known.seen ?? addedUpTo)) addedUpTo = await this.#store.lastAdded()
    known.seen = Math.max(known.seen ?? 0, addedUpTo)
    const late = new Map<LogId, LateAdmission>()
    for (const [log, admission] of known.logs) if (admission) late.set(log, admission)
    return { heads, late, addedUpTo }
  }

  /** Keeps what was gained and lost since the last request, before anything of it is shown. */
  async #follow(org: string, known: Known, heads: readonly LogHead[], seen: Micros): Promise<boolean> {
    const now = new Set(heads.map(({ log }) => log))
    const lost = [...known.logs.keys()].filter((log) => !now.has(log))
    const gained = heads.filter(({ log }) => !known.logs.has(log))
    if (lost.length === 0 && gained.length === 0 && known.hasRead) return false
    const admissions = await this.#admit(gained, known.hasRead ? seen : 0)
    const changes: Change[] = lost.map((log) => ({ op: 'delete', collection: ADMISSIONS, key: `${org} ${log}` }))
    for (const [log, admission] of admissions)
      changes.push({ op: 'put', collection: ADMISSIONS, key: `${org} ${log}`, value: { ...admission } })
    for (let from = 0; from < changes.length; from += COMMIT_CHANGES)
      await this.#store.commit(changes.slice(from, from + COMMIT_CHANGES))
    // Last: until it stands, the organisation has read nothing.
    if (!known.hasRead) await this.#store.commit([{ op: 'put', collection: READERS, key: org, value: {} }])
    for (const log of lost) known.logs.delete(log)
    for (const [log, admission] of admissions) known.logs.set(log, admission)
    known.hasRead = true
    return true
  }

  /** Sets numbers aside for what stood in the logs while the organisation read others. */
  async #admit(
    gained: readonly LogHead[],
    seen: Micros,
  ): Promise<(readonly [log: LogId, admission: LateAdmission | undefined])[]> {
    const isLate = ({ arrived }: LogHead) => arrived * 1_000 <= seen
    const count = gained.filter(isLate).reduce((sum, { size }) => sum + size, 0)
    const [reserved] = count === 0 ? [] : await this.#store.commit([{ op: 'reserve', count }])
    let base = reserved?.op === 'reserve' ? reserved.first : 0
    return gained.map((head) => {
      if (!isLate(head)) return [head.log, undefined]
      const admission = { upTo: seen, base, size: head.size }
      base += head.size
      return [head.log, admission]
    })
  }

  async #load(org: string): Promise<Known> {
    const known: Known = { hasRead: (await this.#store.record(READERS, org)) !== undefined, logs: new Map() }
    const prefix = `${org} `
    for await (const { key, value } of this.#store.records<Partial<LateAdmission>>(ADMISSIONS, { prefix })) {
      const admission = value.base === undefined ? undefined : (value as LateAdmission)
      known.logs.set(key.slice(prefix.length) as LogId, admission)
    }
    return known
  }
}

/** Under which name a reader's sight is kept: programs of one organisation that see differently are followed apart. */
function sightName({ org, program = {} }: Reader): string {
  return `${org}${program.caveats ? '+caveats' : ''}${program.tlpVersion === 1 ? '+tlp1' : ''}`
}
