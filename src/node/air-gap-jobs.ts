import { randomUUID } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { LogError } from '#log'
import type { AirGapExport, AirGapImport } from '#federation'
import { NodeError, toNodeError } from './errors.ts'
import type { NodeContext } from './node-context.ts'
import { readIdentities } from './recipient-key.ts'

/** Jobs that are remembered, so that whoever began one can ask how it ended. */
const JOBS_KEPT = 32
/** Files that wait to be read: each is on disk meanwhile. */
const IMPORTS_MOST = 4
/** Folder of files that are being read, in the data directory. */
const SPOOL = 'air-gap'

/** A file that is being written or read. */
export interface AirGapJob {
  id: string
  kind: 'export' | 'import'
  state: 'running' | 'done' | 'failed'
  /** Entries so far, and how many there will be; unknown of an import. */
  done: number
  total?: number
  result?: AirGapImport
  error?: { code: string; detail: string }
}

interface Job extends Omit<AirGapJob, 'done'> {
  done: () => number
}

/** Air-gap files of one node, on their way out and in. */
export class AirGapJobs {
  readonly #node: NodeContext
  readonly #jobs = new Map<string, Job>()
  #isClean = false

  constructor(node: NodeContext) {
    this.#node = node
  }

  /** How a job is, or ended. */
  find(id: string): AirGapJob | undefined {
    const job = this.#jobs.get(id)
    return job && { ...job, done: job.done() }
  }

  /** A file for a member, and the id of the job that writes it. */
  async export(to: string, all: boolean): Promise<{ id: string; file: AirGapExport; stream: Readable }> {
    const file = await this.#node.federation.airGap.open(to, { all })
    const job: Job = { id: randomUUID(), kind: 'export', state: 'running', done: file.done, total: file.entries }
    this.#keep(job)
    const stream = Readable.from(file.chunks, { objectMode: false })
    stream.on('end', () => (job.state = 'done'))
    stream.on('error', () => (job.state = 'failed'))
    return { id: job.id, file, stream }
  }

  /**
   * Takes a file to disk, still encrypted, and begins to read it.
   * @throws AIR_GAP_NO_KEY, RATE_LIMITED
   */
  async import(bytes: Readable): Promise<string> {
    const identities = await readIdentities(this.#node.dir)
    if (identities.length === 0)
      throw new NodeError('AIR_GAP_NO_KEY', 'This node has no recipient key: nobody can have encrypted a file to it.')
    const waiting = [...this.#jobs.values()].filter(({ kind, state }) => kind === 'import' && state === 'running')
    if (waiting.length >= IMPORTS_MOST)
      throw new NodeError('RATE_LIMITED', `${waiting.length} files are being read already.`)
    let entries = 0
    const job: Job = { id: randomUUID(), kind: 'import', state: 'running', done: () => entries }
    this.#keep(job)
    const path = join(await this.#spool(), `${job.id}.age`)
    try {
      await pipeline(bytes, createWriteStream(path, { mode: 0o600 }))
    } catch (cause) {
      job.state = 'failed'
      await rm(path, { force: true })
      throw cause
    }
    const read = this.#node.federation.airGap.read(identities, createReadStream(path), (count) => (entries = count))
    void read
      .then(
        (result) => Object.assign(job, { state: 'done', result }),
        (cause: unknown) => Object.assign(job, { state: 'failed', error: toFailure(cause) }),
      )
      .then(() => rm(path, { force: true }))
    return job.id
  }

  #keep(job: Job): void {
    this.#jobs.set(job.id, job)
    for (const [id, { state }] of this.#jobs) {
      if (this.#jobs.size <= JOBS_KEPT) return
      if (state !== 'running') this.#jobs.delete(id)
    }
  }

  /** What a node that was killed in the middle left is removed: whoever began it begins again. */
  async #spool(): Promise<string> {
    const path = join(this.#node.dir, SPOOL)
    if (!this.#isClean) await rm(path, { recursive: true, force: true })
    this.#isClean = true
    await mkdir(path, { recursive: true, mode: 0o700 })
    return path
  }
}

function toFailure(cause: unknown): { code: string; detail: string } {
  if (cause instanceof LogError) return { code: 'AIR_GAP_REFUSED', detail: cause.message }
  const { code, message, expose } = toNodeError(cause)
  return { code, detail: expose ? message : 'The file could not be read; the node’s log says why.' }
}
