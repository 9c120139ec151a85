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
  readonly #exited: Promise<void>
  readonly #waiting: { count: number; resolve: () => void; reject: (error: Error) => void }[] = []
  #isReady = false
  stderr = ''

  constructor(
    folder: string,
    options: { walPages?: number; env?: Record<string, string>; through?: readonly string[] } = {},
  ) {
    const { walPages = 4096, env = {}, through = [] } = options
    const [command = '', ...args] = [...through, process.execPath, ...FLAGS, PUBLISHER, folder, String(walPages)]
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
    return new Promise((resolve, reject) => {
      this.#waiting.push({ count, resolve, reject })
      this.#settle()
    })
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

  #said(line: string): void {
    if (line === 'ready') this.#isReady = true
    else if (line.startsWith('ack ')) this.acks.push(JSON.parse(line.slice(4)) as Ack)
    this.#settle()
  }

  #settle(): void {
    for (const { count, resolve } of this.#waiting) if (this.#isReady && this.acks.length >= count) resolve()
  }
}
