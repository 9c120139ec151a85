/**
 * Runs a scenario over a network of real nodes and writes down what happened.
 *
 * The director only ever does what people and sensors do: it hands telemetry to nodes, publishes through their REST
 * surface, cuts links. Detection, sharing and arming are the nodes' own work.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Json, JsonObject } from '#base'
import { collectEvidence, collectReceipts, firstMatches } from './collect.ts'
import { DrillError } from './error.ts'
import type { DrillNetwork, DrillNode } from './launcher.ts'
import { ask } from './node-client.ts'
import { probeAll } from './probe.ts'
import type { DrillMember, DrillRecord, OperationRecord, SignalRecord } from './record.ts'
import { startReplay, type Replay } from './replay.ts'
import { durationMs, type Scenario, scenarioEndMs, type ScenarioSignal, splitTarget } from './scenario.ts'
import type { ScenarioFiles } from './scenario-files.ts'
import { toObjects } from './signal-objects.ts'
import { valuesOf } from './stimulus.ts'

/** How long entitled members get, after the last wave, to prove receipt. */
const SETTLE_LIMIT_MS = 10_000
const READY_LIMIT_MS = 30_000
const POLL_MS = 50
/** How often the members that a cut touches are asked whether they still work. */
const AVAILABILITY_EVERY_MS = 250

/** What a run needs from outside. */
export interface DirectorOptions {
  drill: string
  scenario: Scenario
  files: ScenarioFiles
  network: DrillNetwork
  now: () => number
  uuid: () => string
  /** Called with every change that a scoreboard shows. */
  onChange: (record: DrillRecord, phase: string) => void
  /** Gives the run up: it rejects with the signal's reason at once. */
  signal?: AbortSignal
}

/** Runs the scenario to its end. @throws DRILL_NOT_READY, DRILL_REQUEST_FAILED */
export async function runDrill(options: DirectorOptions): Promise<DrillRecord> {
  const { signal } = options
  signal?.throwIfAborted()
  const given = Promise.withResolvers<never>()
  const giveUp = () => given.reject(signal?.reason)
  signal?.addEventListener('abort', giveUp, { once: true })
  const run = new Director(options).run()
  // What it still waits for when it is given up fails or ends by itself, and nobody asks for it.
  run.catch(() => undefined)
  try {
    return await Promise.race([run, given.promise])
  } finally {
    signal?.removeEventListener('abort', giveUp)
  }
}

class Director {
  readonly #o: DirectorOptions
  readonly #record: DrillRecord
  readonly #published = new Map<string, Promise<void>>()
  readonly #replays: Replay[] = []
  readonly #pending: Promise<unknown>[] = []
  readonly #end = new AbortController()
  /** Aborted when the run has ended or was given up. */
  readonly #stop: AbortSignal
  #phase = ''

