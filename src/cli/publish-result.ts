import { explain, type ReasonCode } from '#policy'
import { table } from './output.ts'

interface Recipient {
  member: string
  slug?: string
  code: string
}

/** One object version that was published, or would be. */
export interface Published {
  id: string
  log?: string
  index?: number
  audience: { tlp: string; epochs?: readonly string[] }
  recipients: (string | Recipient)[]
}

/** The node's answer to a publication, or to the preview of one. */
export interface Result {
  dryRun?: true
  published: Published[]
  refused: { id: string; code: string; message: string }[]
  refusedByType?: Record<string, Record<string, number>>
}

/** Refusals listed one by one; the others are counted. */
const LISTED_REFUSALS = 10

/** The answers to several requests as one: what was in two of them counts once. */
export class JoinedResult {
  /** Rows by what they stand in, a log or the audience of one to come, and there by index or id. */
  readonly #published = new Map<string, Map<string | number, Published>>()
  readonly #refused = new Map<string, Result['refused'][number]>()
  /** Values that many rows share, by their JSON. */
  readonly #shared = new Map<string, unknown>()
  #isDryRun = false

  add(result: Partial<Result>): void {
    this.#isDryRun ||= result.dryRun === true
    const versions = new Map<string, number>()
    for (const { audience, recipients, log, ...row } of result.published ?? []) {
      const to = JSON.stringify(audience)
      const place = log ?? to
      const rows = this.#published.get(place) ?? new Map<string | number, Published>()
      this.#published.set(place, rows)
      rows.set(row.index ?? versionKey(row.id, versions), {
        ...row,
        ...(log === undefined ? {} : { log: this.#share(log, log) }),
        audience: this.#share(to, audience),
        recipients: this.#share(JSON.stringify(recipients), recipients),
      })
    }
    for (const refusal of result.refused ?? []) this.#refused.set(`${refusal.id} ${refusal.code}`, refusal)
  }

  get result(): Result {
    const refused = [...this.#refused.values()]
    const refusedByType: Record<string, Record<string, number>> = {}
    for (const { id, code } of refused) {
      const types = (refusedByType[code] ??= {})
      const type = id.includes('--') ? id.slice(0, id.indexOf('--')) : 'unknown'
      types[type] = (types[type] ?? 0) + 1
    }
    return {
      ...(this.#isDryRun ? { dryRun: true as const } : {}),
      published: [...this.#published.values()].flatMap((rows) => [...rows.values()]),
      refused,
      ...(refused.length === 0 ? {} : { refusedByType }),
    }
  }

  #share<T>(key: string, value: T): T {
    if (!this.#shared.has(key)) this.#shared.set(key, value)
    return this.#shared.get(key) as T
  }
}

/** An id, and which of its versions in one answer this is. */
function versionKey(id: string, versions: Map<string, number>): string {
  const n = versions.get(id) ?? 0
  versions.set(id, n + 1)
  return n === 0 ? id : `${id} ${n}`
}

/** That answer for people to read. */
export function toLines({ dryRun, published, refused, refusedByType = {} }: Result): string[] {
  return [
    ...(dryRun ? dryRunLines(published) : publishedLines(published)),
    ...(refused.length === 0 ? [] : [`Refused ${refused.length}:`]),
    ...Object.entries(refusedByType).map(
      ([code, types]) =>
        `  ${code}: ${Object.entries(types)
          .map(([type, count]) => `${count} ${type}`)
          .join(', ')}`,
    ),
    ...(refused.some(({ code }) => code === 'UNMARKED') ? ['  Unmarked objects need a level: repeat with --tlp.'] : []),
    ...refused.slice(0, LISTED_REFUSALS).map(({ id, code, message }) => `  ${id}: ${code}: ${message}`),
    ...(refused.length > LISTED_REFUSALS ? [`  and ${refused.length - LISTED_REFUSALS} more; --json lists all`] : []),
  ]
}

function publishedLines(published: Result['published']): string[] {
  const groups = Map.groupBy(
    published,
    ({ audience, recipients }) =>
      `TLP:${audience.tlp.toUpperCase()} to ${recipients.map(nameOf).join(', ') || 'nobody yet'}`,
  )
  return [...groups].map(
    ([whom, some]) => `Published ${some.length} ${some.length === 1 ? 'object' : 'objects'}, ${whom}.`,
  )
}

function dryRunLines(published: Result['published']): string[] {
  const groups = Map.groupBy(published, ({ audience, recipients }) =>
    JSON.stringify([audience.tlp, audience.epochs, recipients]),
  )
  return [...groups.values()].flatMap((some) => {
    const { audience, recipients } = some[0] as Result['published'][number]
    const rows = recipients.map((one) =>
      typeof one === 'string'
        ? [`  ${one}`]
        : [`  ${one.slug ?? one.member}`, one.code, explain(one.code as ReasonCode)],
    )
    return [
      `Would publish ${some.length} ${some.length === 1 ? 'object' : 'objects'} as TLP:${audience.tlp.toUpperCase()} to:`,
      ...(rows.length === 0 ? ['  nobody'] : table(rows)),
      ...epochLines(audience.epochs),
    ]
  })
}

/** Where an alliance gives new members nothing older. */
const epochLines = (epochs: readonly string[] = []) =>
  epochs
    .map((epoch) => epoch.split(':'))
    .filter(([, version]) => version !== '0')
    .map(([alliance, version]) => `  whoever joins ${alliance} after version ${version} of its charter never gets it`)

const nameOf = (recipient: string | Recipient) =>
  typeof recipient === 'string' ? recipient : (recipient.slug ?? recipient.member)
