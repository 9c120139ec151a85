import type { Json, Millis } from '#base'
import type { Change, Store } from '#store'
import { NodeError } from '../errors.ts'
import { noCounts, type ShownSource, type Source, type SourceState } from './source.ts'
import { readAccount, shownAccount } from './source-account.ts'
import { DEFINITIONS, WaitingAmount } from './waiting.ts'

const SOURCES = 'taxii-sources'
const STATES = 'taxii-source-states'

/** Sources and how far each has come, as the store keeps them. */
export class SourceRecords {
  readonly #o: { dir: string; store: Store; now: () => Millis }

  constructor(options: { dir: string; store: Store; now: () => Millis }) {
    this.#o = options
  }

  async all(): Promise<Source[]> {
    return Array.fromAsync(this.#o.store.records<Json>(SOURCES), ({ value }) => value as unknown as Source)
  }

  /** @throws NOT_FOUND */
  async source(name: string): Promise<Source> {
    const value = await this.#o.store.record<Json>(SOURCES, name)
    if (value === undefined) throw new NodeError('NOT_FOUND', `There is no source ${name}; noroshi taxii source list.`)
    return value as unknown as Source
  }

  /** Begun anew where another collection is meant than before. */
  async state(source: Source): Promise<SourceState> {
    const kept = (await this.#o.store.record<Json>(STATES, source.name)) as unknown as SourceState | undefined
    if (!kept) return this.fresh(source)
    if (kept.about === aboutOf(source)) return kept
    const { url: _url, ...rest } = kept
    return { ...rest, about: aboutOf(source), position: {} }
  }

  fresh(source: Source): SourceState {
    return {
      about: aboutOf(source),
      position: {},
      judged: source.revision,
      nextRun: this.#o.now(),
      failures: 0,
      total: noCounts(),
      losses: {},
    }
  }

  async shown(source: Source): Promise<ShownSource> {
    const { dir, store } = this.#o
    const { objects: waiting } = await WaitingAmount.of(store, source.name)
    const account = shownAccount(await readAccount(dir, source.name))
    return { ...source, account, state: await this.state(source), waiting }
  }

  /** Keeps the state together with other changes, in one commit. */
  async save(name: string, state: SourceState, changes: readonly Change[]): Promise<void> {
    const value = state as unknown as Json
    await this.#o.store.commit([...changes, { op: 'put', collection: STATES, key: name, value }])
  }

  async remove(name: string): Promise<void> {
    const definitions = await Array.fromAsync(this.#o.store.records(DEFINITIONS, { prefix: `${name} ` }))
    await this.#o.store.commit([
      { op: 'delete', collection: SOURCES, key: name },
      { op: 'delete', collection: STATES, key: name },
      ...definitions.map(({ key }): Change => ({ op: 'delete', collection: DEFINITIONS, key })),
    ])
  }
}

export const putSource = (source: Source): Change => ({
  op: 'put',
  collection: SOURCES,
  key: source.name,
  value: source as unknown as Json,
})

/** What a position depends on. */
const aboutOf = ({ address, collection, types }: Source): string => JSON.stringify([address, collection, types])
