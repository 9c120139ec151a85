/**
 * One run of a source: pages in order, and for each page first everything durably published or in quarantine, then, in one
 * commit, what waits, what was lost and how far it came. A run that is cut off anywhere goes on at the page it was in;
 * what was published already is found standing and not published twice.
 */
import type { JsonObject, Millis } from '#base'
import type { Register } from '#policy'
import type { Change, Store } from '#store'
import { parseObjects, type PulledObject, type PulledPage, pullPages, SourceMarkings, type TaxiiHttp } from '#taxii'
import { NodeError } from '../errors.ts'
import type { Publisher } from '../publish.ts'
import type { RawObject } from '../raw-objects.ts'
import { type Came, type Held, judge, type Judged } from './judge.ts'
import { addLoss } from './losses.ts'
import type { Counts, Run, Source, SourceState } from './source.ts'
import { DEFINITIONS, deleteWaiting, putWaiting, WaitingAmount, waitingOf } from './waiting.ts'

/** Objects published together. */
const BATCH_OBJECTS = 1_000
/** Pages of one run: a source without end leaves room for others. */
const RUN_PAGES = 10_000
/** Refusals that end in quarantine: somebody can still decide. */
const WAITS = new Set(['UNMARKED', 'UNKNOWN_MARKING', 'NOT_OWNER'])

/** What a run is handed. */
export interface RunContext {
  store: Store
  publisher: Pick<Publisher, 'publish'>
  register: () => Register
  now: () => Millis
  /** Resolves when the state is durable, together with the changes. */
  save: (state: SourceState, changes: readonly Change[]) => Promise<void>
  /** Throws once the run is to stop. */
  checkStopped: () => void
}

interface Outcome {
  taken: number
  held: Held[]
  lost: { id: string; code: string; message: string }[]
}

/** Runs a source from its position on; the state is changed as it goes. @throws TaxiiClientError, NodeError */
export async function runSource(
  context: RunContext,
  http: TaxiiHttp,
  source: Source,
  state: SourceState & { run: Run; url: string },
): Promise<void> {
  const markings = await markingsOf(context.store, source)
  if (state.judged !== source.revision) await judgeAgain(context, source, state, markings)
  const waiting = await WaitingAmount.of(context.store, source.name)
  const { types, limit } = source
  const options = { maxPages: RUN_PAGES, ...(types ? { types } : {}), ...(limit === undefined ? {} : { limit }) }
  for await (const page of pullPages(http, state.url, state.position, options)) {
    context.checkStopped()
    const { learned, outcome } = await takePage(context, source, markings, page)
    for (const { came } of outcome.held) waiting.add(came.bytes.length)
    if (waiting.isFull)
      throw new NodeError(
        'NOT_READY',
        `Too much of ${source.name} waits already: ${waiting.objects} objects. End some; nothing is lost, the source goes on where it stopped.`,
      )
    count(state, { pages: 1, taken: outcome.taken, quarantined: outcome.held.length, lost: outcome.lost.length })
    for (const loss of outcome.lost) for (const to of [state.losses, state.run.losses]) addLoss(to, loss)
    state.position = page.position
    await context.save(state, [...outcome.held.map((held) => waits(context, source, held)), ...learned])
    // What waits for its marking's definition is looked at again as soon as one came.
    if (learned.length > 0) await judgeAgain(context, source, state, markings)
  }
}

function count(state: SourceState & { run: Run }, more: Counts): void {
  for (const to of [state.total, state.run])
    for (const name of ['pages', 'taken', 'quarantined', 'lost'] as const) to[name] += more[name]
}

const waits = ({ now }: RunContext, { name }: Source, { came, code, message }: Held): Change =>
  putWaiting(name, { id: String(came.value['id']), key: came.key, bytes: came.bytes }, { code, message, time: now() })

async function takePage(context: RunContext, source: Source, markings: SourceMarkings, page: PulledPage) {
  const learned = page.objects.flatMap((object) => learn(source, markings, object))
  const outcome: Outcome = { taken: 0, held: [], lost: [...page.unreadable] }
  if (page.gap !== undefined) outcome.lost.push({ id: '', code: 'NOT_REACHED', message: page.gap })
  for (let from = 0; from < page.objects.length; from += BATCH_OBJECTS) {
    const batch = page.objects.slice(from, from + BATCH_OBJECTS)
    const { parsed, faults } = parseObjects(batch)
    outcome.lost.push(...faults)
    const keys = new Map(batch.map(({ bytes, key }) => [bytes, key]))
    const came = parsed.map((object): Came => ({ ...object, key: keys.get(object.bytes) ?? '' }))
    await takeObjects(context, source, markings, came, outcome)
  }
  return { learned, outcome }
}

