// Starts the publisher as a process of its own and speaks to it.
import { type ChildProcess, spawn } from 'node:child_process'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const PUBLISHER = join(dirname(fileURLToPath(import.meta.url)), 'sample-publisher.ts')
const FLAGS = ['--disable-warning=ExperimentalWarning']

/** An acknowledged entry. */
export interface Ack {
  name: string
  log: string
  index: number
  leaf: string
}

/** A running publisher. */
export class Publishing {
  readonly child: ChildProcess
  readonly acks: Ack[] = []
  /** Codes of refused commits. */
  readonly refusals: string[] = []
  readonly #exited: Promise<void>
  readonly #waiting: { isDone: () => boolean; resolve: () => void; reject: (error: Error) => void }[] = []
  #isReady = false
  stderr = ''

  constructor(
    folder: string,
    options: { walPages?: number; env?: Record<string, string>; through?: readonly string[] } = {},
  ) {
    const { walPages = 4096, env = {}, through = [] } = options
    const [command, ...args] = [...through, process.execPath, ...FLAGS, PUBLISHER, folder, String(walPages)]
    this.child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'] })
    this.child.stderr?.on('data', (data: Buffer) => (this.stderr += data.toString()))
    this.child.stdin?.on('error', () => undefined)
    if (this.child.stdout) createInterface({ input: this.child.stdout }).on('line', (line) => this.#said(line))
    this.#exited = new Promise((resolve) => {
      this.child.on('close', () => {
        for (const { reject } of this.#waiting) reject(new Error(`The publisher ended early: ${this.stderr}`))
        resolve()
      })
    })
  }

  publish(names: readonly string[]): void {
    this.child.stdin?.write(`${JSON.stringify(names)}\n`)
  }

  /** Resolves when so many acknowledgements have come in all. */
  acknowledged(count: number): Promise<void> {
    return this.#wait(() => this.acks.length >= count)
  }

  /** Resolves when so many commits have been refused in all. */
  refused(count: number): Promise<void> {
    return this.#wait(() => this.refusals.length >= count)
  }

  /** Ends the input, and waits until the process has closed its store. */
  async finish(): Promise<void> {
    this.child.stdin?.end()
    await this.#exited
    if (this.child.exitCode !== 0) throw new Error(`The publisher failed: ${this.stderr}`)
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL')
    await this.#exited
  }

  #wait(isDone: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ isDone, resolve, reject })
      this.#settle()
    })
  }

  #said(line: string): void {
    if (line === 'ready') this.#isReady = true
    else if (line.startsWith('ack ')) this.acks.push(JSON.parse(line.slice(4)) as Ack)
    else if (line.startsWith('refused ')) this.refusals.push(line.slice(8))
    this.#settle()
  }

  #settle(): void {
    for (const { isDone, resolve } of this.#waiting) if (this.#isReady && isDone()) resolve()
  }
}