  constructor(options: DirectorOptions) {
    this.#o = options
    this.#stop = options.signal ? AbortSignal.any([options.signal, this.#end.signal]) : this.#end.signal
    const { scenario } = options
    this.#record = {
      drill: options.drill,
      scenario: scenario.scenario,
      title: scenario.title,
      summary: scenario.summary,
      started: 0,
      ended: 0,
      members: [],
      waves: [],
      waveTitles: Object.fromEntries(scenario.waves.map(({ id, title }) => [id, title])),
      signals: [],
      cuts: [],
      delays: [],
      receipts: [],
      evidence: [],
      probes: [],
      operations: [],
      benign: [],
      expectations: scenario.expectations as unknown as JsonObject[],
      techniques: scenario.techniques ?? [],
    }
  }

  async run(): Promise<DrillRecord> {
    try {
      await this.#prepare()
      this.#stop.throwIfAborted()
      this.#record.started = this.#o.now()
      this.#schedule()
      await this.#until(scenarioEndMs(this.#o.scenario))
      await Promise.all(this.#replays.map((replay) => replay.done))
      await Promise.all(this.#pending)
      this.#stop.throwIfAborted()
      await this.#settle()
      await this.#finish()
      return this.#record
    } finally {
      this.#end.abort()
    }
  }

  async #prepare(): Promise<void> {
    this.#enter('preparing')
    for (const fault of this.#o.scenario.faults ?? []) {
      if (!('delay' in fault)) continue
      const [a, b] = fault.delay as [string, string]
      this.#o.network.delay(a, b, durationMs(fault.by))
      this.#record.delays.push({ between: [a, b], ms: durationMs(fault.by) })
    }
    await this.#linksUp()
    this.#record.members = await Promise.all([...this.#o.network.nodes.values()].map((node) => this.#describe(node)))
    for (const signal of this.#o.scenario.signals) if (signal.when === 'before') await this.#publish(signal)
  }

  /** Waits until every node reports all its links as up. */
  async #linksUp(): Promise<void> {
    const deadline = this.#o.now() + READY_LIMIT_MS
    for (const node of this.#o.network.nodes.values()) {
      for (;;) {
        const { links } = await ask<{ links: { peer: string; state: string }[] }>(node, 'GET', '/api/v1/status')
        if (links.length > 0 && links.every((link) => link.state === 'up')) break
        if (this.#o.now() > deadline)
          throw new DrillError(
            'DRILL_NOT_READY',
            `${node.slug} has links that are not up after ${READY_LIMIT_MS / 1000} s: ` +
              links
                .filter((l) => l.state !== 'up')
                .map((l) => `${l.peer} ${l.state}`)
                .join(', '),
          )
        await sleep(POLL_MS, undefined, { signal: this.#stop })
      }
    }
  }

  /** Identity, key and clock of a member; the clock is compared by the best of five round trips. */
  async #describe(node: DrillNode): Promise<DrillMember> {
    const { name, nation } = this.#o.scenario.members[node.key] ?? { name: node.slug, nation: '' }
    let best = { offsetMs: 0, errorMs: Infinity }
    let key64 = ''
    for (let i = 0; i < 5; i++) {
      const sent = this.#o.now()
      const { now, key } = await ask<{ now: number; key: string }>(node, 'GET', '/api/v1/status')
      const took = this.#o.now() - sent
      key64 = key
      if (took / 2 < best.errorMs)
        best = { offsetMs: Math.round(now - (sent + took / 2)), errorMs: Math.max(1, took / 2) }
    }
    const alliances = Object.entries(this.#o.scenario.alliances)
      .filter(([, members]) => members.includes(node.key))
      .map(([slug]) => slug)
    return { key: node.key, member: node.member, slug: node.slug, name, nation, alliances, clock: best, key64 }
  }

  #schedule(): void {
    const { scenario, network } = this.#o
    for (const wave of scenario.waves) {
      this.#at(durationMs(wave.at), () => {
        this.#enter(`wave ${wave.id}`)
        for (const node of network.nodes.values())
          this.#replays.push(
            startReplay({
              ...this.#o,
              signal: this.#stop,
              wave,
              node,
              record: this.#record,
              onMatch: (w) => this.#matched(w, node),
            }),
          )
      })
    }
    for (const signal of scenario.signals)
      if (typeof signal.when === 'object' && 'at' in signal.when)
        this.#at(durationMs(signal.when.at), () => this.#publishOnce(signal))
    for (const fault of scenario.faults ?? []) {
      if (!('cut' in fault)) continue
      const between = fault.cut as [string, string]
      const from = durationMs(fault.at)
      const length = durationMs(fault.for)
      const cut = { between, from: 0, until: 0 }
      this.#at(from, () => {
        network.cut(...between)
        cut.from = this.#o.now()
        cut.until = cut.from + length
        this.#record.cuts.push(cut)
        this.#enter(`link ${between.join('–')} cut`)
        this.#pending.push(this.#watchAvailability(between, () => this.#o.now() < cut.until))
      })
      this.#at(from + length, () => {
        network.heal(...between)
        cut.until = this.#o.now()
        this.#enter(`link ${between.join('–')} healed`)
      })
    }
  }

  /** The attacked member's first detection of a wave is when its people share what the scenario says. */
  #matched(wave: string, node: DrillNode): void {
    this.#o.onChange(this.#record, this.#phase)
    for (const signal of this.#o.scenario.signals) {
      if (typeof signal.when !== 'object' || !('detected' in signal.when)) continue
      if (signal.when.detected !== wave || signal.by !== node.key) continue
      const after = signal.when.after ? durationMs(signal.when.after) : 0
      if (after === 0) this.#publishOnce(signal)
      else this.#at(this.#o.now() - this.#record.started + after, () => this.#publishOnce(signal))
    }
  }

  #publishOnce(signal: ScenarioSignal): void {
    if (this.#published.has(signal.id)) return
    const work = this.#publish(signal)
    this.#published.set(signal.id, work)
    this.#pending.push(work)
    // An error surfaces when the run awaits what is pending; until then it must not end the process.
    work.catch(() => undefined)
  }

  async #publish(signal: ScenarioSignal): Promise<void> {
    const { scenario, files, network } = this.#o
    const node = nodeOf(network, signal.by)
    const canary = `canary-${this.#o.uuid().slice(0, 8)}-${signal.id}`
    const objects = toObjects(signal, {
      creator: node.member,
      now: this.#o.now(),
      values: valuesOf(scenario),
      canary,
      ruleText: files.rule,
      uuid: this.#o.uuid,
    })
    const to = signal.to.map((target) => {
      const [kind, name] = splitTarget(target)
      return kind === 'member' ? `member:${nodeOf(network, name).slug}` : target
    })
    const answer = await this.#tryPublish(node, { objects, tlp: signal.tlp, to, drill: this.#record.drill })
    const bySlug = new Map([...network.nodes.values()].map((n) => [n.slug, n.key]))
    const recipients = answer.published.flatMap((row) => row.recipients)
    const when = signal.when
    const row: SignalRecord = {
      id: signal.id,
      by: signal.by,
      tlp: signal.tlp,
      ...(typeof when === 'object' && 'detected' in when ? { wave: when.detected } : {}),
      canary,
      published: this.#o.now(),
      objects: answer.published.map(({ id, log, index }) => ({ id, log, index })),
      rules: signal.sigma?.length ?? 0,
      addresses: signal.addresses?.length ?? 0,
      techniques: {
        rule: (signal.sigma ?? []).flatMap((file) => files.techniques(file)),
        address: signal.techniques ?? [],
      },
      entitled: [...new Set([signal.by, ...recipients.flatMap((slug) => bySlug.get(slug) ?? [])])].sort(),
      holders: [],
    }
    this.#record.signals.push(row)
    this.#enter(`${signal.id} published`)
  }

  async #tryPublish(node: DrillNode, body: JsonObject): Promise<PublishAnswer> {
    const during = this.#record.cuts.some((c) => c.between.includes(node.key) && this.#o.now() < c.until)
    const time = this.#o.now()
    try {
      const answer = await ask<PublishAnswer>(node, 'POST', '/api/v1/publish', body)
      if (answer.refused.length > 0)
        throw new DrillError(
          'DRILL_REQUEST_FAILED',
          `${node.slug} refused ${answer.refused.map((r) => r.message).join('; ')}`,
        )
      if (during) this.#record.operations.push({ member: node.key, operation: 'publish', time, ok: true })
      return answer
    } catch (error) {
      if (during) this.#record.operations.push({ member: node.key, operation: 'publish', time, ok: false })
      throw error
    }
  }

  async #watchAvailability(between: readonly string[], during: () => boolean): Promise<void> {
    const note = (operation: OperationRecord): void => void this.#record.operations.push(operation)
    while (during() && !this.#stop.aborted) {
      for (const key of between) {
        const time = this.#o.now()
        const ok = await ask(nodeOf(this.#o.network, key), 'GET', '/api/v1/objects?limit=1').then(
          () => true,
          () => false,
        )
        note({ member: key, operation: 'search', time, ok })
      }
      await sleep(AVAILABILITY_EVERY_MS)
    }
  }

  /** Waits until every entitled member has proved receipt, but not longer than the limit: what is missing is a miss. */
  async #settle(): Promise<void> {
    this.#enter('settling')
    const deadline = this.#o.now() + SETTLE_LIMIT_MS
    for (;;) {
      this.#record.receipts = await collectReceipts(this.#o.network, this.#record)
      const missing = this.#record.signals.some((signal) =>
        signal.entitled.some((key) => key !== signal.by && !hasReceipt(this.#record, signal, key)),
      )
      if (!missing || this.#o.now() > deadline) return
      await sleep(POLL_MS * 4, undefined, { signal: this.#stop })
    }
  }

  async #finish(): Promise<void> {
    this.#enter('collecting evidence')
    this.#record.evidence = await collectEvidence(this.#o.network, this.#record.drill)
    firstMatches(this.#record, this.#o.files)
    this.#enter('probing every way out')
    const { probes, holders } = await probeAll(this.#o.network, this.#record.signals)
    this.#record.probes = probes
    for (const signal of this.#record.signals) signal.holders = holders.get(signal.id) ?? []
    this.#record.ended = this.#o.now()
    this.#enter('done')
  }

  #at(ms: number, action: () => void): void {
    this.#pending.push(this.#until(ms).then(() => (this.#stop.aborted ? undefined : action())))
  }

  #until(ms: number): Promise<void> {
    const wait = this.#record.started + ms - this.#o.now()
    return sleep(Math.max(0, wait), undefined, { signal: this.#stop }).catch(() => undefined)
  }

  #enter(phase: string): void {
    this.#o.signal?.throwIfAborted()
    this.#phase = phase
    this.#o.onChange(this.#record, phase)
  }
}

interface PublishAnswer {
  published: { id: string; log: string; index: number; recipients: string[] }[]
  refused: { id: string; code: string; message: string }[]
  [name: string]: Json
}

function hasReceipt(record: DrillRecord, signal: SignalRecord, key: string): boolean {
  return signal.objects.every(({ log, index }) =>
    record.receipts.some((r) => r.kind === 'received' && r.from === key && r.log === log && r.size > index),
  )
}

function nodeOf(network: DrillNetwork, key: string): DrillNode {
  const node = network.nodes.get(key)
  if (!node) throw new DrillError('DRILL_NODE_FAILED', `No node of the drill is called ${key}.`)
  return node
}