function learn({ name }: Source, markings: SourceMarkings, { id, bytes }: PulledObject): Change[] {
  if (!id.startsWith('marking-definition--')) return []
  return parseObjects([{ id, bytes }]).parsed.flatMap(({ value }): Change[] =>
    markings.learn(value) ? [{ op: 'put', collection: DEFINITIONS, key: `${name} ${id}`, value }] : [],
  )
}

/** Judges objects and publishes those that may be; first as they are marked, then the unmarked ones with the default. */
async function takeObjects(
  context: RunContext,
  source: Source,
  markings: SourceMarkings,
  objects: readonly Came[],
  outcome: Outcome,
): Promise<void> {
  const register = context.register()
  const authors = new Map((source.authors ?? []).map(({ from, to }) => [from, to]))
  let todo: Judged[] = []
  for (const came of objects) {
    if (came.value['type'] === 'marking-definition') {
      if (markings.knows(came.value)) outcome.taken++
      else outcome.lost.push({ id: String(came.value['id']), ...CONTRADICTED })
      continue
    }
    const judged = judge(came, { authors, register, markings })
    if ('code' in judged) outcome.held.push(judged)
    else todo.push(judged)
  }
  const levels = source.tlp === undefined || source.tlp === 'none' ? [undefined] : [undefined, source.tlp]
  for (const tlp of levels) {
    if (todo.length === 0) return
    const isLast = tlp === levels.at(-1)
    const refused = await publish(context, source, todo, tlp)
    const unmarked: Judged[] = []
    for (const judged of todo) {
      const reason = refused.get(String(judged.value['id']))
      if (!reason) outcome.taken++
      else if (reason.code === 'UNMARKED' && !isLast) unmarked.push(judged)
      else if (WAITS.has(reason.code)) outcome.held.push({ came: judged.came, ...reason })
      else outcome.lost.push(reason)
    }
    todo = unmarked
  }
}

const CONTRADICTED = {
  code: 'MARKING_CONTRADICTED',
  message: 'It came with another meaning before, or is too large: what it marks waits.',
}

/** Publishes judged objects with the definitions of their markings; the refusals by id. */
export async function publish(
  { publisher }: Pick<RunContext, 'publisher'>,
  { to }: Pick<Source, 'to'>,
  objects: readonly Judged[],
  tlp: Source['tlp'],
): Promise<Map<string, { id: string; code: string; message: string }>> {
  const own = new Set(objects.map(({ value }) => String(value['id'])))
  const along = new Map<string, JsonObject>()
  for (const { definitions } of objects)
    for (const one of definitions) if (!own.has(String(one['id']))) along.set(String(one['id']), one)
  const extra = [...along.values()].map((value): RawObject => ({ value, bytes: Buffer.from(JSON.stringify(value)) }))
  const { refused } = await publisher.publish([...extra, ...objects], {
    ...(tlp === undefined || tlp === 'none' ? {} : { tlp }),
    ...(to && to.length > 0 ? { to } : {}),
    isAutomatic: true,
  })
  return new Map(refused.filter(({ id }) => own.has(id)).map((refusal) => [refusal.id, refusal]))
}

/** The markings of a source: its rules, and the definitions that came. */
export async function markingsOf(store: Store, { name, markings = [] }: Source): Promise<SourceMarkings> {
  const rows = store.records<JsonObject>(DEFINITIONS, { prefix: `${name} ` })
  return new SourceMarkings(markings, await Array.fromAsync(rows, ({ value }) => value))
}

/** Judges what waits by the settings and definitions of now. What still waits, or is lost now, was counted before. */
async function judgeAgain(
  context: RunContext,
  source: Source,
  state: SourceState & { run: Run },
  markings: SourceMarkings,
): Promise<void> {
  for await (const batch of waitingOf(context.store, source.name)) {
    context.checkStopped()
    if (batch.length === 0) continue
    const { parsed } = parseObjects(batch.map(({ key, value }) => ({ id: key, bytes: Buffer.from(value.json) })))
    const came = parsed.map((object): Came => ({ ...object, key: '' }))
    const keyOf = new Map(parsed.map(({ bytes }, i) => [bytes, batch[i]?.key ?? '']))
    const outcome: Outcome = { taken: 0, held: [], lost: [] }
    await takeObjects(context, source, markings, came, outcome)
    const held = new Set(outcome.held.map((one) => one.came.bytes))
    const lost = new Set(outcome.lost.map(({ id }) => id))
    const ended = came.filter(({ bytes, value }) => !held.has(bytes) && !lost.has(String(value['id'])))
    count(state, { pages: 0, taken: ended.length, quarantined: 0, lost: 0 })
    await context.save(
      state,
      ended.map(({ bytes }) => deleteWaiting(keyOf.get(bytes) ?? '')),
    )
  }
  state.judged = source.revision
  await context.save(state, [])
}
